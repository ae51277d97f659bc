"""Files that governance hands out, always as downloads."""

from __future__ import annotations

import json

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from core import blobs
from core.errors import Missing
from governance import signature_records
from governance.models import Condition, SignOff


def record_file(signed: SignOff) -> HttpResponse:
    """The record of one signature, to be verified alone."""
    if signed.envelope is None:
        raise Missing(_("This signature was given before signatures had records; it stands in the log."))
    content = json.dumps(signature_records.file_of(signed), indent=1, ensure_ascii=False)
    disposition = f'attachment; filename="signature-{signed.pk}.json"'
    return HttpResponse(content, content_type="application/json", headers={"Content-Disposition": disposition})


def evidence_file(condition: Condition) -> StreamingHttpResponse:
    """What the owner of a condition handed in."""
    if not condition.evidence_digest:
        raise Missing(_("No file was handed in for this condition."))
    answer = StreamingHttpResponse(blobs.stream(condition.evidence_digest), content_type="application/octet-stream")
    answer["X-Content-SHA256"] = condition.evidence_digest.removeprefix("sha256:")
    answer["Content-Disposition"] = content_disposition_header(True, condition.evidence_name or "evidence") or "attachment"
    return answer
