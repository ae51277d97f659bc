"""Opening a review, keeping its pins and steps in step with the version, and what follows from an inspection."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.db import transaction
from django.utils.translation import gettext as _

from core import clock
from core.canonical import sha256_of
from evaluations.models import EvaluationRun
from evaluations.services import ask_for_run
from evaluations.suites import suite_of
from governance import events, lifecycle
from governance.change_envelopes.measuring import ask_for_comparisons
from governance.criteria import criteria_of
from governance.models import ChangeEnvelope, Policy, Review, SignOff, Step
from governance.permissions import contributors
from governance.pins import changed_since, flags_of, statement
from ledger.acts import Act
from models_registry import lifecycle as versions
from models_registry.inspection.formats import PROGRAMS
from models_registry.models import Inspection, Version, VersionData

if TYPE_CHECKING:
    from accounts.models import Person


def open_review(version: Version, *, policy: Policy, environment: str, by: Person, within: Act, **beside: Any) -> Review:
    """The version is under review by exactly this policy; the steps that apply are written down with the reason. `beside`: the
    columns of a review that goes on beside an approval."""
    now, days = clock.now(), policy.document.review_days
    review = Review(
        version=version,
        policy=policy,
        environment=environment,
        contributors=sorted(contributors(version) | {str(one) for one in version.emergencies.values_list("person", flat=True)}),
        opened_by=by,
        opened_at=now,
        due_at=now + timedelta(days=days) if days else None,
        **beside,
    )
    review.digest = sha256_of(statement(version, policy=policy, environment=environment, review=review.pk))
    review.save(force_insert=True)
    steps = [Step(review=review, **step) for step in steps_of(version, policy)]
    Step.objects.bulk_create(steps)
    within.record(
        events.ReviewOpened(
            version_id=str(version.pk),
            policy=str(policy),
            policy_digest=policy.digest,
            environment=environment,
            steps=[f"{step.role} x{step.quorum}: {step.because}" for step in steps if step.applies],
        ),
        on=review,
    )
    return review


def refresh(review: Review, *, within: Act, contributor: Person | None = None) -> None:
    """The review's digest, steps and contributors are those of the version as it stands; what changed is recorded."""
    pinned = statement(review.version, policy=review.policy, environment=review.environment, review=review.pk)
    digest = sha256_of(pinned)
    if contributor is not None and contributor.pk not in review.contributors:
        review.contributors = [*review.contributors, contributor.pk]
        review.save(update_fields=["contributors"])
    for step in steps_of(review.version, review.policy):
        Step.objects.filter(review=review, role=step["role"]).update(applies=step["applies"], because=step["because"])
    if digest == review.digest:
        return
    last = SignOff.objects.filter(review=review).order_by("-signed_at").first()
    changed = changed_since(last.statement, pinned) if last else []
    within.record(events.PinsChanged(digest=digest, earlier=review.digest, changed=changed), on=review)
    review.digest = digest
    review.save(update_fields=["digest"])


def steps_of(version: Version, policy: Policy) -> list[dict[str, Any]]:
    """The policy's steps as they apply to the version, as columns of a row: for its review, and for a change envelope on it."""
    flags = flags_of(version)
    steps = []
    for asked in policy.document.steps_in_order():
        if asked.only_with_personal_data:
            applies = bool(flags)
            because = (
                _("Personal data reach this version: %(what)s.") % {"what": "; ".join(sorted({flag.sentence for flag in flags}))}
                if flags
                else _("No personal data are known in the data that this version names.")
            )
        else:
            applies, because = True, _("The policy always asks for it.")
        steps.append(
            {
                "order": asked.order,
                "role": asked.role,
                "meaning": asked.meaning,
                "quorum": asked.quorum,
                "distinct_teams": asked.distinct_teams,
                "applies": applies,
                "because": because[:300],
            }
        )
    return steps


def after_inspection(inspection: Inspection, *, within: Act) -> None:
    """Bytes whose weights were had are opened to reviewers and measured on each test set; refused bytes reject the version."""
    version = (
        Version.objects.select_for_update(of=("self",))
        .select_related("model__team", "training_run")
        .get(pk=inspection.version_id)
    )
    review = Review.objects.open().locked().select_related("policy").filter(version=version).first()
    if review is None or version.state != Version.State.SUBMITTED or inspection.state != Inspection.State.COMPLETED:
        return
    review.version = version
    if inspection.is_usable:
        versions.open_to_reviewers(version, within=within)
        ask_for_runs(version, review.policy, within=within)
        for envelope in ChangeEnvelope.objects.standing().filter(model=version.model_id, environment=review.environment):
            ask_for_comparisons(version, envelope, within=within)
        refresh(review, within=within)
    else:
        versions.reject(version, reason="inspection", review=str(review.pk), within=within)
        lifecycle.conclude(review, outcome="rejected", digest=review.digest, within=within)


def after_evaluation(run: EvaluationRun, *, within: Act) -> None:
    """New numbers are part of what is signed from now on."""
    review = Review.objects.open().locked().select_related("policy").filter(version=run.version_id).first()
    if review is not None:
        review.version = Version.objects.select_related("model__team", "training_run").get(pk=run.version_id)
        refresh(review, within=within)
        _ring_for_envelopes(review)


def _ring_for_envelopes(review: Review) -> None:
    """The numbers are there: where an envelope is in force it is asked now, and not only at the next turn of the clock."""
    rows = ChangeEnvelope.objects.standing().filter(model=review.version.model_id, environment=review.environment)
    if rows.exists():
        transaction.on_commit(lambda: current_app.send_task("governance.decide_by_envelopes"), robust=True)


def ask_for_runs(version: Version, policy: Policy, *, within: Act) -> None:
    """The version is being measured on each test set by this policy; where it already was, the numbers stand."""
    if EvaluationRun.objects.counting().filter(version=version, policy_ref__id=str(policy.pk)).exists():
        return
    criteria = criteria_of(policy, version.model.task)
    suite = suite_of(criteria.name, criteria.checks)
    reference = {"id": str(policy.pk), "name": policy.name, "number": policy.number, "digest": policy.digest}
    levels = policy.document.evaluations.sandbox
    needed_level = levels["programs"] if version.inspection.format in PROGRAMS else levels["weights"]
    for link in version.data.filter(use=VersionData.Use.TESTING).select_related("dataset_version"):
        ask_for_run(
            version,
            dataset_version=link.dataset_version,
            suite=suite,
            thresholds=criteria.thresholds,
            policy_ref=reference,
            needed_level=needed_level,
            tolerance=criteria.tolerance,
            within=within,
        )
