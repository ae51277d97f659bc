"""Who would fall out under a policy that is not in force yet: today's approvals held against it, without measuring anything anew.

Everything is read at once, in a number of queries that does not grow with the versions. What cannot be known without a review
under the new policy is said as such: it is neither a pass nor a failure.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role
from core import clock
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun, Metric
from evaluations.suites import Criteria
from evaluations.verdicts import PASSED, judge
from governance.documents import Document
from governance.foreseeing import FORESEEN
from governance.models import EnvelopeSignature, Policy, Release, Review, SignOff, Step, label_of
from governance.requirements import kinds
from models_registry.models import Task, Version


@dataclass(frozen=True, slots=True)
class Standing:
    """One approved version in one environment: why it would fall out (`reasons`), and what is not known yet (`open`)."""

    version: UUID
    name: str
    model: UUID
    environment: str
    live: bool
    policy: str  # under which it was approved
    reasons: list[str]
    open: list[str]

    @property
    def environment_label(self) -> str:
        return label_of(self.environment)


@dataclass(frozen=True, slots=True)
class DryRun:
    """How many approvals were looked at, which would fall out, and which stay as far as it is known."""

    looked_at: int
    falling: list[Standing] = field(default_factory=list)
    unclear: list[Standing] = field(default_factory=list)

    @property
    def live_falling(self) -> int:
        return sum(one.live for one in self.falling)

    @property
    def staying(self) -> int:
        return self.looked_at - len(self.falling) - len(self.unclear)


class _Run(NamedTuple):
    pk: UUID
    data: str
    not_run: dict[str, str]


@dataclass(slots=True)
class _Material:
    """What the approvals rest on, by version or review."""

    policies: dict[UUID, Policy]
    signed: dict[tuple[UUID, str], int]  # (review, role) -> how many people approved
    last: dict[UUID, Any]  # review -> when it was last signed
    applies: dict[tuple[UUID, str], bool]  # of steps that are asked only where personal data reach the version
    runs: dict[tuple[UUID, str], list[_Run]]  # (version, policy) -> the latest run on each test set
    missed: dict[UUID, list[str]]  # run -> why it does not pass; nothing where it does, or where no limit is known for its task
    unverified: dict[UUID, list[str]]
    live: set[tuple[UUID, str]]
    demands: list[tuple[Mapping[str, Any], dict[UUID, list[str]] | None]]


def dry_run(document: Document) -> DryRun:
    """Today's approvals of what the document covers, held against it."""
    with _no_collection():
        return _held_against(document)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that is built here refers to itself, and the collector would walk through all of it again and again: half of the
    time for ten thousand versions, and more for more."""
    rests = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if rests:
            gc.enable()


def _held_against(document: Document) -> DryRun:
    beside = Review.objects.open().filter(version=OuterRef("version"))
    elsewhere = Q(Exists(beside.exclude(environment=OuterRef("environment"))), version__state=Version.State.IN_REVIEW)
    approvals = (
        Review.objects.filter(
            Q(version__state__in=Version.APPROVED) | (elsewhere & Q(state=Review.State.CONCLUDED)),  # which then holds on
            outcome__startswith="approved",
            environment__in=document.covers.environments,
            version__model__risk_tier__in=document.covers.tiers,
        )
        .order_by("version_id", "environment", "-opened_at", "-pk")
        .distinct("version_id", "environment")
    )
    rows = list(
        approvals.values(
            *("pk", "version_id", "environment", "policy_id"),
            number=F("version__number"),
            model=F("version__model_id"),
            model_name=F("version__model__name"),
            task=F("version__model__task"),
        )
    )
    found = DryRun(len(rows))
    criteria = {task: document.evaluations.criteria(task) for task in Task.values}
    material = _load(rows, document, criteria)
    for row in rows:
        standing = _stand(row, document, criteria.get(row["task"]), material)
        if standing.reasons:
            found.falling.append(standing)
        elif standing.open:
            found.unclear.append(standing)
    found.falling.sort(key=lambda one: (not one.live, one.name, one.environment))
    return found


def _load(rows: list[dict[str, Any]], document: Document, criteria: Mapping[str, Criteria | None]) -> _Material:
    reviews, versions = [row["pk"] for row in rows], list({row["version_id"] for row in rows})
    counts: dict[tuple[UUID, str], int] = {}
    last: dict[UUID, Any] = {}
    signed = SignOff.objects.standing().approving().filter(review__in=reviews, digest=F("review__digest"))
    people = signed.order_by().values("review_id", "role").annotate(people=Count("person", distinct=True), at=Max("signed_at"))
    for review, role, many, at in people.values_list("review_id", "role", "people", "at"):
        counts[review, role] = many
        last[review] = max(last.get(review, at), at)
    for review, role, many, at in _by_envelope(reviews):
        counts[review, role] = max(many, counts.get((review, role), 0))
        last[review] = max(last.get(review, at), at)
    sometimes = [step.role for step in document.steps if step.only_with_personal_data]
    steps = Step.objects.filter(review__in=reviews, role__in=sometimes).order_by().values_list("review_id", "role", "applies")
    runs = _measured(versions)
    live = Release.objects.live().filter(version__in=versions).order_by().values_list("version_id", "environment")
    return _Material(
        policies={one.pk: one for one in Policy.objects.filter(pk__in={row["policy_id"] for row in rows})},
        signed=counts,
        last=last,
        applies={(review, role): applies for review, role, applies in steps},
        runs=runs,
        missed=_missed(rows, runs, document, criteria),
        unverified=_unverified(runs) if document.evaluations.verified else {},
        live=set(live),
        demands=[(demand, _foreseen(demand, versions)) for demand in document.requirements],
    )


def _by_envelope(reviews: list[UUID]) -> Iterator[tuple[UUID, str, int, Any]]:
    """The signatures on the change envelopes within which versions were approved: by review and role, how many and until when."""
    decided = "envelope__decisions__review"
    rows = EnvelopeSignature.objects.filter(
        envelope__decisions__inside=True,
        envelope__decisions__review__in=reviews,
        envelope__decisions__pinned=F(f"{decided}__digest"),
        digest=F("envelope__digest"),
    )
    people = rows.order_by().values(decided, "role").annotate(people=Count("person", distinct=True), at=Max("signed_at"))
    yield from people.values_list(decided, "role", "people", "at")


def _measured(versions: list[UUID]) -> dict[tuple[UUID, str], list[_Run]]:
    """The latest completed run on each test set under each policy."""
    rows = EvaluationRun.objects.counting().filter(version__in=versions, state=EvaluationRun.State.COMPLETED)
    found: dict[tuple[UUID, str], list[_Run]] = defaultdict(list)
    seen = set()
    named = rows.order_by("-queued_at").values_list(
        "pk", "version_id", "policy_ref__id", "dataset_version_id",
        "dataset_version__dataset__name", "dataset_version__number", "facts__not_run",
    )  # fmt: skip
    for pk, version, policy, data, name, number, gaps in named:
        if (version, policy, data) not in seen:
            seen.add((version, policy, data))
            why = {str(gap.get("check")): str(gap.get("reason", "")) for gap in gaps or [] if gap.get("check")}
            found[version, policy].append(_Run(pk, f"{name} v{number}", why))
    return found


def _missed(
    rows: list[dict[str, Any]],
    runs: Mapping[tuple[UUID, str], list[_Run]],
    document: Document,
    criteria: Mapping[str, Criteria | None],
) -> dict[UUID, list[str]]:
    """Why each run does not pass. Their numbers come run by run and go as soon as they are judged: those of ten thousand
    versions never lie in memory together."""
    task_of = {row["version_id"]: row["task"] for row in rows}
    asked = {run.pk: (run, criteria.get(task_of[version])) for (version, _policy), of in runs.items() for run in of}
    missed: dict[UUID, list[str]] = {}
    for key, metrics in groupby(_limited(list(task_of), document), key=attrgetter("run_id")):
        if key in asked:
            missed[key] = _reasons(*asked.pop(key), list(metrics))
    return missed | {key: _reasons(run, limits, []) for key, (run, limits) in asked.items()}


def _reasons(run: _Run, criteria: Criteria | None, metrics: list[Any]) -> list[str]:
    if criteria is None:
        return []
    verdict = judge(metrics, criteria.thresholds, not_run=run.not_run, unsaid={PASSED})
    return [f"{run.data}: {check.sentence}" for check in verdict.checks if check.outcome != PASSED]


def _limited(versions: list[UUID], document: Document) -> Iterator[Any]:
    """The numbers that the document limits, those of a run together."""
    suites = [*document.evaluations.suites.values(), *([document.evaluations.for_all] if document.evaluations.for_all else [])]
    names = {line["metric"] for suite in suites for line in suite["thresholds"]}
    fields = ("run_id", "check_name", "name", "label", "value", "low", "high", "confidence", "method", "n", "unit")
    limited = Metric.objects.filter(run__version__in=versions, name__in=names).order_by("run_id", "pk")
    return limited.values_list(*fields, named=True).iterator(chunk_size=2000)


def _unverified(runs: Mapping[Any, Iterable[_Run]]) -> dict[UUID, list[str]]:
    keys = [run.pk for of in runs.values() for run in of]
    marks = marks_of(EvaluationRun.objects.with_results().filter(pk__in=keys), counted=False)
    return {pk: list(mark.reasons) for pk, mark in marks.items() if mark.reasons}


def _foreseen(demand: Mapping[str, Any], versions: list[UUID]) -> dict[UUID, list[str]] | None:
    look = FORESEEN.get(demand["kind"])
    return look(demand, versions) if look else None


def _stand(row: dict[str, Any], document: Document, criteria: Criteria | None, material: _Material) -> Standing:
    earlier = material.policies[row["policy_id"]]
    reasons = _of_numbers(row, criteria, material)
    unsigned, unclear = _of_signatures(row, document, material)
    reasons += unsigned + _of_age(row, document, material)
    for demand, foreseen in material.demands:
        if demand in earlier.document.requirements:
            continue  # answered when it was approved, and looked at by every gate since
        if foreseen is not None:
            reasons += foreseen.get(row["version_id"], [])
        else:
            kind = kinds.get(demand["kind"])
            unclear.append(_("Not looked into here: %(what)s.") % {"what": kind.title if kind else demand["kind"]})
    return Standing(
        version=row["version_id"],
        name=f"{row['model_name']} v{row['number']}",
        model=row["model"],
        environment=row["environment"],
        live=(row["version_id"], row["environment"]) in material.live,
        policy=str(earlier),
        reasons=reasons,
        open=unclear,
    )


def _of_numbers(row: dict[str, Any], criteria: Criteria | None, material: _Material) -> list[str]:
    if criteria is None:
        task = Task(row["task"]).label.lower() if row["task"] in Task.values else _("not stated")
        return [_("It says nothing about this task: %(task)s.") % {"task": task}]
    runs = material.runs.get((row["version_id"], str(row["policy_id"])), [])
    if not runs:
        return [_("Nothing has been measured yet.")]
    found = []
    for run in runs:
        found += material.missed[run.pk]
        found += material.unverified.get(run.pk, [])
    return found


def _of_signatures(row: dict[str, Any], document: Document, material: _Material) -> tuple[list[str], list[str]]:
    missing, unclear = [], []
    for step in document.steps_in_order():
        short = step.quorum - material.signed.get((row["pk"], step.role), 0)
        if short <= 0:
            continue
        words = {"n": short, "role": Role(step.role).label.lower()}
        sentence = ngettext("%(n)d signature of the %(role)s is missing.", "%(n)d signatures of the %(role)s are missing.", short)
        if not step.only_with_personal_data:
            missing.append(sentence % words)
        elif (applies := material.applies.get((row["pk"], step.role))) is None:
            unclear.append(_("If personal data reach it, the signature of the %(role)s is missing.") % words)
        elif applies:
            missing.append(sentence % words)
    return missing, unclear


def _of_age(row: dict[str, Any], document: Document, material: _Material) -> list[str]:
    signed, days = material.last.get(row["pk"]), document.valid_days
    if days and signed and clock.now() > signed + timedelta(days=days):
        return [_("The approval is older than the %(days)s days for which the policy would let it hold.") % {"days": days}]
    return []
