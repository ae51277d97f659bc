"""How files leave governance: as attachments, byte for byte, never as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from core import blobs, clock
from core.errors import Missing
from governance import signature_records
from governance.models import Condition, Evidence, SignOff
from governance.registers.writing import TYPES


def evidence_file(evidence: Evidence) -> StreamingHttpResponse:
    """The file under the name that its client gave it, or under that of its kind."""
    answer = _attached(evidence.digest, evidence.file_name or evidence.kind)
    answer["Content-Length"] = str(evidence.size)
    return answer


def condition_file(condition: Condition) -> StreamingHttpResponse:
    """What the owner of a condition handed in."""
    if not condition.evidence_digest:
        raise Missing(_("No file was handed in for this condition."))
    return _attached(condition.evidence_digest, condition.evidence_name or "evidence")


def record_file(signed: SignOff) -> HttpResponse:
    """The record of one signature, to be verified alone."""
    if signed.envelope is None:
        raise Missing(_("This signature was given before signatures had records; it stands in the log."))
    content = json.dumps(signature_records.file_of(signed), indent=1, ensure_ascii=False)
    disposition = f'attachment; filename="signature-{signed.pk}.json"'
    return HttpResponse(content, content_type="application/json", headers={"Content-Disposition": disposition})


def register_file(name: str, form: str, parts: Iterator[bytes]) -> StreamingHttpResponse:
    """A register under its name and the moment at which it was taken; no cache keeps it, since it names people."""
    answer = StreamingHttpResponse(parts, content_type=TYPES[form])
    answer["Content-Disposition"] = f'attachment; filename="{name}-{clock.now():%Y%m%d-%H%M%S}.{form}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _attached(digest: str, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(blobs.stream(digest), content_type="application/octet-stream")
    answer["X-Content-SHA256"] = digest
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer
