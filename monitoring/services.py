"""Receiving observations, checking predictions on the schedule, answering alerts."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from django.utils.translation import gettext as _

from core import clock
from core.canonical import sha256_of
from core.errors import InvalidInput, WrongState
from evaluations.models import EvaluationRun
from governance.approvals import approval_of
from governance.models import Policy, Release
from governance.services import revoke_within, suspend_within
from ledger.actors import CLOCK
from ledger.acts import Act, act
from measures.estimate import NotMeasurable
from measures.moments import Moments, Reference
from measures.predictions import PredictionCheck, Rule, check_predictions
from models_registry.models import Version
from monitoring import events, lifecycle
from monitoring.models import Alert, ObservationBatch
from monitoring.permissions import can_answer, can_observe

if TYPE_CHECKING:
    from accounts.models import Person

log = logging.getLogger(__name__)
RULE = "prediction_distribution"
MOST_ROWS = 100_000  # in one batch


def receive_observations(
    version: Version,
    *,
    environment: str,
    n: int,
    sums: list[float],
    sums_of_squares: list[float],
    predicted: list[int],
    by: Person,
) -> ObservationBatch:
    """A batch of predictions is kept as sums, to be checked on the schedule; single predictions never leave the client."""
    with act(by, attempt="receive_observations", on=version):
        can_observe(by, version).enforce()  # a refusal comes before anything of the batch is looked at, and is recorded
    if n > MOST_ROWS:
        raise InvalidInput(
            _("A batch holds at most %(most)s rows; send several.") % {"most": f"{MOST_ROWS:,}"}, code="too_many_rows"
        )
    try:
        moments = _moments(n, sums, sums_of_squares)
    except NotMeasurable as error:
        raise InvalidInput(str(error), code="not_probabilities") from error
    expected = len(version.model.classes)
    if expected and moments.classes != expected:
        raise InvalidInput(
            _("The batch has %(given)s classes, but the model has %(expected)s.")
            % {"given": moments.classes, "expected": expected},
            code="classes",
        )
    if len(predicted) != moments.classes or sum(predicted) != n or min(predicted) < 0:
        raise InvalidInput(_("The counts of predicted classes do not add up to the number of rows."), code="counts")
    if not Release.objects.filter(version=version, environment=environment).exists():
        raise WrongState(
            _("%(version)s was never released to %(environment)s, so it has nothing to report from there.")
            % {"version": version, "environment": environment},
            code="never_released",
        )
    facts = {
        "version": str(version.pk),
        "environment": environment,
        "n": n,
        "sums": sums,
        "squares": sums_of_squares,
        "predicted": predicted,
    }
    digest = sha256_of(facts)
    with act(by, attempt="receive_observations", on=version) as this:
        batch = ObservationBatch.objects.create(
            version=version,
            environment=environment,
            received_at=clock.now(),
            n=n,
            sums=sums,
            sums_of_squares=sums_of_squares,
            predicted=predicted,
            digest=digest,
        )
        this.record(
            events.ObservationsReceived(version_id=str(version.pk), environment=environment, rows=n, digest=digest), on=version
        )
    return batch


def _moments(n: int, sums: list[float], sums_of_squares: list[float]) -> Moments:
    return Moments(n, np.asarray(sums, dtype=np.float64), np.asarray(sums_of_squares, dtype=np.float64))


def reference_of(version: Version, policy: Policy) -> Reference | None:
    """What the predictions looked like on the largest test set of the version's evaluation under its policy."""
    completed = EvaluationRun.objects.counting().filter(version=version, state=EvaluationRun.State.COMPLETED)
    runs = completed.filter(policy_ref__id=str(policy.pk))
    references = [run.reference for run in runs if run.reference]
    if not references:
        return None
    largest = max(references, key=lambda one: one["n"])
    return Reference(largest["n"], largest["mean"], largest["variance"])


def check_waiting_predictions() -> int:
    """Every version with unchecked batches has been checked; returns how many were. Called by the clock.

    What one version's batches do to its check never keeps the others from theirs.
    """
    waiting = ObservationBatch.objects.filter(checked_at=None).order_by().values_list("version", "environment").distinct()
    checked = 0
    for version_id, environment in list(waiting):
        version = Version.objects.select_related("model__team", "training_run", "inspection").get(pk=version_id)
        try:
            checked += check_predictions_of(version, environment) is not None
        except Exception:
            log.exception("The predictions of version %s in %s could not be checked", version_id, environment)
    return checked


def check_predictions_of(version: Version, environment: str) -> PredictionCheck | None:
    """The waiting batches have been checked with both rules; a breach opens an alert and, if the policy says so, suspends."""
    approval = approval_of(version, environment)
    if approval.policy is None:
        return None
    rules = approval.policy.document.monitoring
    reference = reference_of(version, approval.policy)
    with act(CLOCK) as this:
        rows = ObservationBatch.objects.select_for_update(skip_locked=True).filter(
            version=version, environment=environment, checked_at=None
        )
        batches = list(rows.order_by("received_at"))
        total = sum(batch.n for batch in batches)
        if not batches or total < rules.minimum_rows or reference is None:
            return None  # too few to say anything: they wait for the next ones
        moments = _moments(batches[0].n, batches[0].sums, batches[0].sums_of_squares)
        for batch in batches[1:]:
            moments += _moments(batch.n, batch.sums, batch.sums_of_squares)
        found = check_predictions(
            moments,
            reference,
            labels=version.model.classes or None,
            minimum_effect=rules.minimum_effect,
            threshold=rules.minimum_mean,
        )
        facts = _facts(found, approval.policy)
        moment = clock.now()  # the same for all batches of a check: it is told from the next by it
        for batch in batches:
            batch.checked_at, batch.outcome = moment, facts
            batch.save(update_fields=["checked_at", "outcome"])
        this.record(
            events.PredictionsChecked(
                version_id=str(version.pk),
                environment=environment,
                rows=total,
                source_rule=_word(found.source),
                interval_rule=_word(found.interval),
                digest=sha256_of({"batches": sorted(batch.digest for batch in batches), "facts": facts}),
            ),
            on=version,
        )
        if found.fired:
            _breach(version, environment, found, facts, suspend=rules.suspend, within=this)
    return found


def _breach(
    version: Version, environment: str, found: PredictionCheck, facts: dict[str, Any], *, suspend: bool, within: Act
) -> None:
    alert = Alert.objects.filter(version=version, environment=environment, rule=RULE, state=Alert.State.OPEN).first()
    if alert is None:
        alert = Alert.objects.create(
            version=version, environment=environment, rule=RULE, sentence=found.sentence, facts=facts, opened_at=clock.now()
        )
        within.record(
            events.AlertOpened(
                version_id=str(version.pk),
                environment=environment,
                rule=RULE,
                sentence=found.sentence[:500],
                facts_digest=sha256_of(facts),
            ),
            on=alert,
        )
    if not suspend:
        return
    present = Version.objects.select_for_update().get(pk=version.pk)  # `version` was read before the act
    if present.state in Version.APPROVED:
        suspend_within(present, reason=RULE, alert=str(alert.pk), within=within)
    else:  # its card was revised while it was live: what is signed anew is released anew, or not at all
        revoke_within(present, reason=RULE, within=within)


def _word(rule: Rule) -> str:
    if not rule.applied:
        return "not_applied"
    return "fired" if rule.fired else "quiet"


def _facts(found: PredictionCheck, policy: Policy) -> dict[str, Any]:
    """The check with every figure, the sizes behind them and the policy that set its limits, as it is kept and hashed."""
    facts = asdict(found)
    facts["classes"] = [dict(row) for row in facts["classes"]]
    return {**facts, "sentence": found.sentence, "fired": found.fired, "policy": str(policy), "policy_digest": policy.digest}


def acknowledge(alert: Alert, *, by: Person) -> None:
    """The alert is known to be looked into."""
    with act(by, attempt="acknowledge_alert", on=alert) as this:
        can_answer(by, alert).enforce()
        lifecycle.acknowledge(alert, within=this)


def close(alert: Alert, *, by: Person, why: str) -> None:
    """The alert is over; a new breach opens a new one."""
    if not why.strip():
        raise InvalidInput(_("Say why the alert is over: it becomes part of the record."), code="reason_missing")
    with act(by, attempt="close_alert", on=alert) as this:
        can_answer(by, alert).enforce()
        lifecycle.close(alert, why=why, within=this)
