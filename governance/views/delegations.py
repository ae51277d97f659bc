"""The delegations of a person: given, received, waiting for an answer; and one of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import services
from governance.forms.delegations import DelegationForm
from governance.forms.signing import SigningForm
from governance.models import Delegation
from governance.models.delegation import MOST_DAYS
from governance.permissions.delegations import can_accept, can_answer, can_end
from governance.signed_words import accountability_text
from governance.views.common import signing_options
from ledger.models import Entry
from models_registry.history import lines


@require_http_methods(["GET", "HEAD", "POST"])
def delegation_list(request: HttpRequest) -> HttpResponse:
    """The delegations that the person sees, and the form in which they give one."""
    begun = {"starts_on": clock.today()}
    options: dict[str, Any] = {"person": request.user, "second_factor": is_mfa_enabled(request.user), "initial": begun}
    form, status = DelegationForm(request.POST or None, **options), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = services.offer_delegation(by=request.user, **form.said())
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("Offered. It counts once it is accepted."))
                return see_other(request, row)
    rows = Delegation.objects.visible_to(request.user).with_parts()
    context = {"form": form, "page": page_by_key(request, rows), "most_days": MOST_DAYS}
    return render(request, "governance/delegation_list.html", context, status=status)


def _row(request: HttpRequest, pk: UUID) -> Delegation:
    return get_object_or_404(Delegation.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def delegation_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who lends what to whom, for which days and why, and what the reader may do about it."""
    return _page(request, _row(request, pk))


def _page(request: HttpRequest, row: Delegation, form: Form | None = None, *, status: int = 200) -> HttpResponse:
    state = row.shown_state
    offered, alive = state == Delegation.State.OFFERED, state in {Delegation.State.OFFERED, "to_come", "in_force"}
    accepts = can_accept(request.user, row)
    context = {
        "row": row,
        "form": form or (SigningForm(**signing_options(request)) if offered and accepts else None),
        "declines": offered and bool(can_answer(request.user, row)),
        "ends": alive and bool(can_end(request.user, row)) and not (offered and row.delegate_id == request.user.pk),
        "why_not": accepts.reason if offered and can_answer(request.user, row) and not accepts else "",
        "accountability": accountability_text(),
        "entries": lines(Entry.objects.about(row).select_related("leaf").order_by("-subject_seq")[:20]),
        "signed": list(row.sign_offs.select_related("review__version__model").order_by("-signed_at")[:20]),
    }
    return render(request, "governance/delegation_detail.html", context, status=status)


@require_POST
def accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    form = SigningForm(request.POST, **signing_options(request))
    done = _("Accepted. Reviews that you may sign by it appear in your inbox.")
    return _do(request, pk, form, service=services.accept_delegation, done=done)


@require_POST
def decline(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _do(request, pk, None, service=services.decline_delegation, done=_("Declined."))


@require_POST
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    done = _("Ended. Nothing more is signed by it; what was signed stays.")
    return _do(request, pk, None, service=services.end_delegation, done=done)


def _do(request: HttpRequest, pk: UUID, form: Form | None, *, service: Any, done: str) -> HttpResponse:
    """What is refused comes back on the delegation's page, with its reason."""
    row = _row(request, pk)
    if form is not None and not form.is_valid():
        return _page(request, row, form, status=422)
    try:
        service(row, by=request.user, **(form.cleaned_data if form else {}))
    except DomainError as refusal:
        if form is None:
            messages.error(request, str(refusal))
        else:
            form.add_error(None, str(refusal))
        return _page(request, _row(request, pk), form, status=refusal.status)
    messages.success(request, done)
    return see_other(request, row)
