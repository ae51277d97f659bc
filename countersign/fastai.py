"""Reports a fastai training while it runs: `Learner(…, cbs=CountersignCallback())`, or `learn.fit_one_cycle(3, cbs=…)`."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from countersign.tracking import Run, api, start_run, values
from countersign.tracking.watching import Best, libraries, rates, summary, undisturbed

try:
    _core: Any = importlib.import_module("fastai.callback.core")
    _learner: Any = importlib.import_module("fastai.learner")
except ImportError as error:
    raise ImportError("countersign.fastai needs fastai: pip install fastai.") from error
_distributed: Any = importlib.import_module("fastai.torch_core")


class CountersignCallback(_core.Callback):
    """Losses and metrics at every epoch's end; loss, learning rates and momentum every `every` steps; why the training stopped.

    Without `run` it starts one for each `fit` with what else is given (`name`, `team`, `experiment`, `tags`, …) and ends it; a
    run that is handed in is left open, and goes on over several fits, such as the two of `fine_tune`. `checkpoints` sends what
    SaveModelCallback wrote, when the training is over. The x-axis is the number of steps. `lr_find` and predictions are not
    reported.
    """

    order = _learner.Recorder.order + 1  # after the values of an epoch are there, before EarlyStoppingCallback looks at them
    remove_on_fetch = True

    def __init__(self, run: Run | None = None, *, every: int = 50, checkpoints: bool = False, **start: Any) -> None:
        super().__init__()
        if every < 1:
            raise ValueError("Report at every step or less often: every is a whole number from 1.")
        self.tracked: Any = run
        self.own, self.every, self.checkpoints, self.start = run is None, every, checkpoints, start
        self.steps = self.epochs = 0
        self.best: Best | None = None
        self.cancelled = self.ended = False

    # -- begin --------------------------------------------------------------------------------------------------------------

    def before_fit(self) -> None:
        self.run = not hasattr(self.learn, "lr_finder") and not hasattr(self, "gather_preds")  # fastai's own word for “is on”
        self.run = self.run and _distributed.rank_distrib() == 0
        if not self.run:
            return
        self.cancelled = self.ended = False
        if self.own:
            self.steps = self.epochs = 0
            start = {"name": type(self.learn.model).__name__, **self.start}
            self.tracked = start_run(**start)  # wrong arguments are said at once
        self.guard()
        self.describe()

    @undisturbed
    def describe(self) -> None:
        learn, stop = self.learn, self.stopping()
        if stop is not None:
            self.best = Best(stop.monitor, _mode(stop), delta=stop.min_delta)
        if self.steps == 0:  # of several fits in one run, the first one's: a parameter keeps its value
            functions = {"loss_func": _name(learn.loss_func), "opt_func": _name(learn.opt_func)}
            size = getattr(learn.dls, "bs", None)
            self.tracked.log_params({"n_epoch": learn.n_epoch, "wd": learn.wd, "batch_size": size, **functions})
        self.tracked.log_training(libraries=libraries(), summary=summary(learn.model))
        schedule = next((one for one in learn.cbs if type(one).__name__ == "ParamScheduler"), None)
        if schedule is not None:
            self.tracked.log_training(schedule={"name": "ParamScheduler", "of": sorted(schedule.scheds)})

    def guard(self) -> None:
        """fastai tells no callback of an exception: each epoch of this fit is run so that the run ends as what it was."""
        learn, inner = self.learn, type(self.learn)._with_events  # noqa: SLF001 - there is no public way

        def with_events(*given: Any, **named: Any) -> Any:
            try:
                return inner(learn, *given, **named)
            except BaseException as error:
                if not type(error).__name__.startswith("Cancel"):  # how fastai's callbacks stop something
                    self.failed(error)
                raise

        learn._with_events = with_events  # noqa: SLF001 - as above

    # -- while it trains ------------------------------------------------------------------------------------------------------

    @undisturbed
    def after_batch(self) -> None:
        if not self.training:
            return
        self.steps += 1
        if self.steps % self.every == 0 or self.iter + 1 == self.n_iter:
            self.tracked.log({"train/loss": self.loss, **rates(self.opt.hypers)}, step=self.steps)

    @undisturbed
    def after_epoch(self) -> None:
        names, found = list(self.recorder.metric_names[1:]), list(self.recorder.log[1:])
        told = {name: values.number(value) for name, value in zip(names, found, strict=False)}
        told = {name: value for name, value in told.items() if value is not None}  # the time is a text
        self.tracked.log({**told, "epoch": self.epochs}, step=self.steps)
        self.epochs += 1
        if self.best is not None:
            self.best.see(told.get(self.best.monitor), self.steps)

    # -- its end --------------------------------------------------------------------------------------------------------------

    def after_cancel_fit(self) -> None:
        self.cancelled = True

    def after_fit(self) -> None:
        if self.run and self.tracked is not None:
            self.over(self.reason())
            self.end(api.FINISHED)
        self.run = True

    @undisturbed
    def failed(self, error: BaseException) -> None:
        if self.ended:
            return  # the exception has passed through an inner part of the fit before
        by_hand = isinstance(error, KeyboardInterrupt)
        self.over("interrupted" if by_hand else "error")
        self.end(api.KILLED if by_hand else api.FAILED)

    @undisturbed
    def over(self, reason: str) -> None:
        stop, facts = self.stopping(), {"reason": reason, "stopped_step": self.steps}
        if stop is not None and self.best is not None:
            facts |= {**self.best.facts(), "patience": stop.patience, "min_delta": abs(stop.min_delta)}
        self.tracked.log_training(early_stopping=facts)
        if self.checkpoints:
            saved = [getattr(one, "last_saved_path", None) for one in self.learn.cbs]
            for file in [Path(path) for path in saved if path]:
                self.tracked.log_artifact(file, f"checkpoints/{file.name}")

    @undisturbed
    def end(self, state: str) -> None:
        self.ended = True
        self.learn.__dict__.pop("_with_events", None)
        if self.own:
            self.tracked.end(state)

    def reason(self) -> str:
        stop = self.stopping()
        if not self.cancelled:
            return "max_epochs"
        if stop is not None and stop.wait >= stop.patience:
            return "patience"
        nan = any(type(one).__name__ == "TerminateOnNaNCallback" for one in self.learn.cbs)
        loss = values.number(self.learn.loss) if nan else None
        return "not_finite" if loss is not None and not math.isfinite(loss) else "stopped"

    def stopping(self) -> Any:
        """The EarlyStoppingCallback of this training."""
        return next((one for one in self.learn.cbs if type(one).__name__ == "EarlyStoppingCallback"), None)


def _mode(stop: Any) -> str:
    return "max" if stop.comp(1, 0) else "min"


def _name(function: Any) -> str:
    inner = getattr(function, "func", function)
    return str(getattr(inner, "__name__", type(inner).__name__))
