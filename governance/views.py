"""The inbox, the review with its decision, submitting, the card's next revision, releasing and rolling back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import SIGNING_ROLES, Role
from core.errors import DomainError
from core.pages import render_page_or_fragment, see_other
from evaluations.figures import gravest_first, pictures_of
from governance import parts, services
from governance.approvals import DECIDED_AGAINST, Approval, approval_of
from governance.forms import (
    USES,
    CardForm,
    DraftForm,
    ReleaseForm,
    RollbackForm,
    SignOffForm,
    SubmitForm,
    construction_of,
)
from governance.models import Policy, Review, Step
from governance.models.review import ReviewQuerySet
from governance.permissions import can_revise_card, can_sign_off, can_submit, roles_to_sign
from governance.policy_words import signatures_of, suites_of
from models_registry.cards import shown
from models_registry.models import RegisteredModel, RiskTier, Version
from models_registry.pages import visible_version

MOST = 50  # rows of one list of the inbox; the older ones come first
DECIDED = 10  # of the latest


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for the person, what is theirs and with whom it is, what was decided lately."""
    rows = Review.objects.visible_to(request.user).with_parts()
    signable = rows.signable_by(request.user)
    submitted = rows.open().filter(version__submitted_by=request.user)
    elsewhere = rows.open().exclude(pk__in=signable.values("pk")).exclude(pk__in=submitted.values("pk"))
    waiting, mine, others = (_oldest(some) for some in (signable, submitted, elsewhere))
    held = _held_by([*mine, *others])
    context = {
        "waiting": waiting[:MOST],
        "mine": [(review, held.get(review.pk, "")) for review in mine[:MOST]],
        "others": [(review, held.get(review.pk, "")) for review in others[:MOST]],
        "most": MOST,
        "more_waiting": len(waiting) > MOST,
        "more_mine": len(mine) > MOST,
        "more_others": len(others) > MOST,
        "decided": list(rows.exclude(state=Review.State.OPEN).order_by("-concluded_at")[:DECIDED]),
        "parts": [part for make in parts.inbox_parts for part in make(request)],
        "signs": any(request.user.holds_anywhere(role) for role in (*SIGNING_ROLES, Role.RISK_MANAGER)),
        "submits": request.user.holds_anywhere(Role.DATA_SCIENTIST),
        "administers": request.user.holds_anywhere(Role.ADMINISTRATOR),
    }
    return render(request, "governance/inbox.html", context)


def _oldest(reviews: ReviewQuerySet) -> list[Review]:
    """The oldest, and one more than the inbox shows, where there is one."""
    return list(reviews.order_by("opened_at", "pk")[: MOST + 1])


def _held_by(reviews: list[Review]) -> dict[Any, str]:
    """For each review whose signature is next, in one query; nothing while the workers are not done."""
    waiting: dict[Any, list[Step]] = {}
    for step in Step.objects.waiting().filter(review__in=reviews).order_by("order", "pk"):
        waiting.setdefault(step.review_id, []).append(step)
    return {
        review.pk: ", ".join(step.get_role_display().lower() for step in steps if step.order == steps[0].order)
        for review in reviews
        if review.version.state != Version.State.SUBMITTED and (steps := waiting.get(review.pk))
    }


def _review(request: HttpRequest, pk: UUID) -> Review:
    return get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def review_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What blocks, what changed, the checks, the signatures, and the decision for those who may take it."""
    review = _review(request, pk)
    return render_page_or_fragment(request, "governance/review_detail.html", "decision", _review_context(request, review))


def _review_context(request: HttpRequest, review: Review, form: SignOffForm | None = None) -> dict[str, Any]:
    approval = approval_of(review.version, review.environment)
    roles = roles_to_sign(request.user, review) if review.state == Review.State.OPEN else []
    if form is None and roles:
        form = SignOffForm(
            roles=roles,
            second_factor=is_mfa_enabled(request.user),
            blocked=_blocked(approval),
            initial={"seen": approval.digest},
        )
    comparison = parts.changes_since_last_approval(review.version, approval)
    runs = approval.verdicts
    return {
        "review": review,
        "version": review.version,
        "approval": approval,
        "form": form,
        "why_not": "" if roles else _why_not(request, review),
        "lead_part": {"standing": parts.standing_of(approval, review.version), "version": review.version},
        "readiness_part": parts.readiness(approval, review.version),
        "checks": [(run, gravest_first(verdict.checks), verdict) for run, verdict in runs],
        "charts": [picture for run, _verdict in runs for picture in pictures_of(run, "recall")],
        "signatures_part": {"standings": parts.standings(approval), "closed": review.version.state in DECIDED_AGAINST},
        "card_fields": shown(review.version.card.content) if review.version.card else [],
        "comparison": comparison,
        "card": review.version.card,
    }


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


@require_POST
def sign_off(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the decision; whatever is refused comes back with the reason and what was typed, the password excepted."""
    review = _review(request, pk)
    posted = request.POST.get("role", "")
    roles = roles_to_sign(request.user, review) or [step.role for step in review.steps.all() if step.role == posted]
    blocked = _blocked(approval_of(review.version, review.environment))
    form = SignOffForm(request.POST, roles=roles, second_factor=is_mfa_enabled(request.user), blocked=blocked)
    status = 422
    if form.is_valid():
        try:
            signed = services.sign_off(review, by=request.user, **form.cleaned_data)
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


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What each risk tier asks for now: who signs, and task by task what is measured and what blocks."""
    latest = Policy.objects.filter(state=Policy.State.PUBLISHED).order_by("risk_tier", "-published_at").distinct("risk_tier")
    rank = {tier: place for place, tier in enumerate(RiskTier.values)}
    policies = sorted(latest, key=lambda policy: rank[policy.risk_tier])
    rows = [{"policy": one, "suites": suites_of(one), "signatures": signatures_of(one)} for one in policies]
    return render(request, "governance/policy_list.html", {"policies": rows})


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


@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make the version live in an environment."""
    version = visible_version(request, pk)
    return _decide(
        request,
        version,
        ReleaseForm(request.POST),
        lambda given: services.release(version, by=request.user, **given),
        _("Released."),
    )


@require_POST
def roll_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make the latest earlier version whose approval holds live again."""
    model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
    return _decide(
        request,
        model,
        RollbackForm(request.POST),
        lambda given: services.roll_back(model, by=request.user, **given),
        _("Rolled back."),
    )


def _decide(request: HttpRequest, thing: Version | RegisteredModel, form: Any, deed: Any, done: str) -> HttpResponse:
    """One small form beside a thing: do it, or say on the thing's page why not."""
    if not form.is_valid():
        messages.error(
            request, " ".join(f"{form.fields[name].label}: {' '.join(errors)}" for name, errors in form.errors.items())
        )
        return see_other(request, thing)
    try:
        deed(form.cleaned_data)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return see_other(request, thing)
