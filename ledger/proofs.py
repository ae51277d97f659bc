"""Proofs out of the stored nodes: a handful of rows, whatever the log's size."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from ledger.merkle import Name, Plan, plan_consistency, plan_inclusion
from ledger.models import Leaf, Node, Tree

CHUNK = 500  # names in one query


def _stored(names: set[Name]) -> dict[Name, bytes]:
    leaves = [index for level, index in names if level == 0]
    stored: dict[Name, bytes] = {
        (0, index): node for index, node in Leaf.objects.filter(index__in=leaves).values_list("index", "hash")
    }
    by_level: dict[int, list[int]] = {}
    for level, index in names:
        if level:
            by_level.setdefault(level, []).append(index)
    if by_level:
        asked = reduce(or_, (Q(level=level, index__in=indexes) for level, indexes in by_level.items()))
        for level, index, node in Node.objects.filter(asked).values_list("level", "index", "hash"):
            stored[level, index] = node
    return stored


def inclusion_of(indexes: Iterable[int], *, size: int) -> dict[int, list[bytes]]:
    """The inclusion proof of each of `indexes` in the log's first `size` entries, in two queries."""
    plans: dict[int, Plan] = {index: plan_inclusion(index, size) for index in indexes}
    stored = _stored(set().union(*(plan.needs() for plan in plans.values())))
    return {index: plan.build(stored) for index, plan in plans.items()}


def consistency(first: int, second: int) -> list[bytes]:
    """The proof that the log of `second` entries begins with the log of `first`; empty from 0 and between equal sizes."""
    if not 0 <= first <= second <= Tree.objects.get().size:
        raise InvalidInput(_("Name two sizes that the log has had, the smaller one first."))
    if first in (0, second):
        return []
    plan = plan_consistency(first, second)
    return plan.build(_stored(plan.needs()))
