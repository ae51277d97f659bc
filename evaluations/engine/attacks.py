"""Changes of at most eps in every input value, made to turn right answers wrong: random signs, FGSM, PGD.

Sources: Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples" (2015); Madry et al., "Towards Deep
Learning Models Resistant to Adversarial Attacks" (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.corruptions import Spread
from evaluations.engine.gradients import Differentiable
from evaluations.engine.yardstick import Floats, Yardstick

STEP_SHARE = 2.5  # one step of PGD is 2.5 eps / steps, so that the edge can be reached from anywhere within


@dataclass(frozen=True, slots=True)
class Attack:
    """Attacks on rows [n, ...] within eps (a share of the inputs' range) and within that range.

    Each gives the worst score of every row over all points that it visited, the unchanged row (`clean`) included.
    """

    model: Differentiable
    yardstick: Yardstick
    spread: Spread
    eps: float

    def random(self, x: torch.Tensor, y: NDArray[Any], clean: Floats, rng: np.random.Generator) -> Floats:
        """eps added or taken away at random: what the same size of change does without knowing the model."""
        signs = torch.from_numpy(rng.integers(0, 2, size=tuple(x.shape)) * 2 - 1).to(x.dtype)
        return self._worse(clean, y, self._within(x, x + self._reach(x) * signs))

    def fgsm(self, x: torch.Tensor, y: NDArray[Any], clean: Floats) -> Floats:
        """One step of eps along the signs of the gradient."""
        gradient, _ = self.model.climb(x, y)
        return self._worse(clean, y, self._within(x, x + self._reach(x) * gradient.sign()))

    def pgd(self, x: torch.Tensor, y: NDArray[Any], clean: Floats, rngs: Sequence[np.random.Generator], *, steps: int) -> Floats:
        """`steps` steps from a random start, once for each of `rngs`."""
        reach, worst = self._reach(x), clean
        for rng in rngs:
            start = torch.from_numpy(rng.random(tuple(x.shape), dtype=np.float32) * 2 - 1).to(x.dtype)
            at = self._within(x, x + reach * start)
            for _ in range(steps):
                gradient, outputs = self.model.climb(at, y)
                worst = self.yardstick.worse(worst, self.yardstick.scores(y, outputs))
                at = self._within(x, at + (STEP_SHARE / steps) * reach * gradient.sign())
            worst = self._worse(worst, y, at)
        return worst

    def _reach(self, x: torch.Tensor) -> torch.Tensor:
        return (self.eps * self.spread.range).to(x.dtype)

    def _within(self, x: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        reach = self._reach(x)
        return self.spread.clip(torch.minimum(torch.maximum(at, x - reach), x + reach))

    def _worse(self, scores: Floats, y: NDArray[Any], at: torch.Tensor) -> Floats:
        with torch.no_grad():
            _, outputs = self.model.wrongness(at, y)
        return self.yardstick.worse(scores, self.yardstick.scores(y, outputs))
