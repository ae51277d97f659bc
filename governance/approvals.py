"""Does the approval of a version hold? Computed each time from the signatures over today's digests, never stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from core import clock
from core.canonical import sha256_of
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun
from evaluations.repeats import BEYOND, agreement_of
from evaluations.services import verdict_of
from evaluations.verdicts import Verdict
from governance.models import Policy, Review, SignOff, Step
from governance.pins import WORDS, changed_since, statement
from models_registry.models import Inspection, Version

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
    evidence_reasons: list[str] = field(default_factory=list)  # the part of `reasons` that is not about signatures

    @property
    def stale(self) -> list[tuple[SignOff, list[str]]]:
        return [pair for standing in self.steps for pair in standing.stale]


def approval_of(version: Version, environment: str) -> Approval:
    """The approval of `version` for `environment` as it stands now."""
    review = (
        Review.objects.filter(version=version, environment=environment)
        .exclude(state=Review.State.WITHDRAWN)
        .select_related("policy")
        .order_by("-opened_at", "-pk")
        .first()
    )
    if review is None:
        return Approval(False, [_("It has not been submitted for %(environment)s.") % {"environment": environment}])
    policy = review.policy
    pinned = statement(version, policy=policy, environment=environment, review=review.pk)
    digest = sha256_of(pinned)
    verdicts = verdicts_of(version, policy)
    about_evidence = _evidence_reasons(version, verdicts) + _data_reasons(policy, verdicts)
    steps = _standings(review, digest, pinned)
    reasons = about_evidence + _state_reasons(version)
    if version.state not in DECIDED_AGAINST:  # nobody is asked for a signature any more
        reasons += _signature_reasons(steps) + _age_reasons(policy, steps)
    return Approval(not reasons, reasons, digest, pinned, policy, review, steps, verdicts, about_evidence)


def verdicts_of(version: Version, policy: Policy) -> list[tuple[EvaluationRun, Verdict]]:
    """The latest run on each test set under this policy, with its verdict."""
    runs = (
        EvaluationRun.objects.with_results()
        .counting()
        .filter(version=version, policy_ref__id=str(policy.pk))
        .order_by("-queued_at")
    )
    latest: dict[Any, EvaluationRun] = {}
    for run in runs:
        latest.setdefault(run.dataset_version_id, run)
    return [(run, verdict_of(run)) for run in latest.values()]


def _evidence_reasons(version: Version, verdicts: list[tuple[EvaluationRun, Verdict]]) -> list[str]:
    inspection: Inspection | None = getattr(version, "inspection", None)
    if inspection is None or inspection.state in {Inspection.State.QUEUED, Inspection.State.RUNNING}:
        return [_("The checkpoint has not been inspected yet.")]
    if inspection.state != Inspection.State.COMPLETED:
        return [_("The inspection of the checkpoint could not be finished: %(why)s") % {"why": inspection.error}]
    if not inspection.is_usable:
        found = inspection.reasons[0].get("sentence", "") if inspection.reasons else ""
        return [_("The inspection did not accept the checkpoint. %(why)s") % {"why": found}]
    if not verdicts:
        return [_("Nothing has been measured yet.")]
    reasons = []
    for run, verdict in verdicts:
        if run.state in {run.State.QUEUED, run.State.RUNNING}:
            reasons.append(_("The evaluation on %(data)s is not done yet.") % {"data": run.dataset_version})
        elif run.state != run.State.COMPLETED:
            reasons.append(
                _("The evaluation on %(data)s could not be finished: %(why)s") % {"data": run.dataset_version, "why": run.error}
            )
        else:
            reasons += [check.sentence for check in verdict.checks if check.outcome != "passed"]
    return reasons + _repeat_reasons([run for run, _verdict in verdicts])


def _data_reasons(policy: Policy, verdicts: list[tuple[EvaluationRun, Verdict]]) -> list[str]:
    """Where the policy asks for verified numbers: why those of a completed run are not."""
    if not policy.body.get("verified", False):
        return []
    marks = marks_of(run for run, _verdict in verdicts if run.state == run.State.COMPLETED)
    return [reason for mark in marks.values() for reason in mark.reasons]


def _repeat_reasons(runs: list[EvaluationRun]) -> list[str]:
    """A number that does not come out again is no evidence, until somebody has found out why."""
    by_key = {run.pk: run for run in runs}
    repeats = EvaluationRun.objects.filter(repeats__in=by_key, state=EvaluationRun.State.COMPLETED).order_by("-queued_at")
    latest: dict[Any, EvaluationRun] = {}
    for again in repeats.prefetch_related("metrics"):
        latest.setdefault(again.repeats_id, again)
    found = [(by_key[key], agreement_of(by_key[key], again)) for key, again in latest.items()]
    return [
        _("The evaluation on %(data)s was repeated and came to other numbers. %(how)s")
        % {"data": run.dataset_version, "how": agreement.sentence}
        for run, agreement in found
        if agreement.outcome == BEYOND
    ]


def _state_reasons(version: Version) -> list[str]:
    state = Version.State(version.state)
    if state == Version.State.SUSPENDED:
        return [_("The approval was suspended because it no longer held in production.")]
    if state in {Version.State.REJECTED, Version.State.WITHDRAWN, Version.State.RETIRED, Version.State.CHANGES_REQUESTED}:
        return [_("The last decision on it is: %(state)s.") % {"state": state.label.lower()}]
    return []


def _standings(review: Review, digest: str, pinned: dict[str, Any]) -> list[StepStanding]:
    signed = list(SignOff.objects.filter(review__version=review.version_id, review__environment=review.environment))
    standings = []
    for step in review.steps.all():
        mine = [one for one in signed if one.role == step.role and one.verdict == SignOff.Verdict.APPROVE]
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
            what = ", ".join(_(WORDS[key]) for key in standing.stale[-1][1] if key != "review")
            said = (
                _("The signature of the %(role)s is stale, because %(what)s changed after it was given.")
                if what
                else _("The signature of the %(role)s was given in an earlier review, which ended: it is needed anew.")
            )
            reasons.append(said % {"role": role, "what": what})
        else:
            reasons.append(_("The signature of the %(role)s is missing.") % {"role": role})
    return reasons


def _age_reasons(policy: Policy, steps: list[StepStanding]) -> list[str]:
    days = int(policy.body.get("valid_days", 0))
    dates = [signed.signed_at for standing in steps for signed in standing.counted]
    if days and dates and clock.now() > max(dates) + timedelta(days=days):
        return [_("The approval is older than the %(days)s days for which the policy lets it hold.") % {"days": days}]
    return []
