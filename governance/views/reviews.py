"""The review with its decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.services import minutes_locked
from core.errors import DomainError
from core.pages import render_page_or_fragment, see_other
from evaluations.figures import gravest_first, pictures_of
from governance import parts, services
from governance.approvals import DECIDED_AGAINST, Approval, approval_sought
from governance.change_envelopes.parts import decided
from governance.discussing import discussion
from governance.forms.signing import SignOffForm
from governance.looking_anew import is_beside, notice_of
from governance.models import Delegation, Review, SignOff
from governance.parts.conditions import conditions_part, possible_owners
from governance.permissions import Capacity, can_sign_off, can_withdraw_signature, capacities
from governance.signed_parts import signed_parts
from governance.signed_words import accountability_text, texts_of
from governance.views.common import session_of, signing_options
from models_registry.cards import shown
from models_registry.models import Version
from models_registry.permissions import can_withdraw


def _review(request: HttpRequest, pk: UUID) -> Review:
    return get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def review_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What blocks, what changed, the checks, the signatures, and the decision for those who may take it."""
    review = _review(request, pk)
    return render_page_or_fragment(request, "governance/review_detail.html", "decision", _review_context(request, review))


def _review_context(request: HttpRequest, review: Review, form: SignOffForm | None = None) -> dict[str, Any]:
    approval = approval_sought(review)
    possible = capacities(request.user, review) if review.state == Review.State.OPEN else []
    capacity = _chosen(request, possible)
    if form is None and capacity is not None:
        begun = {"seen": approval.digest, "role": capacity.role, "delegation": capacity.delegation_key}
        form = _form(request, review, approval, capacity.role, capacity.delegation, initial=begun)
    refused = form if form is not None and not possible else None  # somebody else was faster: nothing is left to sign
    if refused is not None:
        form = None
    comparison = parts.changes_since_last_approval(review.version, approval)
    runs = approval.verdicts
    prefetch_related_objects([run for run, _verdict in runs], "charts")
    return {
        "review": review,
        "version": review.version,
        "approval": approval,
        "notice": notice_of(review) if is_beside(review) else "",
        "approval_holds": review.cause != Review.Cause.FINDING,
        "form": form,
        "refused": refused,
        "outdated": form is not None and form.is_bound and form["seen"].value() != approval.digest,
        "signs_as": capacity,
        "other_capacities": [other for other in possible if other != capacity],
        "signed_parts": signed_parts(review.version, approval) if form else [],
        "accountability": accountability_text(),
        "locked_minutes": minutes_locked(request.user) if form else 0,
        "why_not": "" if possible else _why_not(request, review),
        "may_withdraw": review.state == Review.State.OPEN
        and review.version.state not in Version.APPROVED
        and bool(can_withdraw(request.user, review.version)),
        "withdrawable": [one for one in _mine(request, review) if can_withdraw_signature(request.user, one)],
        "conditions_part": conditions_part(request.user, review),
        "lead_part": {"standing": parts.standing_of(approval, review.version), "version": review.version},
        "readiness_part": parts.readiness(approval, review.version),
        "requirements_part": parts.requirements(approval),
        "checks": [(run, gravest_first(verdict.checks), verdict) for run, verdict in runs],
        "charts": [picture for run, _verdict in runs for picture in pictures_of(run, "recall")],
        "signatures_part": {"standings": parts.standings(approval), "closed": review.version.state in DECIDED_AGAINST},
        "card_fields": shown(review.version.card.content) if review.version.card else [],
        "comparison": comparison,
        "card": review.version.card,
        "envelope_part": decided(review.version),
        "talk": discussion(request, review),
    }


def _chosen(request: HttpRequest, possible: list[Capacity]) -> Capacity | None:
    """What the address or the form names, of what is possible; else the first, where there is one."""
    asked = request.POST if request.method == "POST" else request.GET
    role, lent = asked.get("role") or asked.get("as", ""), asked.get("delegation", "")
    named = [one for one in possible if (one.role, one.delegation_key) == (role, lent)]
    return next(iter(named or possible), None)


def _form(
    request: HttpRequest,
    review: Review,
    approval: Approval,
    role: str,
    delegation: Delegation | None,
    *given: Any,
    **options: Any,
) -> SignOffForm:
    """The form in which `role` signs: for each verdict, word for word, what it puts the signer's name to."""
    step = review.steps.filter(role=role).first()
    words = {"step": step, "digest": approval.digest, "delegation": delegation}
    texts = texts_of(review.version, review.environment, **words) if step else {}
    signers: list[Any] = [request.user, *([delegation.delegator] if delegation else [])]
    allowed = review.policy.document.conditions.allowed
    return SignOffForm(
        *given,
        texts=texts,
        owners=possible_owners(review, but=signers),
        blocked=_blocked(approval),
        conditional="" if allowed else _("The policy allows no approval under conditions."),
        **signing_options(request),
        **options,
    )


def _mine(request: HttpRequest, review: Review) -> list[SignOff]:
    return list(review.sign_offs.standing().filter(person=request.user.pk, digest=review.digest).select_related("withdrawal"))


def _blocked(approval: Approval) -> str:
    """Why nobody may approve now, in one sentence beside the choice; the reasons stand above everything."""
    open_reasons = len(approval.evidence_reasons)
    if not open_reasons:
        return ""
    return ngettext(
        "Not possible: %(n)d reason stands against it; see above.",
        "Not possible: %(n)d reasons stand against it; see above.",
        open_reasons,
    ) % {"n": open_reasons}


def _why_not(request: HttpRequest, review: Review) -> str:
    """The reason that the person most likely asks for: about a role that they hold, else about any."""
    if review.state != Review.State.OPEN:
        return _("This review is %(state)s.") % {"state": review.get_state_display().lower()}
    steps = [step for step in review.steps.all() if step.applies]
    held = [step for step in steps if request.user.holds(step.role, review.version.model.team)]
    for step in [*held, *steps]:
        decision = can_sign_off(request.user, review, step.role)
        if not decision:
            return decision.reason
    return ""


def _delegation(request: HttpRequest) -> Delegation | None:
    """The delegation that the form names. One that is nobody's of this person is not there: 404, as anything out of sight."""
    key = request.POST.get("delegation", "")
    if not key:
        return None
    try:
        pk = UUID(key)
    except ValueError as error:
        raise Http404(_("There is no such delegation.")) from error
    return get_object_or_404(Delegation.objects.visible_to(request.user).with_parts(), pk=pk)


@require_POST
def sign_off(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the decision; whatever is refused comes back with the reason and what was typed, the password excepted."""
    review = _review(request, pk)
    approval = approval_sought(review)
    lent = _delegation(request)
    form = _form(request, review, approval, request.POST.get("role", ""), lent, request.POST)
    status = 422
    if form.is_valid():
        try:
            signed = services.sign_off(review, by=request.user, session=session_of(request), delegation=lent, **form.signature)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("Signed: %(verdict)s.") % {"verdict": signed.get_verdict_display().lower()})
            return see_other(request, review)
    review = _review(request, pk)
    return render_page_or_fragment(
        request, "governance/review_detail.html", "decision", _review_context(request, review, form), status=status
    )
