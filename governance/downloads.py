"""How a file that people brought leaves the site: as an attachment, byte for byte, never as a page."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from core import blobs, clock
from governance.models import Evidence
from governance.registers.writing import TYPES


def evidence_file(evidence: Evidence) -> StreamingHttpResponse:
    """The file under the name that its client gave it, or under that of its kind."""
    answer = StreamingHttpResponse(blobs.stream(evidence.digest), content_type="application/octet-stream")
    answer["Content-Length"] = str(evidence.size)
    answer["X-Content-SHA256"] = evidence.digest
    answer["Content-Disposition"] = content_disposition_header(True, evidence.file_name or evidence.kind) or "attachment"
    return answer


def register_file(name: str, form: str, parts: Iterator[bytes]) -> StreamingHttpResponse:
    """A register under its name and the moment at which it was taken; no cache keeps it, since it names people."""
    answer = StreamingHttpResponse(parts, content_type=TYPES[form])
    answer["Content-Disposition"] = f'attachment; filename="{name}-{clock.now():%Y%m%d-%H%M%S}.{form}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
