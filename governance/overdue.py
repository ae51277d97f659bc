"""What is overdue about models: each kind names the models of which it holds, so that a list counts them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from core import clock
from core.registry import Registry
from governance.models import Condition, Finding, Release, Review
from models_registry.models import ModelQuerySet, Version
from models_registry.narrowing import Filter, filters

ANY = "any"
SOON = timedelta(days=30)  # so long before its end an approval counts as ending


@dataclass(frozen=True, slots=True)
class Kind:
    """`models` gives the ids of the models where it is overdue now; a subquery, never a list."""

    title: str | Promise
    models: Callable[[], QuerySet[Any, Any]]


kinds: Registry[Kind] = Registry("kind of being overdue")


def holds(name: str) -> Q:
    """That this kind, or `any` of them, holds of a model."""
    if name != ANY:
        one = kinds.get(name)
        assert one is not None  # noqa: S101 - callers take names from the registry
        return Q(pk__in=one.models())
    found = Q()
    for each in kinds.names():
        found |= holds(each)
    return found


def _choices(_person: Person) -> list[tuple[str, str]]:
    return [(ANY, str(_("Anything"))), *((name, str(one.title)) for name, one in zip(kinds.names(), kinds, strict=True))]


def _fitting(rows: ModelQuerySet, name: str) -> ModelQuerySet:
    return rows.filter(holds(name))


def _reviews() -> QuerySet[Any, Any]:
    return Review.objects.overdue().order_by().values("version__model")


def _approvals() -> QuerySet[Any, Any]:
    """Live now under an approval that ran out, or does so soon; what is live under none has no end of it."""
    there = {"version": OuterRef("version"), "environment": OuterRef("environment")}
    later = Q(opened_at__gt=OuterRef("opened_at")) | Q(opened_at=OuterRef("opened_at"), pk__gt=OuterRef("pk"))
    renewed = Review.objects.approving().filter(later, **there)
    ending = Review.objects.approving().filter(valid_until__lte=clock.now() + SOON)  # few of all approvals: these first
    rows = ending.filter(Exists(Release.objects.live().filter(**there)), ~Exists(renewed))
    return rows.order_by().values("version__model")


def _findings() -> QuerySet[Any, Any]:
    return Finding.objects.overdue().filter(model__isnull=False).order_by().values("model")


def _conditions() -> QuerySet[Any, Any]:
    """Unmet past their date, and those that took an approval back which nothing has replaced."""
    missed = Q(state=Condition.State.MISSED, review__version__state=Version.State.SUSPENDED)
    late = Condition.objects.filter(Q(pk__in=Condition.objects.overdue().values("pk")) | missed)
    return late.order_by().values("review__version__model")


def register() -> None:
    """Called once, by `GovernanceConfig.ready`."""
    filters.register("overdue", Filter(_("Overdue"), _choices, _fitting), order=30)
    kinds.register("reviews", Kind(_("Review overdue"), _reviews), order=10)
    kinds.register("approvals", Kind(_("Live approval ended or ending"), _approvals), order=20)
    kinds.register("findings", Kind(_("Finding overdue"), _findings), order=30)
    kinds.register("conditions", Kind(_("Condition overdue"), _conditions), order=40)
