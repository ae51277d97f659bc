"""Whether two sets of rows could have been drawn alike: the classifier two-sample test.

Source: Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests" (2017). A classifier learns on one half which side a row is
from and is asked about the other half; what it finds beyond guessing is a difference of the sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from evaluations.engine.yardstick import Floats
from measures.auc import auc
from measures.estimate import CONFIDENCE, Estimate

MOST_FEATURES = 256
MOST_ROWS = 4_000  # a side
_SIDE = 16  # cells of an image, each way
_SEED = 20_170_424  # of the projection, the same on both sides


def features_of(inputs: torch.Tensor, targets: NDArray[Any]) -> Floats:
    """float32 [n, at most 256 + targets]: rows as they are, images averaged in cells, longer rows projected; and the target."""
    x = inputs.to(torch.float32)
    if x.dim() == 4 and x[0].numel() > MOST_FEATURES:
        x = functional.adaptive_avg_pool2d(x.mean(dim=1, keepdim=True), _SIDE)
    x = x.reshape(len(x), -1)
    if x.shape[1] > MOST_FEATURES:
        drawn = np.random.default_rng(_SEED).standard_normal((x.shape[1], MOST_FEATURES)).astype(np.float32)
        x = x @ torch.from_numpy(drawn) / x.shape[1] ** 0.5
    return np.column_stack([x.numpy(), targets.reshape(len(targets), -1).astype(np.float32)])


def told_apart(first: Floats, second: Floats, *, seed: int, confidence: float = CONFIDENCE) -> Estimate:
    """The area under the curve of a classifier that tells rows of `first` from rows of `second`; 0.5 where it only guesses."""
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415 - a second to import, for this check only

    rng = np.random.default_rng(seed % 2**32)
    first, second = (side[rng.permutation(len(side))[:MOST_ROWS]] for side in (first, second))
    x = np.concatenate([first, second])
    side = np.concatenate([np.ones(len(first), dtype=bool), np.zeros(len(second), dtype=bool)])
    # Learned on one half, asked about the other, once: to ask both ways would make the interval too short (0.10 of alike sides
    # were then told apart, instead of 0.025), because each half decides about the other's learner.
    asked = np.concatenate([np.arange(len(first)), np.arange(len(second))]) % 2 == 0
    scores = np.zeros(int(asked.sum()))
    if 0 < side[~asked].sum() < (~asked).sum():  # else there is nothing to learn from: equal scores are guessing
        # Trees on one thread: boosting's own threads spin where others share the cores, and may not be counted in the sandbox.
        learner = ExtraTreesClassifier(n_estimators=100, min_samples_leaf=5, random_state=0)
        scores = learner.fit(x[~asked], side[~asked]).predict_proba(x[asked])[:, 1]
    return auc(scores, side[asked], confidence=confidence)
