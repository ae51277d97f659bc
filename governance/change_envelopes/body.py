"""What people sign: the baseline by digest, and every limit. docs/reference/change-envelope-format.md tells each field."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from evaluations.names import measure_title, unit_of
from governance.change_envelopes.facts import code_of, datasets_of, personal_of, tests_of
from governance.models import Policy
from governance.pins import construction_digest
from models_registry.models import Task, Version

FORMAT = "countersign-change-envelope/1"
MOST_RELEASES, MOST_DAYS = 100, 366
_OF_CLASSES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc", "kappa")
COMPARED = {  # task: the measures whose paired difference the engine forms
    Task.BINARY.value: (*_OF_CLASSES, "auroc"),
    Task.MULTICLASS.value: _OF_CLASSES,
    Task.MULTILABEL.value: ("label_accuracy",),
    Task.REGRESSION.value: ("mae", "mse"),
}
LOWER_IS_BETTER = {"mae", "mse"}
CHECK = "comparison"


def metrics_for(task: str) -> list[tuple[str, str]]:
    """The measures that may be chosen for models of this task, each with its name in words."""
    return [(name, measure_title(name)) for name in COMPARED.get(task, ())]


def checked_limits(
    *, task: str, metric: str, margin: float, churn: float, releases: int, days: int, expires_at: datetime
) -> dict[str, Any]:
    """The limits as they are signed; refuses, with a sentence that says what to do, those that could not be kept."""
    known = COMPARED.get(task, ())
    if not known:
        raise InvalidInput(
            _("Models of this task cannot be compared row by row, so there is no change envelope for them."), code="task"
        )
    if metric not in known:
        words = {"names": ", ".join(known)}
        raise InvalidInput(_("Name a measure that is compared row by row: %(names)s.") % words, code="metric")
    if not math.isfinite(margin) or margin < 0 or (margin > 1 and unit_of(metric) != "score"):
        raise InvalidInput(_("The margin is how much worse it may be: 0 or more, as a share (0.01 is one point)."), code="margin")
    if not math.isfinite(churn) or not 0 <= churn <= 1:
        raise InvalidInput(_("The share of changed predictions is between 0 and 1 (0.05 is 5 in 100 rows)."), code="churn")
    if not 1 <= releases <= MOST_RELEASES or not 1 <= days <= MOST_DAYS:
        bounds = {"most": MOST_RELEASES, "days": MOST_DAYS}
        raise InvalidInput(_("Allow 1 to %(most)d releases in 1 to %(days)d days.") % bounds, code="releases")
    now = clock.now()
    if not now < expires_at <= now + timedelta(days=MOST_DAYS):
        raise InvalidInput(
            _("It expires after today, and at most %(days)d days from now.") % {"days": MOST_DAYS}, code="expires_at"
        )
    return {
        "metric": metric,
        "margin": float(margin),
        "churn": float(churn),
        "releases": releases,
        "days": days,
        "expires_at": clock.stamp(expires_at),
    }


def body_of(baseline: Version, environment: str, policy: Policy, limits: dict[str, Any], *, approval: str) -> dict[str, Any]:
    """The whole of what is signed. `approval` is the digest of what the baseline's own signatures stand for."""
    return {
        "format": FORMAT,
        "model": str(baseline.model_id),
        "environment": environment,
        "policy": policy.digest,
        "baseline": {
            "version": str(baseline.pk),
            "number": baseline.number,
            "checkpoint": baseline.checkpoint_digest,
            "approval": approval,
        },
        "construction": construction_digest(baseline),
        "code": code_of(baseline),
        "datasets": datasets_of(baseline),
        "personal_data": personal_of(baseline),
        "tests": tests_of(baseline),
        "limits": limits,
    }


def gaps_of(baseline: Version) -> list[str]:
    """What the baseline does not say, so that nothing could be held against it."""
    code, gaps = code_of(baseline), []
    if not (code["tree"] or code["commit"]) or code["uncommitted"]:
        gaps.append(_("Its training run names no commit without uncommitted changes, so “the same code” would mean nothing."))
    if not code["lock"]:
        gaps.append(_("Its training run names no lock file, so “the same packages” would mean nothing."))
    if not datasets_of(baseline):
        gaps.append(_("It names no data that it learned from."))
    if not tests_of(baseline):
        gaps.append(_("It names no test set."))
    return gaps


def thresholds_of(limits: dict[str, Any]) -> list[dict[str, Any]]:
    """The limits of the comparison as thresholds, fixed before anything is measured."""
    metric = {"check": CHECK, "metric": f"{limits['metric']}_change"}
    margin = limits["margin"]
    worse = (
        {"bound": "upper", "maximum": margin} if limits["metric"] in LOWER_IS_BETTER else {"bound": "lower", "minimum": -margin}
    )
    return [metric | worse, {"check": CHECK, "metric": "churn", "bound": "upper", "maximum": limits["churn"]}]
