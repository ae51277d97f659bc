"""What governance adds to the pages of models and versions, and what others add to the inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import Person
from core.registry import Registry
from governance.approvals import DECIDED_AGAINST, Approval, StepStanding, approval_of
from governance.comparing import Side, differences
from governance.emergencies import emergency_of, sentence_of
from governance.forms.releasing import ReleaseForm, RollbackForm
from governance.going_back import targets
from governance.looking_anew import notice_of
from governance.models import APPROVING, PRODUCTION, Evidence, Release, Review, RiskAssessment, SignOff, label_of
from governance.models.evidence import EvidenceQuerySet
from governance.modes import STOPPED_WHILE_LIVE, releasable_to
from governance.parts.gate import part_of as gate_part
from governance.permissions import (
    can_release,
    can_release_version,
    can_retire,
    can_revise_card,
    can_submit,
    can_suspend,
    capacities,
)
from governance.permissions.emergencies import can_release_in_emergency
from governance.pins import flags_of, word_of
from governance.requirements.gravest import rows_of
from ledger.models import PrivateValue
from models_registry.models import RegisteredModel, Version
from models_registry.pages import format_words
from models_registry.parts import Part
from models_registry.services import submission_gaps

# Each returns sections of the inbox: {"title", "template", "rows"}.
inbox_parts: Registry[Callable[[HttpRequest], list[dict[str, Any]]]] = Registry("section of the inbox")
MOST_FILES = 20  # of a card; the page of the evidence has all
APPROVED_OUTCOMES = ("approved", "approved_with_conditions")
MOST_RELEASES = 10  # of the latest on a model's page; the history and the API have all


@dataclass(frozen=True, slots=True)
class Standing:
    """The sentence above everything else: how the approval stands, and every reason in the order in which to mend it."""

    tone: str
    title: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed since `before`, the version that was approved last."""

    before: Version
    review: Review
    items: list[dict[str, Any]]


def environment_of(version: Version) -> str:
    """Where the version's latest review wants it to run."""
    latest = version.reviews.order_by("-opened_at").first()
    return latest.environment if latest else PRODUCTION


# -- the page of a version -------------------------------------------------------------------------------------------------


def overview(request: HttpRequest, version: Version) -> list[Part]:
    """What blocks the version, how far each aspect is, the next step of the person who looks."""
    approval = approval_of(version, environment_of(version))
    if approval.review is None:
        return _of_draft(request, version) if version.state == Version.State.DRAFT else _card_link(request, version)
    releases = list(Release.objects.filter(version=version).select_related("released_by", "under").order_by("-released_at"))
    parts = [
        Part("lead", "governance/part_lead.html", {"standing": standing_of(approval, version), "version": version}),
        Part("readiness", "governance/part_readiness.html", readiness(approval, version, releases)),
        Part("body", "governance/part_requirements.html", requirements(approval)),
        Part(
            "more",
            "governance/part_signatures.html",
            {"standings": standings(approval), "closed": version.state in DECIDED_AGAINST},
        ),
    ]
    if approval.under_way is not None:
        anew = {"said": notice_of(approval.under_way), "review": approval.under_way}
        parts.insert(0, Part("lead", "governance/part_looked_at_anew.html", anew))
    emergency = emergency_of(version, approval.review.environment, approval)
    if emergency and any(one.state == Release.State.LIVE for one in releases):
        parts.insert(0, Part("lead", "governance/part_emergency.html", {"said": sentence_of(emergency)}))
    review = approval.under_way or approval.review
    may_sign = review.state == Review.State.OPEN and bool(capacities(request.user, review))
    parts.append(Part("actions", "governance/part_review_link.html", {"review": review, "may_sign": may_sign}))
    files = {"model": version.model, "files": files_of(Evidence.objects.about(version))}
    parts.append(Part("more", "governance/part_evidence.html", files))
    parts.append(gate_part(version, approval, releases))
    live = any(one.state == Release.State.LIVE for one in releases)
    open_to = [] if live else releasable_to(version, approval)
    if open_to and can_release_version(request.user, version):
        form = ReleaseForm(auto_id="release_%s", environments=open_to, initial={"environment": approval.review.environment})
        context = {"version": version, "form": form, "approved": approval.holds}
        parts.append(Part("side", "governance/part_release.html", context))
    if version.state == Version.State.SUSPENDED and can_release(request.user, version.model) and _nothing_live(version):
        parts.append(Part("actions", "governance/part_rollback_link.html", {"model": version.model}))
    if deeds := _deeds_on(request, version, live=live):
        parts.append(Part("actions", "governance/part_standing_links.html", {"deeds": deeds}))
    return parts + _card_link(request, version)


def _deeds_on(request: HttpRequest, version: Version, *, live: bool) -> list[tuple[str, str, str]]:
    """The pages on which this person may stop the version, have it looked at again or retire it: address, icon, word."""
    approved = version.state in Version.APPROVED
    decided = approved or version.state == Version.State.SUSPENDED
    stoppable = approved or (live and version.state in STOPPED_WHILE_LIVE)
    waits = version.state == Version.State.IN_REVIEW and not live
    offered = [
        (stoppable and can_suspend(request.user, version), "suspend", "octagon-pause", _("Suspend")),
        (
            waits and can_release_in_emergency(request.user, version),
            "release_in_emergency",
            "siren",
            _("Release in an emergency"),
        ),
        (decided and can_submit(request.user, version), "new_review", "rotate-ccw", _("New review")),
        (decided and not live and can_retire(request.user, version), "retire", "archive", _("Retire")),
    ]
    return [(reverse(f"governance:{name}", args=[version.pk]), icon, word) for may, name, icon, word in offered if may]


def requirements(approval: Approval) -> dict[str, Any]:
    """The context of the list of what the policy asks, the gravest answers first."""
    return {"rows": rows_of(approval.answers), "policy": approval.policy}


def _of_draft(request: HttpRequest, version: Version) -> list[Part]:
    """What a draft still lacks, and for those who may, the way on."""
    gaps = submission_gaps(version)
    title = (
        _("This version is a draft: something is missing before it can be submitted.") if gaps else _("This version is a draft.")
    )
    standing = Standing("info", title, gaps or [_("Nothing is missing: it can be submitted for review.")])
    unstated = not version.model.task or not version.model.risk_tier
    place = (_("To the model's page"), version.model.get_absolute_url()) if unstated else None
    parts = [Part("lead", "governance/part_lead.html", {"standing": standing, "place": place})]
    if can_submit(request.user, version):
        parts.append(Part("actions", "governance/part_finish_link.html", {"version": version}))
    return parts


def _card_link(request: HttpRequest, version: Version) -> list[Part]:
    if version.state in DECIDED_AGAINST or not can_revise_card(request.user, version):
        return []
    return [Part("actions", "governance/part_card_link.html", {"version": version})]


def _nothing_live(version: Version) -> bool:
    return not Release.objects.live().filter(model=version.model_id).exists()


def standing_of(approval: Approval, version: Version) -> Standing:
    """How the approval stands. Signatures that only wait are one sentence, so that what must be mended stands out."""
    reasons = [reason for reason in approval.reasons if reason not in _missing_reasons(approval)]
    waiting = [] if version.state in DECIDED_AGAINST else _waiting_roles(approval)
    if waiting:
        reasons.append(_("Signatures still to come: %(roles)s.") % {"roles": ", ".join(waiting)})
    if approval.holds and approval.standing:
        said = _("It lies within every limit of %(envelope)s, which people signed beforehand under policy %(policy)s.")
        words = {"envelope": approval.standing.decision.envelope, "policy": approval.policy}
        return Standing("ok", _("A standing approval holds."), [said % words])
    if approval.holds:
        said = _("Every signature that policy %(policy)s asks for was given on exactly these bytes, card, data and numbers.")
        return Standing("ok", _("The approval holds."), [said % {"policy": approval.policy}])
    if version.state == Version.State.SUSPENDED:
        return Standing("bad", _("The approval is suspended."), reasons)
    if version.state == Version.State.REJECTED:
        next_step = _("It stays so. Mend what was found, and submit the result as a new version: it can go on from this card.")
        return Standing("bad", _("This version is rejected."), [*reasons, next_step])
    if approval.evidence_reasons and _under_way(approval, version):
        return Standing("info", _("The workers are not done yet."), reasons)
    if approval.evidence_reasons:
        return Standing("bad", _("Approval is blocked."), reasons)
    return Standing("warn", _("Not approved yet."), reasons)


def _waiting_roles(approval: Approval) -> list[str]:
    return [one.step.get_role_display().lower() for one in approval.steps if not one.met and not _is_stale(one)]


def _under_way(approval: Approval, version: Version) -> bool:
    """Whether all that is open about the evidence is work that still goes on."""
    inspection = getattr(version, "inspection", None)
    if inspection is None or inspection.state in {inspection.State.QUEUED, inspection.State.RUNNING}:
        return True
    runs = [run for run, _verdict in approval.verdicts]
    busy = [run for run in runs if run.state in {run.State.QUEUED, run.State.RUNNING}]
    return bool(busy) and len(busy) == len(approval.evidence_reasons)


def _is_stale(standing: StepStanding) -> bool:
    return bool(standing.stale) and not standing.counted


def _missing_reasons(approval: Approval) -> set[str]:
    """The sentences about signatures that were simply not given yet."""
    return {
        _("The signature of the %(role)s is missing.") % {"role": one.step.get_role_display().lower()}
        for one in approval.steps
        if not one.met and not _is_stale(one)
    }


def readiness(approval: Approval, version: Version, releases: list[Release] | None = None) -> dict[str, Any]:
    """The context of the cards that say how far each aspect is."""
    needed = [one for one in approval.steps if one.step.applies]
    given = sum(min(one.step.quorum, len({signed.person for signed in one.counted})) for one in needed)
    inspection = getattr(version, "inspection", None)
    return {
        "approval": approval,
        "version": version,
        "format": format_words(inspection.format) if inspection and inspection.format else "",
        "flags": flags_of(version),
        "given": given,
        "asked": sum(one.step.quorum for one in needed),
        "stale": sum(len(one.stale) for one in needed if not one.met),
        "closed": version.state in DECIDED_AGAINST,
        "release": releases[0] if releases else None,
        "releases_known": releases is not None,
    }


# -- the page of a model, and the list of models ---------------------------------------------------------------------------


def model(request: HttpRequest, row: RegisteredModel) -> list[Part]:
    """What is live, and the one step back."""
    live = list(Release.objects.live().filter(model=row).select_related("version__model", "released_by", "under"))
    past = list(Release.objects.filter(model=row).select_related("version__model", "released_by", "under")[:MOST_RELEASES])
    parts = [Part("lead", "governance/part_live.html", {"live": [_live(one) for one in live]})]
    active = RiskAssessment.objects.active().filter(model=row).first()
    parts.append(Part("more", "governance/part_risk.html", {"model": row, "active": active}))
    parts.append(
        Part("more", "governance/part_evidence.html", {"model": row, "files": files_of(Evidence.objects.filter(model=row))})
    )
    if past:
        parts.append(Part("body", "governance/part_releases.html", {"releases": past}))
    if past and can_release(request.user, row):
        parts.append(Part("side", "governance/part_rollback.html", _rollback(row)))
    return parts


def _live(one: Release) -> tuple[Release, Approval, str]:
    """A live release, how its approval stands, and the sentence of the emergency by which it runs without one."""
    approval = approval_of(one.version, one.environment)
    emergency = emergency_of(one.version, one.environment, approval)
    return one, approval, sentence_of(emergency) if emergency else ""


def files_of(rows: EvidenceQuerySet) -> list[Evidence]:
    """The files that count or were to count, for a card beside other things."""
    return list(rows.current().select_related("owner").order_by("kind", "-uploaded_at")[:MOST_FILES])


def _rollback(row: RegisteredModel) -> dict[str, Any]:
    """Where a roll-back leads in each environment, and the form where it leads anywhere."""
    ways = targets(row)
    possible = [name for name, version in ways.items() if version]
    form = RollbackForm(auto_id="rollback_%s", environments=possible, model=row) if possible else None
    return {"model": row, "ways": [(label_of(name), version) for name, version in ways.items()], "form": form}


def live_versions(models: list[RegisteredModel]) -> dict[Any, list[Release]]:
    """What is live of each model, in one query: a column of the list."""
    found: dict[Any, list[Release]] = {}
    for one in Release.objects.live().filter(model__in=models).select_related("version__model").order_by("environment"):
        found.setdefault(one.model_id, []).append(one)
    return found


# -- signatures and what changed ---------------------------------------------------------------------------------------------


def standings(approval: Approval) -> list[dict[str, Any]]:
    """Each step with its signatures as a person reads them: names where they are not erased, comments, what is stale and
    what exactly changed since."""
    refusals = _refusals(approval)
    signed = [one for standing in approval.steps for one in standing.counted]
    signed += [*(one for one, _changed in approval.stale), *refusals]
    people = Person.objects.in_bulk({key for one in signed for key in (one.person, one.on_behalf_of) if key})
    comments = dict(
        PrivateValue.objects.filter(event_id__in=[one.event for one in signed], path="comment").values_list("event_id", "value")
    )
    return [
        {
            "step": standing.step,
            "met": standing.met,
            "missing": standing.missing,
            "signatures": [
                *(_signature(one, people, comments) for one in refusals if one.role == standing.step.role),
                *(_signature(one, people, comments) for one in standing.counted),
                *(_stale(one, changed, approval, people, comments, answered=standing.met) for one, changed in standing.stale),
            ],
        }
        for standing in approval.steps
    ]


def _refusals(approval: Approval) -> list[SignOff]:
    """The signatures that ask for changes or reject, newest first."""
    if approval.review is None:
        return []
    rows = SignOff.objects.filter(review__version=approval.review.version_id, review__environment=approval.review.environment)
    rows = rows.exclude(review__renews=approval.review.pk)  # those are of the review that looks at this one anew
    return list(rows.exclude(verdict__in=APPROVING).select_related("delegation").order_by("-signed_at"))


def _signature(one: SignOff, people: dict[UUID, Person], comments: dict[UUID, str]) -> dict[str, Any]:
    told = {"sign_off": one, "person": people.get(one.person), "comment": comments.get(one.event, "")}
    return told | {"on_behalf_of": people.get(one.on_behalf_of) if one.on_behalf_of else None}


def _stale(
    one: SignOff,
    changed: list[str],
    approval: Approval,
    people: dict[UUID, Person],
    comments: dict[UUID, str],
    *,
    answered: bool,
) -> dict[str, Any]:
    """A signature over something else than what stands now. Where nobody signed anew yet, what differs is shown."""
    version = approval.review.version if approval.review else one.review.version
    items = [] if answered else differences(Side(version, one.statement), Side(version, approval.statement))
    return {
        **_signature(one, people, comments),
        "stale": True,
        "changed": capfirst(", ".join(word_of(key) for key in changed if key != "review")),  # "": only the review is another
        "answered": answered,
        "differences": items,
    }


def changes_since_last_approval(version: Version, approval: Approval) -> Comparison | None:
    """How what is pinned now differs from what was signed for the version approved before this one; None for the first."""
    review = approval.review
    if review is None:
        return None
    before = (
        Review.objects.filter(version__model=version.model_id, outcome__in=APPROVED_OUTCOMES, concluded_at__isnull=False)
        .exclude(version=version)
        .select_related("version__model", "version__inspection", "version__training_run")
        .order_by("-concluded_at")
    )
    if review.concluded_at is not None:
        before = before.filter(concluded_at__lt=review.concluded_at)  # a closed review is compared with what was known then
    last = before.first()
    signed = SignOff.objects.filter(review=last).order_by("-signed_at").first() if last else None
    if last is None or signed is None:
        return None
    return Comparison(last.version, last, differences(Side(last.version, signed.statement), Side(version, approval.statement)))
