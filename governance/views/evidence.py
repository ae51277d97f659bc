"""The files that people brought as evidence for a model: the list, a new one, a download, a withdrawal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import services
from governance.downloads import evidence_file
from governance.forms.evidence import EvidenceForm, WithdrawalForm
from governance.models import Evidence
from governance.permissions import can_upload_evidence, can_withdraw_evidence
from models_registry.models import RegisteredModel


@require_http_methods(["GET", "HEAD", "POST"])
def evidence(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All files of a model and its versions, the newest first, and the form for another."""
    model = get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team", "owner"), pk=pk)
    decision = can_upload_evidence(request.user, model)
    status, form = 200, None
    if request.method == "POST":
        form, status = EvidenceForm(request.POST, request.FILES, model=model, person=request.user), 422
        if form.is_valid():
            given = form.cleaned_data
            file = given.pop("file")
            try:
                services.upload_evidence(model, file.chunks(), by=request.user, file_name=file.name, **given)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The file is kept, and counts from now on."))
                return see_other(request, request.path)
    elif decision:
        form = EvidenceForm(model=model, person=request.user)
    return render(request, "governance/evidence.html", _context(request, model, form, decision.reason), status=status)


def _context(request: HttpRequest, model: RegisteredModel, form: EvidenceForm | None, why_not: str) -> dict[str, Any]:
    page = page_by_key(request, Evidence.objects.filter(model=model).with_parts())
    rows = [(one, WithdrawalForm(auto_id=f"withdraw_{one.pk}_%s") if may_withdraw(request, one) else None) for one in page]
    return {"model": model, "page": page, "rows": rows, "form": form, "why_not": why_not}


def may_withdraw(request: HttpRequest, one: Evidence) -> bool:
    return one.state == Evidence.State.CURRENT and bool(can_withdraw_evidence(request.user, one))


@require_safe
def file(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """The bytes, to be kept and never to be shown in the page's place."""
    return evidence_file(get_object_or_404(Evidence.objects.visible_to(request.user), pk=pk))


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file no longer counts."""
    found = get_object_or_404(Evidence.objects.visible_to(request.user).with_parts(), pk=pk)
    try:
        services.withdraw_evidence(found, by=request.user, reason=request.POST.get("reason", "")[:500].replace("\x00", ""))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The file no longer counts. It is kept."))
    return see_other(request, found)
