"""Reports a Lightning training while it runs: `Trainer(callbacks=[CountersignCallback()])`.

Works with `lightning` and with `pytorch_lightning`, whichever the script has imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from countersign.tracking import Run, api, start_run, values
from countersign.tracking.watching import Best, libraries, rates, summary, undisturbed

_NAMES = ("lightning.pytorch", "pytorch_lightning")
_BOUNDS = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")  # of a schedule
_REASONS = {
    "PATIENCE_EXHAUSTED": "patience",
    "STOPPING_THRESHOLD": "threshold",
    "DIVERGENCE_THRESHOLD": "divergence",
    "NON_FINITE_METRIC": "not_finite",
}


def _callback() -> Any:
    """The class that the script's own Lightning calls: of the one that is loaded, else of the one that is installed."""
    for name in sorted(_NAMES, key=lambda name: name not in sys.modules):
        try:
            return importlib.import_module(name).Callback
        except ImportError:
            continue
    raise ImportError("countersign.lightning needs Lightning: pip install lightning (or pytorch-lightning).")


_Callback: Any = _callback()


class CountersignCallback(_Callback):
    """Metrics at every epoch's end; loss, learning rates and momentum every `every` steps and at an epoch's last; why it stopped.

    Without `run` it starts one for each `fit` with what else is given (`name`, `team`, `experiment`, `tags`, …) and ends it; a
    run that is handed in is left open. `checkpoints` sends the files that ModelCheckpoint wrote, when the training is over.
    The x-axis is `trainer.global_step`. Only the first of several processes reports.
    """

    def __init__(self, run: Run | None = None, *, every: int = 50, checkpoints: bool = False, **start: Any) -> None:
        super().__init__()
        if every < 1:
            raise ValueError("Report at every step or less often: every is a whole number from 1.")
        self.run = run
        self._own, self._every, self._checkpoints, self._start = run is None, every, checkpoints, start
        self._best: list[tuple[Any, Best]] = []
        self._before: dict[str, float] = {}  # what stood there before a validation
        self._rates: dict[str, float] = {}
        self._told = -1  # the last step whose loss was reported
        self._validated: set[str] = set()  # names that a validation has written

    # -- begin --------------------------------------------------------------------------------------------------------------

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit" and trainer.is_global_zero and self._own:
            start = {"name": type(pl_module).__name__, **self._start}
            self.run = start_run(**start)  # wrong arguments are said at once

    @undisturbed
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        if self.run is None:
            return
        stops = [one for one in trainer.callbacks if hasattr(one, "stopping_threshold") and hasattr(one, "monitor")]
        self._best = [(one, Best(one.monitor, one.mode, delta=one.min_delta)) for one in stops]
        limits = {"max_epochs": trainer.max_epochs, "max_steps": trainer.max_steps}
        extra = {
            "precision": trainer.precision,
            "gradient_clip_val": trainer.gradient_clip_val,
            "accumulate_grad_batches": trainer.accumulate_grad_batches,
        }
        if self._told < 0 or self._own:  # of several fits in one run, the first one's: a parameter keeps its value
            self.run.log_params({**dict(getattr(pl_module, "hparams", {}) or {}), "trainer": {**limits, **extra}})
        self.run.log_training(libraries=libraries(), summary=summary(pl_module))
        if seed := os.environ.get("PL_GLOBAL_SEED"):
            self.run.set_tags({"lightning.seed": seed})

    @undisturbed
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if self.run is not None and (schedule := _schedule(trainer)):
            self.run.log_training(schedule=schedule)

    # -- while it trains ------------------------------------------------------------------------------------------------------

    @undisturbed
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self.run is not None and self._is_told(trainer, trainer.global_step + 1):
            self._rates = rates_of(trainer)  # at the batch's end they are those of the next step already

    def _is_told(self, trainer: Any, step: int) -> bool:
        return step % self._every == 0 or bool(trainer.is_last_batch)

    @undisturbed
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step = trainer.global_step
        if self.run is None or step == self._told or not self._is_told(trainer, step):
            return
        self._told = step  # once, where gradients are accumulated over several batches
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        told = {**self._rates}
        if (single := values.number(loss)) is not None:
            told["train/loss"] = single
        self.run.log(told, step=step)

    @undisturbed
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if self.run is not None:
            self._before = _numbers(trainer)

    @undisturbed
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if self.run is None:
            return
        now = _numbers(trainer)
        self._validated |= {name for name, value in now.items() if self._before.get(name) != value}
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._log({name: value for name, value in now.items() if name in self._validated}, trainer.global_step)

    @undisturbed
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self.run is not None:
            found = {name: value for name, value in _numbers(trainer).items() if name not in self._validated}
            self._log({**found, "epoch": trainer.current_epoch}, trainer.global_step)

    @undisturbed
    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        if self.run is not None and self.run.state == "running":
            self.run.log(_numbers(trainer), step=trainer.global_step)

    def _log(self, found: dict[str, float], step: int) -> None:
        assert self.run is not None  # noqa: S101 - the hooks have asked
        self.run.log(found, step=step)
        for _stop, best in self._best:
            if best.monitor in found:
                best.see(found[best.monitor], step)

    # -- its end --------------------------------------------------------------------------------------------------------------

    @undisturbed
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        by_hand = isinstance(exception, KeyboardInterrupt) or type(exception).__name__ == "SIGTERMException"
        self._over(trainer, "interrupted" if by_hand else "error")
        if self._own and self.run is not None:
            self.run.end(api.KILLED if by_hand else api.FAILED)

    @undisturbed
    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self._over(trainer, "")

    @undisturbed
    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit" and self._own and self.run is not None:
            self.run.end()

    def _over(self, trainer: Any, reason: str) -> None:
        if self.run is None:
            return
        stop, best = next((pair for pair in self._best if _reason(pair[0])), self._best[0] if self._best else (None, None))
        facts = {"reason": reason or _reason(stop) or _limit(trainer), "stopped_step": trainer.global_step}
        if stop is not None and best is not None:
            facts |= {**best.facts(), "patience": stop.patience, "min_delta": abs(stop.min_delta)}
            facts |= {"stopping_threshold": stop.stopping_threshold} if stop.stopping_threshold is not None else {}
        self.run.log_training(early_stopping=facts)
        if self._checkpoints:
            for file in _checkpoints(trainer):
                self.run.log_artifact(file, f"checkpoints/{file.name}")


def rates_of(trainer: Any) -> dict[str, float]:
    """Learning rates and momentum of all parameter groups; of several optimizers each has its number."""
    optimizers = trainer.optimizers
    found: dict[str, float] = {}
    for place, optimizer in enumerate(optimizers):
        found |= rates(optimizer.param_groups, of=f"{place}/" if len(optimizers) > 1 else "")
    return found


def _numbers(trainer: Any) -> dict[str, float]:
    read = {str(name): values.number(value) for name, value in trainer.callback_metrics.items()}
    return {name: value for name, value in read.items() if value is not None}


def _reason(stop: Any) -> str:
    """Why this EarlyStopping stopped the training; empty where it did not."""
    if stop is None:
        return ""
    said = getattr(getattr(stop, "stopping_reason", None), "name", None)
    if said is None:  # before 2.6 it did not say
        return "patience" if stop.stopped_epoch else ""
    return _REASONS.get(said, "")


def _limit(trainer: Any) -> str:
    if 0 < (trainer.max_steps or -1) <= trainer.global_step:
        return "max_steps"
    if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch:
        return "max_epochs"
    return "stopped"


def _schedule(trainer: Any) -> dict[str, Any]:
    """What the first learning rate scheduler is, and its bounds."""
    for config in trainer.lr_scheduler_configs:
        scheduler = config.scheduler
        group = scheduler.optimizer.param_groups[0]
        bounds = {name: group[name] for name in _BOUNDS if name in group}
        total = getattr(scheduler, "total_steps", None)
        return {"name": type(scheduler).__name__, "interval": config.interval, "total_steps": total, **bounds}
    return {}


def _checkpoints(trainer: Any) -> list[Path]:
    """What ModelCheckpoint kept: the best and the last, as far as they are files on this machine."""
    named = [path for one in trainer.checkpoint_callbacks for path in (one.best_model_path, one.last_model_path) if path]
    return [Path(path) for path in dict.fromkeys(named) if Path(path).is_file()]
