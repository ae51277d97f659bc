"""What the callbacks of fastai and Lightning have in common: what they look up of a training, and that they never disturb it."""

from __future__ import annotations

import functools
import logging
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import Any, TypeVar

from countersign.tracking import values

LIBRARIES = ("torch", "numpy", "lightning", "pytorch-lightning", "torchmetrics", "fastai", "fastcore", "timm", "transformers")
BETTER = {"min": lambda value, best: value < best, "max": lambda value, best: value > best}
_log = logging.getLogger("countersign")
_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def undisturbed(hook: _Hook) -> _Hook:
    """The training goes on whatever goes wrong in the hook; it is said once."""
    said: set[str] = set()

    @functools.wraps(hook)
    def guarded(*given: Any, **named: Any) -> Any:
        try:
            return hook(*given, **named)
        except Exception as error:  # a framework of another version may lack anything
            sentence = f"{hook.__name__}: {type(error).__name__}: {error}"
            if sentence not in said:
                said.add(sentence)
                _log.warning("countersign: A part of the training is not reported (%s).", sentence)
            return None

    return guarded  # type: ignore[return-value]  # it has the signature of the hook


def rates(groups: Iterable[Mapping[str, Any]], *, of: str = "") -> dict[str, float]:
    """`lr`, `momentum` and `beta2` of each parameter group: as torch has them (`momentum`, `betas`) or fastai (`mom`, `sqr_mom`).
    One group has the plain names, of several each its number: `lr/0`. `of` stands before that number."""
    every = list(groups)
    found = {}
    for place, group in enumerate(every):
        betas = group.get("betas") or (None, None)
        read = {
            "lr": group.get("lr"),
            "momentum": group.get("momentum", group.get("mom", betas[0])),
            "beta2": group.get("sqr_mom", betas[1]),
        }
        mark = f"/{of}{place}" if len(every) > 1 or of else ""
        for name, value in read.items():
            single = values.number(value)
            if single is not None:
                found[name + mark] = single
    return found


def libraries() -> dict[str, str]:
    """Versions of the libraries that train, as far as they are loaded or installed."""
    found = {}
    for name in LIBRARIES:
        if name.replace("-", "_") in sys.modules:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    return found


def summary(model: Any) -> str:
    """The modules of a torch model as it prints itself, and how many parameters there are. Nothing is computed with it."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    total, trained = sum(size for size, _ in sizes), sum(size for size, grows in sizes if grows)
    return f"{model}\n\n{total:,} parameters, {trained:,} of them trained"


class Best:
    """The best value of what a training stops on, and where it was."""

    def __init__(self, monitor: str, mode: str, *, delta: float = 0.0) -> None:
        self.monitor, self.mode, self._delta = monitor, mode, abs(delta)
        self.step: int | None = None
        self.value: float | None = None

    def see(self, value: float | None, step: int) -> None:
        if value is None or math.isnan(value):
            return
        needed = value + self._delta if self.mode == "min" else value - self._delta
        if self.value is None or BETTER[self.mode](needed, self.value):
            self.value, self.step = value, step

    def facts(self) -> dict[str, Any]:
        return {"monitor": self.monitor, "mode": self.mode, "best_step": self.step, "best_value": self.value}
