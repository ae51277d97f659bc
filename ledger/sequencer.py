"""Gives waiting events their place in the log. One at a time: whoever holds the lock of the tree's row."""

from __future__ import annotations

from django.db import OperationalError, transaction
from psycopg2 import errorcodes

from ledger.merkle import Frontier
from ledger.models import Leaf, Node, Pending, Tree

BATCH = 4096


def sequence() -> int:
    """Up to 4096 waiting events are in the log; returns how many, 0 also when another sequencer is at work.

    The outbox is read after the lock is held: numbers are given before commit, so a reader that remembered the last
    number it saw would skip events of slower transactions.
    """
    try:
        with transaction.atomic(durable=True):  # the signer acts on it, so nothing around it may take it back
            tree = Tree.objects.select_for_update(nowait=True).get()
            waiting = list(Pending.objects.order_by("number").values_list("number", "event_id", "event__leaf_hash")[:BATCH])
            if waiting:
                _extend(tree, waiting)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != errorcodes.LOCK_NOT_AVAILABLE:
            raise
        return 0
    return len(waiting)


def _extend(tree: Tree, waiting: list[tuple]) -> None:
    first = tree.size
    Leaf.objects.bulk_create(
        [Leaf(index=first + place, event_id=event, hash=leaf) for place, (_, event, leaf) in enumerate(waiting)]
    )
    Pending.objects.filter(number__in=[number for number, _, _ in waiting]).delete()
    frontier = Frontier(tree.size, [tree.peaks[at : at + 32] for at in range(0, len(tree.peaks), 32)])
    nodes = frontier.extend(leaf for _, _, leaf in waiting)
    Node.objects.bulk_create([Node(level=level, index=index, hash=node) for level, index, node in nodes])
    tree.size, tree.root, tree.peaks = frontier.size, frontier.root(), b"".join(frontier.peaks)
    tree.save(update_fields=["size", "root", "peaks"])
