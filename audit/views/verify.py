"""Verifying in the browser, for anybody; and finding what a digest or a number names, for those who are signed in."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.sources import source_of
from audit.forms import LookupForm, VerifyForm
from audit.lookup import look_up
from audit.models import Report
from audit.verification import Verified
from audit.verification import verify as run_verifier
from core.blobs import CHUNK
from core.errors import DomainError, TooMany

LIMIT = 50_000_000  # bytes of a file
ROOM = 100_000  # bytes for the form around it
A_MINUTE = 20  # files from one source; each costs a process


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The page. A body that is too large is turned away before anything of it is kept: so this stands before the CSRF check,
    which would read it."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if request.method == "POST" and int(announced if announced.isdigit() else 0) > LIMIT + ROOM:
        _let_it_pass(request)
        return _page(request, refusal=_("The file is larger than 50 MB. Verify it offline, as said below."), status=413)
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    try:
        _count(request)
        verified, digest = _examine(form.cleaned_data["file"])
    except DomainError as refusal:
        return _page(request, refusal=str(refusal), status=refusal.status)
    known = Report.objects.filter(pdf_digest=digest).with_parts().first()
    mine = known if known and _sees(request, known) else None
    found = {"verified": verified, "digest": digest, "issued": known, "report": mine, "name": form.cleaned_data["file"].name}
    return _page(request, found=found)


def _page(
    request: HttpRequest,
    *,
    form: VerifyForm | None = None,
    found: dict[str, Any] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    lookup, matches = _looked_up(request)
    context = {
        "form": form or VerifyForm(),
        "found": found,
        "refusal": refusal,
        "lookup": lookup,
        "matches": matches,
        "sought": request.GET.get("q", "").strip(),
    }
    return render(request, "audit/verify.html", context, status=status)


def _looked_up(request: HttpRequest) -> tuple[LookupForm | None, Any]:
    """The form for those who are signed in, and what they asked it."""
    if not request.user.is_authenticated:
        return None, None
    if "q" not in request.GET:
        return LookupForm(), None
    form = LookupForm(request.GET)
    if not form.is_valid():
        return form, None
    matches = look_up(form.cleaned_data["q"], by=request.user)
    if matches is None:
        form.add_error("q", _("This is neither a SHA-256 digest (64 hexadecimal digits) nor the number of an entry."))
    return form, matches


def _examine(file: UploadedFile) -> tuple[Verified, str]:
    """What the verifier says of the file, and the file's digest. Nothing of it is kept."""
    hasher = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        path = Path(folder) / "report.pdf"
        with path.open("wb") as copy:
            for chunk in file.chunks(CHUNK):
                hasher.update(chunk)
                copy.write(chunk)
        return run_verifier(path), f"sha256:{hasher.hexdigest()}"


def _sees(request: HttpRequest, report: Report) -> bool:
    return request.user.is_authenticated and Report.objects.visible_to(request.user).filter(pk=report.pk).exists()


def _count(request: HttpRequest) -> None:
    """So many files a minute from one source, and no more: verifying costs a process, and anybody may ask."""
    who = str(request.user.pk) if request.user.is_authenticated else source_of(request)
    key = f"audit.verify.{who}"
    cache.add(key, 0, timeout=60)
    if cache.incr(key) > A_MINUTE:
        raise TooMany(_("That were many files in one minute. Wait a minute, or verify offline."), retry_after=60)


def _let_it_pass(request: HttpRequest) -> None:
    """Read a body that is refused, up to four times the limit: a browser that is cut off in the middle shows no sentence."""
    left = 4 * LIMIT
    while left > 0 and (chunk := request.read(min(CHUNK, left))):
        left -= len(chunk)
