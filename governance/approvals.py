"""Does the approval of a version hold? Computed each time from the signatures over today's digests, never stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from core import clock
from core.canonical import sha256_of
from evaluations.models import EvaluationRun
from evaluations.verdicts import Verdict
from governance.looking_anew import deciding
from governance.material import Material
from governance.models import Condition, EnvelopeDecision, Policy, Review, SignOff, Step
from governance.pins import changed_since, statement, word_of
from governance.requirements import Answer, Question, answers_of
from governance.requirements.evaluations import verdicts_of
from governance.standing_approvals import StandingApproval, standing_approval_of
from models_registry.models import Version

DECIDED_AGAINST = {Version.State.REJECTED, Version.State.WITHDRAWN, Version.State.RETIRED}


@dataclass(frozen=True)
class StepStanding:
    """How far one step is: its signatures that still count, and those that are stale with what changed."""

    step: Step
    counted: list[SignOff]
    stale: list[tuple[SignOff, list[str]]]

    @property
    def met(self) -> bool:
        return not self.step.applies or len({signed.person for signed in self.counted}) >= self.step.quorum

    @property
    def missing(self) -> int:
        return max(0, self.step.quorum - len({signed.person for signed in self.counted})) if self.step.applies else 0


@dataclass(frozen=True)
class Approval:
    """`holds`, and every reason why not. `digest` is what a signature given now would stand for."""

    holds: bool
    reasons: list[str]
    digest: str = ""
    statement: dict[str, Any] = field(default_factory=dict)
    policy: Policy | None = None
    review: Review | None = None
    steps: list[StepStanding] = field(default_factory=list)
    verdicts: list[tuple[EvaluationRun, Verdict]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # of every requirement that the policy has
    conditions: list[Condition] = field(default_factory=list)  # of the signatures that count
    under_way: Review | None = None  # the review that looks at it anew, while it holds
    standing: StandingApproval | None = None  # what it rests on where people signed a change envelope instead, and it counts

    @property
    def evidence_reasons(self) -> list[str]:
        """The part of `reasons` that is not about signatures: what stands against approving now."""
        return [answer.sentence for answer in self.answers if answer.blocks]

    @property
    def signed_at(self) -> list[datetime]:
        """When each signature that counts was given, those on a change envelope included."""
        return _dates(self.steps, self.standing)

    @property
    def stale(self) -> list[tuple[SignOff, list[str]]]:
        return [pair for standing in self.steps for pair in standing.stale]


def approval_of(version: Version, environment: str) -> Approval:
    """The approval of `version` for `environment` as it stands now: of two reviews, what the one that decides comes to."""
    newest = (
        Review.objects.filter(version=version, environment=environment)
        .exclude(state=Review.State.WITHDRAWN)
        .select_related("policy", "renews__policy")
        .annotate(
            has_decision=Exists(EnvelopeDecision.objects.inside().filter(Q(review=OuterRef("pk")) | Q(review=OuterRef("renews"))))
        )
        .order_by("-opened_at", "-pk")
        .first()
    )
    if newest is None:
        return Approval(False, [_("It has not been submitted for %(environment)s.") % {"environment": environment}])
    found = deciding(newest, version_state=version.state, now=clock.now())
    return _judged(found.review, version, under_way=found.under_way, may_rest=newest.has_decision)


def approval_sought(review: Review) -> Approval:
    """What an open review comes to, also beside an approval that holds meanwhile: what is signed, and whether that is enough.
    Of a review that ended, the approval of its version as it stands now."""
    if review.renews_id is not None and review.state == Review.State.OPEN:
        return _judged(review, review.version)
    return approval_of(review.version, review.environment)


def to_work_on(version: Version, environment: str) -> Approval:
    """What people work towards: the review under way where there is one, else the approval as it stands."""
    found = approval_of(version, environment)
    return _judged(found.under_way, version) if found.under_way is not None else found


def _judged(review: Review, version: Version, *, under_way: Review | None = None, may_rest: bool = True) -> Approval:
    """What the review comes to as everything stands now. `may_rest`: whether a decision under an envelope can be there."""
    environment, policy = review.environment, review.policy
    material = Material(version, policy)
    pinned = statement(version, policy=policy, environment=environment, review=review.pk, material=material)
    digest = sha256_of(pinned)
    verdicts = verdicts_of(material)
    answers = answers_of(Question(version, policy, environment, verdicts, given=material))
    about_evidence = [answer.sentence for answer in answers if answer.blocks]
    steps = _standings(review, digest, pinned)
    conditions: list[Condition] = []
    reasons = about_evidence + _state_reasons(version)
    standing = standing_approval_of(review, digest) if may_rest else None
    if not _age_reasons(policy, _dates(steps, standing)):
        reasons += _end_reasons(review)
    if version.state not in DECIDED_AGAINST:  # nobody is asked for a signature any more
        conditions = _conditions(steps)
        if standing is not None and not standing.counts and not all(one.met for one in steps):
            reasons += standing.reasons
        signed = standing is not None and standing.counts
        reasons += [] if signed else _signature_reasons(steps)
        reasons += _condition_reasons(conditions) + _age_reasons(policy, _dates(steps, standing))
    rests_on = standing if standing is not None and standing.counts and not all(one.met for one in steps) else None
    return Approval(
        not reasons, reasons, digest, pinned, policy, review, steps, verdicts, answers, conditions, under_way, rests_on
    )


def _end_reasons(review: Review) -> list[str]:
    """Of an approval that ended although it is not too old: at once when its time is over, before the clock has looked."""
    if review.valid_until is not None and clock.now() >= review.valid_until:
        return [_("The time of the approval is over: it needs a new review.")]
    if review.state == Review.State.EXPIRED:
        return [_("The approval counts no more, because the version was suspended after it: it needs a new review.")]
    return []


def _state_reasons(version: Version) -> list[str]:
    state = Version.State(version.state)
    if state == Version.State.SUSPENDED:
        return [_("The approval was suspended because it no longer held in production.")]
    if state in {Version.State.REJECTED, Version.State.WITHDRAWN, Version.State.RETIRED, Version.State.CHANGES_REQUESTED}:
        return [_("The last decision on it is: %(state)s.") % {"state": state.label.lower()}]
    return []


def _standings(review: Review, digest: str, pinned: dict[str, Any]) -> list[StepStanding]:
    rows = SignOff.objects.standing().approving().filter(review__version=review.version_id)
    rows = rows.exclude(review__renews=review.pk)  # nor what is signed in the review that looks at this one anew
    if review.renews_id is not None:  # what was signed for the approval that it looks at anew is not stale: it is for another
        rows = rows.exclude(review=review.renews_id)
    signed = list(rows.filter(review__environment=review.environment).select_related("delegation"))
    standings = []
    for step in review.steps.all():
        mine = [one for one in signed if one.role == step.role]
        counted = [one for one in mine if one.digest == digest]
        stale = [(one, changed_since(one.statement, pinned)) for one in mine if one.digest != digest]
        standings.append(StepStanding(step, counted, stale))
    return standings


def _signature_reasons(steps: list[StepStanding]) -> list[str]:
    reasons = []
    for standing in steps:
        if standing.met:
            continue
        role = standing.step.get_role_display().lower()
        if standing.stale and not standing.counted:
            what = ", ".join(word_of(key) for key in standing.stale[-1][1] if key != "review")
            said = (
                _("The signature of the %(role)s is stale, because %(what)s changed after it was given.")
                if what
                else _("The signature of the %(role)s was given in an earlier review, which ended: it is needed anew.")
            )
            reasons.append(said % {"role": role, "what": what})
        else:
            reasons.append(_("The signature of the %(role)s is missing.") % {"role": role})
    return reasons


def _conditions(steps: list[StepStanding]) -> list[Condition]:
    """The conditions under which the signatures that count were given."""
    under = SignOff.Verdict.APPROVE_WITH_CONDITIONS
    given = [one.pk for standing in steps for one in standing.counted if one.verdict == under]
    return list(Condition.objects.filter(sign_off__in=given).select_related("owner")) if given else []


def _condition_reasons(conditions: list[Condition]) -> list[str]:
    """At once when the date has passed, whether or not the clock has suspended the approval yet."""
    return [
        _("The approval stood under %(condition)s, which was due %(due)s and was not met.")
        % {"condition": one, "due": one.due.isoformat()}
        for one in conditions
        if one.is_overdue
    ]


def _dates(steps: list[StepStanding], standing: StandingApproval | None) -> list[datetime]:
    """When people signed what counts: a standing approval is as old as the signatures on its envelope."""
    dates = [signed.signed_at for one in steps for signed in one.counted]
    return dates + ([signed.signed_at for signed in standing.signatures] if standing and standing.counts else [])


def _age_reasons(policy: Policy, dates: list[datetime]) -> list[str]:
    days = policy.document.valid_days
    if days and dates and clock.now() > max(dates) + timedelta(days=days):
        return [_("The approval is older than the %(days)s days for which the policy lets it hold.") % {"days": days}]
    return []
