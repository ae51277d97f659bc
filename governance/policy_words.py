"""A policy as people read it: who signs, and task by task what is measured, what blocks and what only informs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Role
from evaluations.catalogue import catalogue
from evaluations.suites import Criteria
from evaluations.verdicts import title_of
from governance.criteria import criteria_of
from governance.documents import AskedStep
from governance.models import Policy
from models_registry.models import Task


@dataclass(frozen=True, slots=True)
class CheckWords:
    """One check of a suite: what it measures, with which parameters, and the thresholds that make it block."""

    name: str
    says: str
    parameters: str
    thresholds: list[str]
    known: bool


@dataclass(frozen=True, slots=True)
class SuiteWords:
    task: str
    name: str
    checks: list[CheckWords]
    tolerance: float


def suites_of(policy: Policy) -> list[SuiteWords]:
    """The suite of each task that the policy names; of the earlier shape the one suite for all."""
    evaluations = policy.document.evaluations
    if evaluations.for_all is not None:
        return [_suite(_("Every task"), criteria_of(policy, Task.MULTICLASS))]
    named = [task for task in Task if task.value in evaluations.suites]
    return [_suite(str(task.label), criteria_of(policy, task)) for task in named]


def _suite(task: str, criteria: Criteria) -> SuiteWords:
    return SuiteWords(task, criteria.name, [_check(check, criteria) for check in criteria.checks], criteria.tolerance)


def _check(check: dict[str, Any], criteria: Criteria) -> CheckWords:
    kind = catalogue().get(check["name"])
    given = ", ".join(f"{name} = {value}" for name, value in check.items() if name != "name")
    lines = [title_of(line) for line in criteria.thresholds if line["check"] == check["name"]]
    says = kind.says if kind else _("This version does not have this check, so it is not run.")
    return CheckWords(check["name"].replace("_", " "), says, given, lines, kind is not None)


def signatures_of(policy: Policy) -> list[str]:
    """Whose signatures the policy asks for, in their order, in words."""
    return [_signature(one) for one in policy.document.steps_in_order()]


def _signature(one: AskedStep) -> str:
    words = {"role": str(Role(one.role).label), "n": one.quorum}
    text = _("%(role)s (%(n)s)") % words if one.quorum > 1 else str(words["role"])
    return text + _(", where personal data reach the version") if one.only_with_personal_data else text
