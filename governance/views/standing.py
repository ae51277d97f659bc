"""Pages that stop an approved version, ask for a new review of it, or retire it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance import services
from governance.approvals import approval_of
from governance.emergencies import role_in_emergency, text_to_sign
from governance.forms.proving import ProvenForm, ReasonForm
from governance.forms.releasing import EmergencyForm, NewReviewForm
from governance.models import Review
from governance.permissions import can_retire, can_submit, can_suspend
from governance.permissions.emergencies import can_release_in_emergency
from governance.services.accountability import has_accepted
from governance.views.common import session_of
from governance.views.deeds import Deed, deed_page
from models_registry.models import Version
from models_registry.pages import visible_version


def _trail(version: Version) -> list[tuple[str, str]]:
    return [(version.model.name, version.model.get_absolute_url()), (str(version), version.get_absolute_url())]


@require_http_methods(["GET", "HEAD", "POST"])
def suspend(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the approval back at once."""
    version = visible_version(request, pk)
    means = [
        _("The gate says no from this moment, and wherever the version is live its release is revoked."),
        _("It comes back only through a new review."),
    ]
    deed = Deed(
        _("Suspend %(version)s") % {"version": version}, _("Suspend it"), "octagon-pause", can_suspend(request.user, version),
        _trail(version), means, grave=True,
    )  # fmt: skip
    return _decide(request, version, deed, ProvenForm, lambda given: services.order_suspension(version, by=request.user, **given))


@require_http_methods(["GET", "HEAD", "POST"])
def new_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a decided version looked at again."""
    version = visible_version(request, pk)
    means = [
        _("A new review begins under the policy in force now, and every signature is needed anew."),
        _("After a suspension no earlier approval comes back; each environment needs its own review."),
    ]
    deed = Deed(
        _("Ask for a new review of %(version)s") % {"version": version}, _("Ask for it"), "rotate-ccw",
        can_submit(request.user, version), _trail(version), means,
    )  # fmt: skip
    return _decide(
        request, version, deed, NewReviewForm, lambda given: services.ask_for_new_review(version, by=request.user, **given)
    )


@require_http_methods(["GET", "HEAD", "POST"])
def release_in_emergency(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release a version before its signatures are complete."""
    version = visible_version(request, pk)
    allowed = can_release_in_emergency(request.user, version)
    means = [
        _("It goes live at once, although signatures are missing, and its page and the gate say so."),
        _("An inspection that did not accept the checkpoint, or a finding that blocks, still stands against it."),
        _("It may run for a few days, as its policy says. Its review goes on: without an approval in time, or with a rejection, "
          "the release is revoked."),
        _("A version is released in an emergency once for an environment."),
    ]  # fmt: skip
    signs = digest = ""
    options: dict[str, Any] = {"accepted": has_accepted(request.user)}
    if allowed and (review := Review.objects.latest_of(version)):
        digest = approval_of(version, review.environment).digest
        signs = text_to_sign(review, role_in_emergency(request.user, review) or "", digest)
        options["initial"] = {"seen": digest}
    deed = Deed(
        _("Release %(version)s in an emergency") % {"version": version}, _("Release it in an emergency"), "siren", allowed,
        _trail(version), means, grave=True, options=options, signs=signs,
        outdated=request.method == "POST" and request.POST.get("seen") != digest,
    )  # fmt: skip
    return _decide(
        request,
        version,
        deed,
        EmergencyForm,
        lambda given: services.release_in_emergency(version, by=request.user, session=session_of(request), **given),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a version's life."""
    version = visible_version(request, pk)
    deed = Deed(
        _("Retire %(version)s") % {"version": version}, _("Retire it"), "archive", can_retire(request.user, version),
        _trail(version), [_("It is never released again and cannot be brought back. Its history stays.")], grave=True,
    )  # fmt: skip
    return _decide(request, version, deed, ReasonForm, lambda given: services.retire(version, by=request.user, **given))


def _decide(request: HttpRequest, version: Version, deed: Deed, form: Any, do: Any) -> HttpResponse:
    return deed_page(request, deed, form, do, done=lambda _made: (_("Recorded."), version))
