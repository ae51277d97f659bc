"""How a run stands, and why its training stopped: facts as they were reported, in sentences and as marks on its curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from core.charts import Mark
from core.charts.line_table import figure
from core.components import formatting
from tracking.models import MetricSeries, TrainingRun

SILENT = "silent"  # not a state of the run: what it looks like when nothing is heard any more

# What the callbacks report, in words; another reason is shown as it came.
_REASONS = {
    "patience": _lazy("no improvement within the patience"),
    "threshold": _lazy("the metric reached its threshold"),
    "divergence": _lazy("the metric diverged"),
    "not_finite": _lazy("the metric was not a finite number"),
    "max_epochs": _lazy("all epochs were done"),
    "max_steps": _lazy("all steps were done"),
    "interrupted": _lazy("it was interrupted"),
    "error": _lazy("an error"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`look` is a state or `silent`; `sentence` says since when. `live`: more may come, so the page looks again."""

    look: str
    sentence: str
    live: bool


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """What the training reported about when to stop. Each may be unknown."""

    monitor: str
    lower_is_better: bool | None
    patience: int | None
    best_step: int | None
    best_value: float | None
    stopped_step: int | None
    reason: str

    @property
    def sentence(self) -> str:
        """All of it, as far as it is known."""
        said = [_("Early stopping watched %(monitor)s") % {"monitor": self.monitor or _("a metric that was not named")}]
        if self.lower_is_better is not None:
            said[0] += " " + (_("(lower is better)") if self.lower_is_better else _("(higher is better)"))
        if self.patience is not None:
            said[0] += " " + _("with a patience of %(n)d") % {"n": self.patience}
        if self.best_step is not None:
            words = {"step": f"{self.best_step:,}", "value": "" if self.best_value is None else figure(self.best_value)}
            said.append(_("best %(value)s at step %(step)s") % words if words["value"] else _("best at step %(step)s") % words)
        if self.stopped_step is not None:
            said.append(_("training stopped at step %(step)s") % {"step": f"{self.stopped_step:,}"})
        elif not self.reason:
            said.append(_("it did not stop the training"))
        text = "; ".join(said) + "."
        reason = str(_REASONS.get(self.reason, self.reason))
        return f"{text} {_('Reported reason: %(reason)s') % {'reason': reason}}" if reason else text

    @property
    def end(self) -> str:
        """The word for where training stopped: a training that was done did not stop early."""
        if self.stopped_step is None or self.reason in {"max_epochs", "max_steps"}:
            return _("ended")
        return _("stopped") if self.reason in {"interrupted", "error"} else _("stopped early")


def standing_of(run: TrainingRun, *, at: datetime) -> Standing:
    """How the run stands at a moment."""
    if run.is_silent:
        heard = run.heard_at or run.created_at
        words = {"moment": formatting.moment(heard), "span": formatting.duration((at - heard).total_seconds())}
        return Standing(
            SILENT,
            _("Not heard from since %(moment)s, %(span)s ago. It is not finished; what was reported until then stands below.")
            % words,
            live=True,
        )
    if run.state == TrainingRun.State.RUNNING:
        seconds = max(0, round((at - (run.heard_at or run.created_at)).total_seconds()))
        return Standing(
            run.state, ngettext("Heard %(n)d second ago.", "Heard %(n)d seconds ago.", seconds) % {"n": seconds}, live=True
        )
    imported = run.origin == TrainingRun.Origin.IMPORT  # nobody heard it say so
    sentence = {
        TrainingRun.State.FINISHED: _("It was imported as finished.") if imported else _("It reported that it finished."),
        TrainingRun.State.FAILED: _("It reported that it failed: what stands below ends where it broke off."),
        TrainingRun.State.KILLED: _("It was stopped before its end: what stands below ends there."),
    }[TrainingRun.State(run.state)]
    return Standing(run.state, sentence, live=False)


def early_stopping_of(run: TrainingRun) -> EarlyStopping | None:
    """The reported facts in their types; whatever has another type is unknown."""
    facts = run.training.get("early_stopping")
    if not isinstance(facts, Mapping) or not facts:
        return None
    mode = str(facts.get("mode", "")).lower()
    return EarlyStopping(
        monitor=_text(facts.get("monitor")),
        lower_is_better={"min": True, "max": False}.get(mode),
        patience=_whole(facts.get("patience")),
        best_step=_whole(facts.get("best_step")),
        best_value=_number(facts.get("best_value")),
        stopped_step=_whole(facts.get("stopped_step")),
        reason=_text(facts.get("reason")),
    )


def marks_of(run: TrainingRun, series: Sequence[MetricSeries]) -> list[Mark]:
    """The best step and the last one. Without reported facts the best is where the loss on other data was lowest."""
    facts, marks = early_stopping_of(run), []
    ended = run.state != TrainingRun.State.RUNNING
    if facts and facts.best_step is not None:
        label = _("best %(monitor)s") % {"monitor": facts.monitor} if facts.monitor else _("best")
        marks.append(Mark(facts.best_step, label))
    elif ended and (lowest := _lowest_held_out_loss(series)):
        marks.append(Mark(lowest.lowest_step or 0, _("lowest %(name)s") % {"name": lowest.name}))
    last = facts.stopped_step if facts and facts.stopped_step is not None else None
    if last is None and ended and series:
        last = max(one.last_step for one in series)
    if last is not None:
        marks.append(Mark(last, facts.end if facts else _("ended"), "stop"))
    return marks


def _lowest_held_out_loss(series: Sequence[MetricSeries]) -> MetricSeries | None:
    """The loss on data that was not trained on, where one was reported at more than one step."""
    held_out = [one for one in series if "loss" in one.name.lower() and any(part in one.name.lower() for part in ("val", "dev"))]
    return next((one for one in held_out if one.count > 1 and one.lowest_step is not None), None)


def schedule_of(run: TrainingRun) -> tuple[str, list[tuple[str, str]]]:
    """The name of the learning rate's schedule, and its settings as they were reported."""
    facts = run.training.get("schedule")
    if not isinstance(facts, Mapping):
        return "", []
    settings = [(str(name), figure(value) if isinstance(value, float) else str(value)[:200]) for name, value in facts.items()]
    return _text(facts.get("name")), [pair for pair in settings if pair[0] != "name"][:24]


def _text(value: object) -> str:
    return value.strip()[:500] if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        return None
    return int(value) if abs(value) < 2**53 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 2**1000 else None
