"""The file of a finished report, for the page and the API alike."""

from __future__ import annotations

from django.http import FileResponse
from django.utils.translation import gettext as _

from audit.models import Report
from core import blobs
from core.errors import WrongState


def pdf_of(report: Report) -> FileResponse:
    """The PDF as a stream; its digest stands in X-Content-SHA256."""
    if report.state != Report.State.COMPLETED:
        raise WrongState(_("This report is not made yet, so it has no file."), code="not_made_yet")
    answer = FileResponse(
        blobs.open_blob(report.pdf_digest), as_attachment=True, filename=report.file_name, content_type="application/pdf"
    )
    answer["Content-Length"] = str(report.pdf_size)
    answer["X-Content-SHA256"] = report.pdf_digest
    answer["Cache-Control"] = "private, no-store"
    return answer
