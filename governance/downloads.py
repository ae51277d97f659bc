"""How a file that people brought leaves the site: as an attachment, byte for byte, never as a page."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from core import blobs
from governance.models import Evidence


def evidence_file(evidence: Evidence) -> StreamingHttpResponse:
    """The file under the name that its client gave it, or under that of its kind."""
    answer = StreamingHttpResponse(blobs.stream(evidence.digest), content_type="application/octet-stream")
    answer["Content-Length"] = str(evidence.size)
    answer["X-Content-SHA256"] = evidence.digest
    answer["Content-Disposition"] = content_disposition_header(True, evidence.file_name or evidence.kind) or "attachment"
    return answer
