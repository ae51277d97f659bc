"""What stands above a run's numbers: where it is, what it was made from, who may do what with it, and its repeats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.components import formatting
from evaluations.holdouts import Mark
from evaluations.models import EvaluationRun
from evaluations.names import check_title
from evaluations.permissions import can_cancel, can_repeat, can_take_predictions
from evaluations.repeats import Agreement, Difference, agreement_of

if TYPE_CHECKING:
    from accounts.models import Person

MOST_DIFFERENCES = 50
WAITING = {EvaluationRun.State.QUEUED, EvaluationRun.State.RUNNING}
RECIPE = {
    "seed": gettext_lazy("Seed"),
    "threads": gettext_lazy("Threads"),
    "batch": gettext_lazy("Rows in a batch"),
    "device": gettext_lazy("Device"),
    "countersign": gettext_lazy("Countersign"),
    "code": gettext_lazy("Code that measured"),
    "sandbox": gettext_lazy("Sandbox"),
}
INPUTS = {
    "training": gettext_lazy("Training data, beside it"),
    "production": gettext_lazy("Predictions of the live version"),
}
OUTCOMES = {"same": "passed", "within": "passed", "beyond": "failed"}  # the badge of an agreement


def head_of(run: EvaluationRun, *, by: Person, mark: Mark, nth: int = 1) -> dict[str, Any]:
    """The context of `evaluations/part_run_head.html` for a run with its results loaded; `nth` among those that the page
    shows on the same data, so that each has a name of its own."""
    return {
        "name": f"run-{run.pk}",
        "which": _(" · %(nth)s") % {"nth": nth} if nth > 1 else "",
        "mark": mark,
        "waits": run.state in WAITING,
        "may_cancel": run.state in WAITING and bool(can_cancel(by, run)),
        "may_repeat": run.state not in WAITING and bool(can_repeat(by, run)),
        "progress": progress_of(run),
        "predictions": _predictions(run, by),
        "inputs": [{"label": INPUTS.get(name, name), **one} for name, one in sorted(run.inputs.items())],
        "recipe": [
            (RECIPE.get(name, name), _used(run, name, value), name == "code") for name, value in run.recipe.items() if value != ""
        ],
        "not_run": [{**gap, "check": check_title(str(gap.get("check", "")))} for gap in run.facts.get("not_run", [])],
        "agreement": _agreement(run),
    }


def progress_of(run: EvaluationRun) -> dict[str, Any] | None:
    """{"sentence", "done", "total"} of a run that waits or runs."""
    told = run.progress if run.state == EvaluationRun.State.RUNNING else {}
    if run.state == EvaluationRun.State.QUEUED:
        return {"sentence": _("It waits for a worker. Everybody who asks has a turn.")}
    if not told:
        return {"sentence": _("The worker measures the checkpoint in the sandbox.")}
    done, total = told["done"], told["total"]
    words = {"done": formatting.number(done), "total": formatting.number(total), "stage": told["stage"].replace("_", " ")}
    if done >= total:
        sentence = _("All %(total)s rows are answered; now: %(stage)s.") % words
    elif told.get("rate"):
        words |= {"rate": formatting.number(told["rate"]), "left": formatting.duration(told["left"])}
        sentence = _("%(done)s of %(total)s rows, %(rate)s a second, about %(left)s left.") % words
    else:
        sentence = _("%(done)s of %(total)s rows.") % words
    return {"sentence": sentence, "done": done, "total": total}


def _predictions(run: EvaluationRun, by: Person) -> dict[str, Any] | None:
    if not run.predictions_digest:
        return None
    may = can_take_predictions(by, run)
    return {
        "digest": run.predictions_digest,
        "size": run.predictions_size,
        "href": reverse("api-predictions", args=[run.pk]) if may else "",
        "reason": may.reason,
    }


def _used(run: EvaluationRun, name: str, value: Any) -> Any:
    """A part of the recipe; where it leaves the rows of a batch to the model's size, how many they were."""
    if name == "batch" and value == 0:
        return run.facts.get("batch") or _("as many as fit")
    return value


def _agreement(run: EvaluationRun) -> dict[str, Any] | None:
    """How a repeat lies to the run that it stands beside."""
    if run.repeats is None or run.state != EvaluationRun.State.COMPLETED:
        return None
    found: Agreement = agreement_of(run.repeats, run)
    return {
        "outcome": OUTCOMES[found.outcome],
        "sentence": found.sentence,
        "same_digest": run.repeats.results_digest == run.results_digest,
        "rows": [_row(one) for one in found.differences[:MOST_DIFFERENCES]],
        "hidden": max(0, len(found.differences) - MOST_DIFFERENCES),
        "conditions": [(RECIPE.get(name, name), there, here) for name, there, here in found.conditions],
    }


def _row(difference: Difference) -> dict[str, Any]:
    """Both numbers with as many digits as show that they differ."""
    first, second = difference.first, difference.second
    words = [_digits(first, second), _digits(second, first)]
    return {"title": difference.title, "first": words[0], "second": words[1], "beyond": difference.beyond}


def _digits(value: float | None, other: float | None) -> str:
    if value is None:
        return "–"
    if other is None or value == other:
        return formatting.number(value, digits=6)
    return formatting.number(value, digits=min(12, max(4, 2 - math.floor(math.log10(abs(value - other))))))
