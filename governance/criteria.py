"""What a policy demands of a model's numbers, task by task: the suite, its thresholds, and what a new site begins with."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from evaluations.suites import TOLERANCE, Criteria, check_criteria, measurable
from governance.models import Policy
from models_registry.models import RiskTier, Task

# The checks of a starting suite, in the order of their pages. Those without a threshold inform; a tier asks for all of its own.
LOW = ("performance", "prediction_distribution", "resources")
MEDIUM = (*LOW, "calibration", "slices", "comparison", "overlap")
HIGH = (*MEDIUM, "fairness", "robustness", "adversarial", "stability", "explanation", "privacy")
ASKED = {RiskTier.LOW: LOW, RiskTier.MEDIUM: MEDIUM, RiskTier.HIGH: HIGH}

# A tier's limits: the lower bound of each number must reach the first, the upper bound keep the second.
ACCURACY = {RiskTier.LOW: 0.90, RiskTier.MEDIUM: 0.93, RiskTier.HIGH: 0.95}
RECALL = {RiskTier.LOW: 0.70, RiskTier.MEDIUM: 0.75, RiskTier.HIGH: 0.80}
AUC = {RiskTier.LOW: 0.70, RiskTier.MEDIUM: 0.80, RiskTier.HIGH: 0.85}
EXPLAINED = {RiskTier.LOW: 0.30, RiskTier.MEDIUM: 0.50, RiskTier.HIGH: 0.60}
NDCG = {RiskTier.LOW: 0.50, RiskTier.MEDIUM: 0.60, RiskTier.HIGH: 0.70}
CALIBRATION = 0.10  # expected calibration error that a high-risk model may have at most


def starting_suites(tier: str) -> dict[str, Any]:
    """{task: {name, checks, thresholds, tolerance}} of a new site for a risk tier: the higher, the more is measured."""
    wanted = [{"name": name} for name in ASKED[RiskTier(tier)]]
    return {
        task: {
            "name": f"{task}-{tier}",
            "checks": measurable(wanted, task=task),
            "thresholds": _starting_thresholds(Task(task), RiskTier(tier)),
            "tolerance": TOLERANCE,
        }
        for task in Task.values
        if measurable([{"name": "performance"}], task=task)
    }


def _starting_thresholds(task: Task, tier: RiskTier) -> list[dict[str, Any]]:
    if task == Task.MULTICLASS:
        return [_at_least("accuracy", ACCURACY[tier]), _at_least("recall", RECALL[tier], label="*"), *_calibrated(tier)]
    if task == Task.BINARY:
        return [_at_least("auroc", AUC[tier]), _at_least("recall", RECALL[tier], label="*"), *_calibrated(tier)]
    if task == Task.MULTILABEL:
        return [_at_least("macro_f1", RECALL[tier])]
    if task == Task.REGRESSION:
        return [_at_least("r2", EXPLAINED[tier])]
    return [_at_least("ndcg", NDCG[tier])]


def _calibrated(tier: RiskTier) -> list[dict[str, Any]]:
    """People act on the probabilities of a high-risk model, so these must mean what they say."""
    if tier != RiskTier.HIGH:
        return []
    return [{"check": "calibration", "metric": "ece", "label": "", "bound": "upper", "maximum": CALIBRATION}]


def _at_least(metric: str, minimum: float, *, label: str = "") -> dict[str, Any]:
    return {"check": "performance", "metric": metric, "label": label, "bound": "lower", "minimum": minimum}


def check_suites(suites: Any) -> None:
    """Refuse suites that could not be measured or judged; each task that a policy names has its own."""
    if not isinstance(suites, dict) or not suites:
        raise InvalidInput(
            _("A policy names a suite with thresholds for each task that it is for: “suites”: {task: …}."), code="policy_suites"
        )
    for task, criteria in suites.items():
        if task not in Task.values or not isinstance(criteria, dict):
            raise InvalidInput(
                _("%(task)s is not a task; use %(known)s.") % {"task": str(task)[:40], "known": ", ".join(Task.values)},
                code="policy_task",
            )
        if unknown := sorted(set(criteria) - {"name", "checks", "thresholds", "tolerance"}):
            raise InvalidInput(
                _("%(task)s: a suite has a name, checks, thresholds and a tolerance; it has no %(field)s.")
                % {"task": Task(task).label, "field": unknown[0][:64]},
                code="policy_unknown_field",
            )
        check_criteria(criteria, task=task)


def criteria_of(policy: Policy, task: str) -> Criteria:
    """What the policy demands of models of this task.

    Policies published before suites stood by task have one suite and one set of thresholds for all; they are judged by these.
    """
    found = policy.document.evaluations.criteria(task)
    if found is None:
        raise InvalidInput(
            _("The policy %(policy)s says nothing about this task: %(task)s. A compliance officer must publish one that does.")
            % {"policy": policy, "task": Task(task).label.lower()},
            code="no_suite",
        )
    return found
