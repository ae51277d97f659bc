"""What a suite may ask for, and how it is kept: a named, numbered set of checks with parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.errors import InvalidInput
from evaluations.catalogue import catalogue
from evaluations.models import Suite
from evaluations.verdicts import threshold_of
from models_registry.models import Task

MOST_CHECKS = 50
TOLERANCE = 0.001  # by how much a repeated number may differ, of the number itself or of one, whichever is more


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a measurement is asked for and held against, as frozen values. A check with a threshold blocks; others inform."""

    name: str
    checks: list[dict[str, Any]]
    thresholds: list[dict[str, Any]]
    tolerance: float = TOLERANCE


def check_criteria(criteria: Mapping[str, Any], *, task: str) -> None:
    """Refuse, with one sentence, criteria for models of `task` that could not be measured or judged as they are written."""
    name, words = criteria.get("name"), {"task": str(Task(task).label)}
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise InvalidInput(_("%(task)s: a suite has a name of 1 to 64 characters.") % words, code="suite_name")
    check_checks(criteria.get("checks"), task=task)
    lines = criteria.get("thresholds")
    if not isinstance(lines, list) or not lines:
        raise InvalidInput(_("%(task)s: a policy without thresholds would pass everything.") % words, code="policy_thresholds")
    asked = {check["name"] for check in criteria["checks"]}
    for line in lines:
        threshold = threshold_of(line)
        if threshold.check not in asked:
            raise InvalidInput(
                _("%(task)s: there is a threshold on %(check)s, which the suite does not measure, so it could never be met.")
                % {**words, "check": threshold.check},
                code="threshold_without_check",
            )
    tolerance = criteria.get("tolerance", TOLERANCE)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance <= 1:
        raise InvalidInput(_("%(task)s: the tolerance of a repeated run is a number from 0 to 1.") % words, code="tolerance")


def check_checks(checks: Any, *, task: str) -> None:
    """Refuse checks that this version does not have, that cannot measure this task, or whose parameters it does not know."""
    if not isinstance(checks, list) or not 1 <= len(checks) <= MOST_CHECKS:
        raise InvalidInput(
            _("A suite names 1 to %(most)d checks, each as {“name”: …, parameters}.") % {"most": MOST_CHECKS}, code="suite_checks"
        )
    seen = set()
    for check in checks:
        name = check.get("name") if isinstance(check, Mapping) else None
        kind = catalogue().get(name) if isinstance(name, str) else None
        if kind is None:
            raise InvalidInput(
                _("There is no check named %(name)s; there are %(known)s.")
                % {"name": str(name)[:64], "known": ", ".join(sorted(catalogue()))},
                code="unknown_check",
            )
        if name in seen:
            raise InvalidInput(_("The suite names the check %(name)s twice.") % {"name": name}, code="check_twice")
        seen.add(name)
        if task not in kind.tasks:
            raise InvalidInput(
                _("The check %(name)s cannot measure this task: %(task)s.") % {"name": name, "task": Task(task).label},
                code="check_of_another_task",
            )
        if foreign := sorted(set(check) - {"name"} - set(kind.parameters)):
            raise InvalidInput(
                _("The check %(name)s has no parameter %(foreign)s; it has %(known)s.")
                % {"name": name, "foreign": ", ".join(foreign), "known": ", ".join(kind.parameters) or _("none")},
                code="unknown_parameter",
            )


def measurable(checks: Sequence[Mapping[str, Any]], *, task: str) -> list[dict[str, Any]]:
    """Those of `checks` that this version has and that can measure this task."""
    known = catalogue()
    return [dict(check) for check in checks if check["name"] in known and task in known[check["name"]].tasks]


def suite_of(name: str, checks: Sequence[dict[str, Any]]) -> Suite:
    """The suite with exactly these checks: the one that exists, or the next number of its name."""
    digest = sha256_of(list(checks))
    found = Suite.objects.filter(name=name, digest=digest).first()
    if found is not None:
        return found
    number = (Suite.objects.filter(name=name).aggregate(Max("number"))["number__max"] or 0) + 1
    return Suite.objects.create(name=name, number=number, checks=list(checks), digest=digest)
