"""Each limit of an envelope held against one version: met, passed or not assessed, with its figures and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from core import clock
from data_registry.models import DatasetVersion, PiiFinding
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun
from evaluations.services import verdict_of
from evaluations.verdicts import NOT_RUN, PASSED, CheckVerdict
from governance.approvals import Approval, approval_of
from governance.change_envelopes.facts import code_of, datasets_of, personal_of, tests_of
from governance.change_envelopes.measuring import compared_with, live_of, runs_of
from governance.models import ChangeEnvelope, EnvelopeDecision, Policy, label_of
from governance.pins import construction_digest
from governance.requirements import Outcome, Question, data_validation
from models_registry.models import Version

MET, NOT_MET, NOT_ASSESSED = Outcome.MET.value, Outcome.NOT_MET.value, Outcome.NOT_ASSESSED.value


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it stands. `low` and `high` bound what was estimated from `n` rows; `limit` is what was signed."""

    name: str
    outcome: str
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    limit: float | None = None
    against: str = ""  # the version that it was compared with
    data: str = ""  # the test set

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}


def limits_of(version: Version, envelope: ChangeEnvelope, approval: Approval) -> list[Limit]:
    """Every limit, in the order in which people read them. `approval` is that of the version as it stands."""
    return [
        *_in_force(envelope),
        *_policy(version, envelope, approval),
        *_baseline(envelope),
        *_construction(version, envelope),
        *_code(version, envelope),
        *_data(version, envelope, approval),
        *_personal(version, envelope),
        *_tests(version, envelope, approval),
        *_requirements(approval),
        *_comparisons(version, envelope),
        *_count(envelope),
    ]


def standing_limits(envelope: ChangeEnvelope) -> list[Limit]:
    """The limits that ask about the envelope itself and what it rests on, not about a version: what it could do now."""
    return [*_in_force(envelope), *_baseline(envelope)]


def used(envelope: ChangeEnvelope) -> int:
    """How many versions were released under the envelope in the period that ends now."""
    since = clock.now() - timedelta(days=envelope.limits["days"])
    return EnvelopeDecision.objects.inside().filter(envelope=envelope, decided_at__gt=since).count()


def _limit(name: str, met: bool, said: str, otherwise: str, **figures: Any) -> Limit:
    return Limit(name, MET if met else NOT_MET, said if met else otherwise, **figures)


def _in_force(envelope: ChangeEnvelope) -> Iterator[Limit]:
    words = {"envelope": envelope, "state": envelope.get_state_display().lower(), "at": envelope.body["limits"]["expires_at"]}
    if envelope.state != ChangeEnvelope.State.ACTIVE:
        yield Limit("in_force", NOT_MET, _("%(envelope)s is not in force: it is %(state)s.") % words)
    said, otherwise = _("The envelope holds until %(at)s."), _("The envelope ran out at %(at)s.")
    yield _limit("expiry", not envelope.has_run_out, said % words, otherwise % words)
    days, dates = envelope.policy.document.valid_days, [one.signed_at for one in envelope.signatures.all()]
    if days:
        fresh = bool(dates) and clock.now() <= max(dates) + timedelta(days=days)
        said, otherwise = _("It was signed within the last %(days)s days."), _("It was signed more than %(days)s days ago.")
        yield _limit("signatures", fresh, said % {"days": days}, otherwise % {"days": days})


def _policy(version: Version, envelope: ChangeEnvelope, approval: Approval) -> Iterator[Limit]:
    now = Policy.objects.in_force(version.model.risk_tier, envelope.environment)
    same = approval.policy is not None and approval.policy.digest == envelope.policy.digest
    yield _limit(
        "policy",
        bool(same and now and now.digest == envelope.policy.digest),
        _("The policy is the one under which the envelope was signed: %(policy)s.") % {"policy": envelope.policy},
        _("The envelope was signed under %(policy)s, and another policy is in force now.") % {"policy": envelope.policy},
    )


def _baseline(envelope: ChangeEnvelope) -> Iterator[Limit]:
    baseline, live = envelope.baseline, live_of(envelope)
    found = approval_of(baseline, envelope.environment)
    holds = found.holds and found.standing is None and baseline.checkpoint_digest == envelope.body["baseline"]["checkpoint"]
    words = {"baseline": baseline, "environment": label_of(envelope.environment).lower(), "reasons": " ".join(found.reasons)}
    said = _("The approval of the baseline %(baseline)s holds.")
    otherwise = _("The approval of the baseline %(baseline)s does not hold. %(reasons)s")
    yield _limit("baseline", holds, said % words, (otherwise % words).strip())
    mine = EnvelopeDecision.objects.inside().filter(envelope=envelope, version=live).exists() if live else False
    words["live"] = live
    if live is None:
        yield Limit(
            "live", NOT_MET, _("No version of the model is live in %(environment)s, so there is none to replace.") % words
        )
    else:
        yield _limit(
            "live",
            mine or live.pk == baseline.pk,
            _("%(live)s, which is live in %(environment)s, is the baseline or was released under this envelope.") % words,
            _("%(live)s, which is live in %(environment)s, is neither the baseline nor was it released under this envelope.")
            % words,
        )


def _construction(version: Version, envelope: ChangeEnvelope) -> Iterator[Limit]:
    yield _limit(
        "architecture",
        construction_digest(version) == envelope.body["construction"],
        _("Architecture and reading of the data are those of the baseline."),
        _("The architecture, or how rows become inputs, is not that of the baseline."),
    )


def _code(version: Version, envelope: ChangeEnvelope) -> Iterator[Limit]:
    then, now = envelope.body["code"], code_of(version)
    key = "tree" if then["tree"] else "commit"
    words = {"then": then[key][:12], "now": now[key][:12]}
    if not now[key]:
        yield Limit("code", NOT_ASSESSED, _("The training run does not say of which commit and tree its code was."))
    elif now["uncommitted"]:
        yield Limit("code", NOT_MET, _("The training run had changes that were not committed, or does not say."))
    else:
        yield _limit(
            "code",
            now[key] == then[key] and now["repository"] == then["repository"],
            _("The code is that of the baseline: %(then)s.") % words,
            _("The code is another than the baseline's: %(now)s, not %(then)s.") % words,
        )
    if not now["lock"]:
        yield Limit("packages", NOT_ASSESSED, _("The training run names no lock file."))
    else:
        same, other = _("The lock file is that of the baseline."), _("The lock file is another than the baseline's.")
        yield _limit("packages", now["lock"] == then["lock"], same, other)


def _data(version: Version, envelope: ChangeEnvelope, approval: Approval) -> Iterator[Limit]:
    yield _limit(
        "datasets",
        datasets_of(version) == envelope.body["datasets"],
        _("It learned from versions of the same datasets as the baseline, for the same uses."),
        _("It learned from other datasets than the baseline, or used them otherwise."),
    )
    learned = DatasetVersion.objects.filter(model_uses__version=version)
    drafts = [str(one) for one in learned.select_related("dataset").distinct() if one.state != DatasetVersion.State.REGISTERED]
    missing = ", ".join(drafts)
    said, otherwise = _("Every dataset version is registered."), _("Not registered: %(data)s.") % {"data": missing}
    yield _limit("registered", not drafts, said, otherwise)
    if approval.policy is None:
        return
    for answer in data_validation.answer(Question(version, approval.policy, envelope.environment, approval.verdicts)):
        yield Limit("validated", answer.outcome.value, answer.sentence)


def _personal(version: Version, envelope: ChangeEnvelope) -> Iterator[Limit]:
    new = [one for one in personal_of(version) if one not in envelope.body["personal_data"]]
    named = "; ".join(f"{PiiFinding.Category(category).label.lower()} ({column or name})" for category, name, column in new)
    yield _limit(
        "personal_data",
        not new,
        _("No personal data are known in its data beyond those of the baseline."),
        _("Personal data reach it that the baseline's data did not hold: %(what)s.") % {"what": named},
    )


def _tests(version: Version, envelope: ChangeEnvelope, approval: Approval) -> Iterator[Limit]:
    missing = [one for one in envelope.body["tests"] if one not in tests_of(version)]
    said, otherwise = (
        _("It is tested on every test set of the baseline."),
        _("It is not tested on every test set of the baseline."),
    )
    yield _limit("tests", not missing, said, otherwise)
    runs = [run for run, _verdict in approval.verdicts if run.state == EvaluationRun.State.COMPLETED]
    if not runs:
        yield Limit("verified", NOT_ASSESSED, _("Nothing was measured."))
    reasons = [reason for mark in marks_of(runs).values() for reason in mark.reasons]
    if runs:
        yield _limit("verified", not reasons, _("Its numbers are verified on registered hold-outs."), " ".join(reasons))


def _requirements(approval: Approval) -> Iterator[Limit]:
    blocking = [answer for answer in approval.answers if answer.blocks]
    if approval.conditions:
        yield Limit("requirements", NOT_MET, _("Somebody signed this version under conditions, so people decide."))
    elif not blocking:
        yield Limit("requirements", MET, _("Every threshold and requirement of the policy is met."))
    for answer in blocking:
        yield Limit("requirements", answer.outcome.value, answer.sentence)


def _comparisons(version: Version, envelope: ChangeEnvelope) -> Iterator[Limit]:
    """Non-inferiority and churn on each test set: against the baseline always, and against what is live."""
    latest: dict[tuple[str, str], EvaluationRun] = {}
    for run in runs_of(version, envelope):
        latest.setdefault((str(run.policy_ref.get("against")), str(run.dataset_version_id)), run)
    for other in compared_with(envelope):
        for key, _digest in envelope.body["tests"]:
            found = latest.get((str(other.pk), key))
            if found is None or found.checkpoint_digest != version.checkpoint_digest:
                said = _("It was not compared with %(other)s on every test set.") % {"other": other}
                yield Limit("non_inferior", NOT_ASSESSED, said, against=str(other))
                continue
            for name, check in zip(("non_inferior", "churn"), verdict_of(found).checks, strict=True):
                yield _of_check(name, check, found, other)


def _of_check(name: str, check: CheckVerdict, run: EvaluationRun, other: Version) -> Limit:
    line = check.threshold
    words = {"other": other, "data": run.dataset_version, "sentence": check.sentence}
    return Limit(
        name,
        MET if check.outcome == PASSED else NOT_ASSESSED if check.outcome == NOT_RUN else NOT_MET,
        _("Against %(other)s on %(data)s: %(sentence)s") % words,
        value=check.value,
        low=check.low,
        high=check.high,
        n=check.n,
        limit=line.get("minimum", line.get("maximum")),
        against=str(other),
        data=str(run.dataset_version),
    )


def _count(envelope: ChangeEnvelope) -> Iterator[Limit]:
    most, days, so_far = envelope.limits["releases"], envelope.limits["days"], used(envelope)
    words = {"used": so_far, "most": most, "days": days}
    yield _limit(
        "releases",
        so_far < most,
        _("%(used)d of %(most)d releases in %(days)d days were made before it.") % words,
        _("All %(most)d releases that are allowed in %(days)d days were made.") % words,
        value=so_far,
        limit=most,
    )
