"""Which measurements are *verified*: on a hold-out that was registered before, and of a model that never saw its rows.

A model that was trained, tuned or stopped on the rows it is measured on looks better than it is, and the number says so nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from data_registry.lineage import contents_of
from data_registry.models import HoldOut
from evaluations.models import EvaluationRun
from models_registry.models import VersionData

Use = VersionData.Use


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a run's numbers are verified, and every reason why not; `nth` of `measured` on these bytes so far."""

    verified: bool
    reasons: list[str] = field(default_factory=list)
    contaminated: bool = False  # the model saw the rows: no number on them is worth what it says
    nth: int = 0
    measured: int = 0


def marks_of(runs: Iterable[EvaluationRun], *, counted: bool = True) -> dict[UUID, Mark]:
    """The mark of each run, in a constant number of queries. `counted`: with `nth` and `measured`, which read every run on the
    same bytes; who decides needs only the reasons."""
    rows = list(runs)
    registered = HoldOut.objects.filter(dataset_version__digest__in={run.dataset_digest for run in rows})
    held = {one.dataset_version.digest: one for one in registered.select_related("dataset_version").order_by("-registered_at")}
    learned: dict[UUID, list[VersionData]] = {}
    links = VersionData.objects.filter(version__in={run.version_id for run in rows}).exclude(use=Use.TESTING)
    for link in links.select_related("dataset_version__dataset"):
        learned.setdefault(link.version_id, []).append(link)
    named = [link.dataset_version_id for of_version in learned.values() for link in of_version]
    contents = contents_of([*named, *(run.dataset_version_id for run in rows)])
    accesses = _accesses({run.dataset_digest for run in rows}) if counted else {}
    return {run.pk: _mark(run, held, learned.get(run.version_id, []), contents, accesses) for run in rows}


def _mark(
    run: EvaluationRun,
    held: dict[str, HoldOut],
    learned: list[VersionData],
    contents: dict[Any, set[str]],
    accesses: dict[str, list[UUID]],
) -> Mark:
    data = run.dataset_version
    seen = [sentence for link in learned if (sentence := _contamination(run, link, contents))]
    reasons = list(seen)
    hold_out = held.get(run.dataset_digest)  # the same bytes under another number are the same rows
    if hold_out is None:
        reasons.append(_("%(data)s was not registered as a hold-out by a validator.") % {"data": data})
    elif hold_out.registered_at > run.queued_at:
        reasons.append(_("%(data)s was registered as a hold-out only after this measurement was asked for.") % {"data": data})
    if run.state != EvaluationRun.State.COMPLETED:
        reasons.append(_("Nothing has been measured."))
    order = accesses.get(run.dataset_digest, [])
    nth = order.index(run.pk) + 1 if run.pk in order else 0
    return Mark(not reasons, reasons, contaminated=bool(seen), nth=nth, measured=len(order))


def _contamination(run: EvaluationRun, link: VersionData, contents: dict[Any, set[str]]) -> str:
    """The sentence that bars the mark, where the model learned from the rows that it is measured on; "" where it did not."""
    words = {"data": run.dataset_version, "other": link.dataset_version}
    if link.dataset_version.digest == run.dataset_digest:
        return {
            Use.TRAINING: _("The model was trained on %(data)s, on which it is measured."),
            Use.VALIDATION: _("The model was tuned on %(data)s, on which it is measured: it was chosen for these very rows."),
            Use.STOPPING: _("Training was stopped where %(data)s came out best, so what is measured on it is too good."),
        }[Use(link.use)] % words
    if run.dataset_digest in contents.get(link.dataset_version_id, set()):
        return _("The model learned from %(other)s, which was made from %(data)s, on which it is measured.") % words
    if link.dataset_version.digest in contents.get(run.dataset_version_id, set()):
        return _("%(data)s, on which the model is measured, was taken out of %(other)s, from which it learned.") % words
    return ""


def _accesses(digests: set[str]) -> dict[str, list[UUID]]:
    """The runs that were given each content, in the order in which they began. Each stands in the log, too."""
    found: dict[str, list[UUID]] = {}
    began = EvaluationRun.objects.filter(dataset_digest__in=digests, started_at__isnull=False).order_by("started_at", "pk")
    for digest, key in began.values_list("dataset_digest", "pk"):
        found.setdefault(digest, []).append(key)
    return found
