"""The checks that a suite may name: each is one class, made with the subject and the suite's parameters."""

from __future__ import annotations

from typing import Any

from evaluations.engine.checks.adversarial import Adversarial
from evaluations.engine.checks.calibration import Calibration
from evaluations.engine.checks.comparison import Comparison
from evaluations.engine.checks.distribution import PredictionDistribution
from evaluations.engine.checks.explanation import Explanation
from evaluations.engine.checks.fairness import Fairness
from evaluations.engine.checks.overlap import Overlap
from evaluations.engine.checks.performance import Performance
from evaluations.engine.checks.privacy import Privacy
from evaluations.engine.checks.resources import Resources
from evaluations.engine.checks.robustness import Robustness
from evaluations.engine.checks.row_losses import RowLosses
from evaluations.engine.checks.slices import Slices
from evaluations.engine.checks.stability import Stability

# Each is a `subject.Check`; protocols do not speak of constructors, so the parameters are open here.
CHECKS: dict[str, type[Any]] = {
    "adversarial": Adversarial,
    "calibration": Calibration,
    "comparison": Comparison,
    "explanation": Explanation,
    "fairness": Fairness,
    "overlap": Overlap,
    "performance": Performance,
    "prediction_distribution": PredictionDistribution,
    "privacy": Privacy,
    "resources": Resources,
    "robustness": Robustness,
    "row_losses": RowLosses,
    "slices": Slices,
    "stability": Stability,
}
