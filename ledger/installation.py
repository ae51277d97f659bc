"""What every database must hold: the triggers and the empty tree. Idempotent, run after each migrate."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import connection

from ledger import protection
from ledger.models import Tree


def install() -> None:
    """The triggers stand and the tree's one row exists."""
    protection.install()
    with connection.cursor() as cursor:
        if "ledger_tree" not in connection.introspection.table_names(cursor):
            return
    Tree.objects.get_or_create(id=1, defaults={"size": 0, "root": hashlib.sha256(b"").digest(), "peaks": b""})


def after_migrate(**_: Any) -> None:
    install()
