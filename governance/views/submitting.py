"""Submitting, finishing a draft, and the card's next revision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Role
from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.forms.submitting import USES, CardForm, DraftForm, SubmitForm, construction_of
from governance.permissions import can_revise_card, can_submit
from models_registry.models import Version
from models_registry.pages import visible_version


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """Hand in a version; what was typed stays when something is missing."""
    if not request.user.holds_anywhere(Role.DATA_SCIENTIST):
        raise PermissionDenied(_("Only data scientists submit versions. Ask an administrator for that role in the model's team."))
    earlier = _earlier(request)
    initial = _initial(request, earlier)
    form = SubmitForm(request.POST or None, request.FILES or None, person=request.user, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                version = services.submit_at_once(by=request.user, **form.submission)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(
                    request, _("%(version)s is submitted: its checkpoint is being inspected.") % {"version": version}
                )
                return see_other(request, version)
    return render(request, "governance/submit.html", {"form": form, "earlier": earlier}, status=status)


def _earlier(request: HttpRequest) -> Version | None:
    """The latest version of the model that the address names, whose card and data are a good beginning."""
    try:
        model = UUID(request.GET.get("model", ""))
    except ValueError:
        return None
    return Version.objects.visible_to(request.user).filter(model=model).select_related("model").order_by("-number").first()


def _initial(request: HttpRequest, earlier: Version | None) -> dict[str, Any]:
    initial: dict[str, Any] = {"model": request.GET.get("model", "")}
    if earlier is None:
        return initial
    links = list(earlier.data.all())
    initial |= {use: [link.dataset_version_id for link in links if link.use == use] for use in USES}
    initial |= {f"card_{key}": text for key, text in (earlier.card.content if earlier.card else {}).items()}
    return initial | construction_of(earlier)


@require_http_methods(["GET", "HEAD", "POST"])
def finish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say what a draft still lacks, and hand it in; what was said is kept even if it cannot be handed in yet."""
    version = visible_version(request, pk)
    if not (decision := can_submit(request.user, version)):
        raise PermissionDenied(decision.reason)
    if version.state != Version.State.DRAFT:
        messages.info(request, _("%(version)s was already submitted.") % {"version": version})
        return see_other(request, version)
    form = DraftForm(request.POST or None, request.FILES or None, person=request.user, version=version)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                version = services.finish_draft(version, by=request.user, **form.submission)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(
                    request, _("%(version)s is submitted: its checkpoint is being inspected.") % {"version": version}
                )
                return see_other(request, version)
    return render(request, "governance/submit.html", {"form": form, "version": version}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def revise_card(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write the next revision of the card."""
    version = visible_version(request, pk)
    decision = can_revise_card(request.user, version)
    if not decision:
        raise PermissionDenied(decision.reason)
    card = version.card
    form = CardForm(request.POST or None, content=card.content if card else {})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.revise_card(version, form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The card has a new revision. Signatures over the earlier one are stale."))
                return see_other(request, version)
    return render(request, "governance/card_form.html", {"version": version, "card": card, "form": form}, status=status)
