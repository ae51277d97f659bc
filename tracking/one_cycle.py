"""The learning rate of a one-cycle schedule, computed from its reported settings where no rate was reported."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.charts import Line, LineChart, line_chart
from core.charts.line_table import figure
from tracking.models import TrainingRun

# What torch.optim.lr_scheduler.OneCycleLR takes where nothing else is said.
DEFAULTS: Mapping[str, Any] = {
    "pct_start": 0.3,
    "div_factor": 25.0,
    "final_div_factor": 1e4,
    "anneal_strategy": "cos",
    "three_phase": False,
}
POINTS = 400  # of the picture; shorter schedules have all their steps
MOST_STEPS = 10**12
_ONE_CYCLE = re.compile(r"one_?cycle(lr|policy)?\Z")


@dataclass(frozen=True, slots=True)
class OneCycle:
    """`total_steps` steps from `initial_lr` up to `max_lr` and down to `min_lr`; `assumed` names the defaults that were taken."""

    max_lr: float
    initial_lr: float
    min_lr: float
    total_steps: int
    pct_start: float
    linear: bool
    three_phase: bool
    assumed: tuple[str, ...]

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0.

        As torch.optim.lr_scheduler.OneCycleLR.get_lr of PyTorch 2.13, after L. N. Smith and N. Topin, "Super-Convergence: Very
        Fast Training of Neural Networks Using Large Learning Rates", 2017, arXiv:1708.07120.
        """
        start = 0.0
        phases = self._phases()
        for number, (end, first, last) in enumerate(phases):
            if step <= end or number == len(phases) - 1:
                share = (step - start) / (end - start) if end != start else 1.0
                if self.linear:
                    return first + (last - first) * share
                return last + (first - last) / 2 * (math.cos(math.pi * share) + 1)
            start = end
        raise AssertionError("the last phase has no end")

    def steps(self) -> list[int]:
        """The steps that are drawn: all, or some at equal distances with the highest and the last."""
        last = self.total_steps - 1
        if last < POINTS:
            return list(range(self.total_steps))
        top = min(last, max(0, round(self.pct_start * self.total_steps) - 1))
        return sorted({*(last * place // (POINTS - 1) for place in range(POINTS)), top})

    def _phases(self) -> list[tuple[float, float, float]]:
        """(last step, rate at its beginning, rate at its end) of each."""
        up, last = self.pct_start * self.total_steps - 1, float(self.total_steps - 1)
        if not self.three_phase:
            return [(up, self.initial_lr, self.max_lr), (last, self.max_lr, self.min_lr)]
        down = 2 * self.pct_start * self.total_steps - 2
        return [
            (up, self.initial_lr, self.max_lr),
            (down, self.max_lr, self.initial_lr),
            (last, self.initial_lr, self.min_lr),
        ]


@dataclass(frozen=True, slots=True)
class Computed:
    """The picture, and what of it was not reported but taken."""

    chart: LineChart
    assumed: str


def computed_rate(run: TrainingRun) -> Computed | None:
    """The schedule that the run reported, drawn; None where it is none of one cycle, or too little of it is known."""
    cycle = one_cycle_of(run.training.get("schedule"))
    if cycle is None:
        return None
    title, steps = _("learning rate, computed from what was reported"), cycle.steps()
    values = [cycle.rate(step) for step in steps]
    if not all(map(math.isfinite, values)):
        return None
    line = Line(title, steps, values, count=cycle.total_steps)
    chart = line_chart([line], title=title, x_label=_("step"), y_label=_("learning rate"))
    return Computed(chart, ", ".join(cycle.assumed))


def one_cycle_of(facts: object) -> OneCycle | None:
    """The settings in their types. Both ends may be named themselves (`initial_lr`, `min_lr`) or as parts of the highest rate."""
    if not isinstance(facts, Mapping):
        return None
    name = str(facts.get("name", "")).strip().lower().replace("-", "_").replace(" ", "_")
    said = {key: value for key, value in facts.items() if value is not None}
    said |= {"anneal_strategy": said["anneal"]} if "anneal" in said and "anneal_strategy" not in said else {}
    highest, total = _positive(said.get("max_lr")), _total(said)
    if not _ONE_CYCLE.match(name) or highest is None or total is None:
        return None
    assumed: dict[str, Any] = {}

    def setting(key: str) -> Any:
        if key not in said:
            assumed[key] = DEFAULTS[key]
        return said.get(key, DEFAULTS[key])

    initial, lowest = _positive(said.get("initial_lr")), _positive(said.get("min_lr"))
    if initial is None:
        initial = _part(highest, setting("div_factor"))
    if lowest is None and initial is not None:
        lowest = _part(initial, setting("final_div_factor"))
    share, how, three = setting("pct_start"), setting("anneal_strategy"), setting("three_phase")
    if (
        initial is None
        or lowest is None
        or isinstance(share, bool)
        or not isinstance(share, int | float)
        or not 0 <= share <= 1
        or how not in ("cos", "linear")
        or not isinstance(three, bool)
    ):
        return None
    words = tuple(f"{key} {figure(value) if isinstance(value, float) else value}" for key, value in assumed.items() if value)
    return OneCycle(highest, initial, lowest, total, float(share), how == "linear", three, words)


def _total(said: Mapping[str, Any]) -> int | None:
    """The number of steps, said as one or as epochs and steps of each."""
    factors = [said.get("total_steps")] if "total_steps" in said else [said.get("epochs"), said.get("steps_per_epoch")]
    whole = [one for one in factors if type(one) is int and 0 < one <= MOST_STEPS]
    total = math.prod(whole)
    return total if len(whole) == len(factors) and 2 <= total <= MOST_STEPS else None


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2.0**500:
        return None
    return float(value)


def _part(whole: float, factor: object) -> float | None:
    divisor = _positive(factor)
    return whole / divisor if divisor else None
