"""Reading many rows as of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[None]:
    """Every query in the block sees the same moment, so that work going on meanwhile looks like no contradiction."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # a test's surrounding transaction has one writer anyway
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
