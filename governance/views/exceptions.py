"""The register of exceptions: asking for one, deciding, taking it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import services
from governance.approvals import approval_of, to_work_on
from governance.forms.exceptions import ApproveForm, ExceptionForm, RefuseForm, RevokeForm
from governance.models import Finding, RequirementException
from governance.parts import environment_of
from governance.permissions.exceptions import can_decide, can_request, can_revoke
from governance.requirements import Outcome, kinds
from ledger.models import Entry
from models_registry.history import lines
from models_registry.models import Version

State = RequirementException.State


@require_safe
def exception_list(request: HttpRequest) -> HttpResponse:
    """The exceptions that the person sees, with their state in the address."""
    rows = RequirementException.objects.visible_to(request.user).with_parts()
    state = request.GET.get("state", "")
    if state in State.values:
        rows = rows.filter(state=state)
    page = page_by_key(request, rows)
    context = {
        "page": page,
        "rows": [(row, _kind_words(row)) for row in page],
        "state": state,
        "states": State.choices,
        "query": f"state={state}" if state in State.values else "",
    }
    return render(request, "governance/exception_list.html", context)


def _row(request: HttpRequest, pk: UUID) -> RequirementException:
    return get_object_or_404(RequirementException.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def exception_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, _row(request, pk))


def _kind_words(row: RequirementException) -> Any:
    kind = kinds.get(row.kind)
    return kind.title if kind else row.kind


def _about(row: RequirementException) -> dict[str, str]:
    """Which answer of the kind it excuses, in words: the finding by its title, else what stands against the version."""
    if row.kind == "findings":
        finding = Finding.objects.filter(pk=row.subject).first()
        return {"words": str(finding), "href": finding.get_absolute_url()} if finding else {}
    version = row.version or row.model.versions.order_by("-number").first()
    answers = approval_of(version, environment_of(version)).answers if version else []
    found = next((one for one in answers if (one.kind, one.subject) == (row.kind, row.subject)), None)
    if found is None or found.outcome == Outcome.EXCEPTED:
        return {}
    return {"words": found.sentence, "href": found.href}


def _page(
    request: HttpRequest, row: RequirementException, bound: dict[str, Form] | None = None, *, status: int = 200
) -> HttpResponse:
    decides, revokes = can_decide(request.user, row), can_revoke(request.user, row)
    forms: dict[str, Form] = {}
    if row.state == State.REQUESTED and decides:
        forms["approve"] = ApproveForm(auto_id="approve_%s", second_factor=is_mfa_enabled(request.user))
        forms["refuse"] = RefuseForm(auto_id="refuse_%s")
    if row.state == State.APPROVED and revokes:
        forms["revoke"] = RevokeForm(auto_id="revoke_%s")
    for name, form in (bound or {}).items():
        if name in forms or form.errors:
            forms[name] = form
    context = {
        "row": row,
        "kind": _kind_words(row),
        "about": _about(row),
        "forms": forms,
        "why_not": decides.reason if row.state == State.REQUESTED else "",
        "entries": lines(Entry.objects.about(row).select_related("leaf").order_by("-subject_seq")[:100]),
    }
    return render(request, "governance/exception_detail.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def request_exception(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask that one requirement may stay unmet about this version."""
    version = get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)
    may = can_request(request.user, version.model.team)
    if not may:
        raise PermissionDenied(may.reason)
    environment = environment_of(version)
    approval = to_work_on(version, environment)
    answers = [one for one in approval.answers if one.blocks and (kind := kinds.get(one.kind)) and kind.excusable]
    form = ExceptionForm(request.POST or None, answers=answers)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = services.request_exception(version, by=request.user, environment=environment, **form.said())
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The exception is requested."))
                return see_other(request, row)
    allowed = approval.policy.document.exceptions if approval.policy else None
    context = {"form": form, "version": version, "answers": answers, "allowed": allowed, "policy": approval.policy}
    return render(request, "governance/exception_form.html", context, status=status)


@require_POST
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    form = ApproveForm(request.POST, auto_id="approve_%s", second_factor=is_mfa_enabled(request.user))
    return _decide(request, pk, "approve", form, service=services.approve_exception, done=_("The exception stands."))


@require_POST
def refuse(request: HttpRequest, pk: UUID) -> HttpResponse:
    form = RefuseForm(request.POST, auto_id="refuse_%s")
    return _decide(request, pk, "refuse", form, service=services.refuse_exception, done=_("The exception is refused."))


@require_POST
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    form = RevokeForm(request.POST, auto_id="revoke_%s")
    return _decide(request, pk, "revoke", form, service=services.revoke_exception, done=_("The exception is taken back."))


def _decide(request: HttpRequest, pk: UUID, name: str, form: Form, *, service: Any, done: str) -> HttpResponse:
    """What is refused comes back on the exception's page with what was typed, the password excepted."""
    row = _row(request, pk)
    status = 422
    if form.is_valid():
        try:
            service(row, by=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, done)
            return see_other(request, row)
    return _page(request, _row(request, pk), {name: form}, status=status)
