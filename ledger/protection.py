"""The database itself refuses to change what was recorded.

Triggers stand even against raw SQL by the tables' owner, unless the owner disables them first; against that, and against
whoever holds the whole database, stand the seals that lie elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, models, transaction

FUNCTIONS = (
    """
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
""",
    # Looks at all rows of a statement at once: asked for each row, it would double the time of storing a long curve.
    """
CREATE OR REPLACE FUNCTION ledger_refuse_part_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rows_seen text := CASE TG_OP WHEN 'UPDATE' THEN '(TABLE touched UNION ALL TABLE became)' ELSE '(TABLE touched)' END;
    is_fixed boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s part JOIN %I whole ON whole.id = part.%I WHERE %s)',
                   rows_seen, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]) INTO is_fixed;
    IF is_fixed THEN
        RAISE EXCEPTION '% belongs to what is append-only: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
""",
    # SECURITY DEFINER: whoever may insert an event needs no right on the outbox.
    """
CREATE OR REPLACE FUNCTION ledger_enqueue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ledger_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$
""",
)


@dataclass(frozen=True, slots=True)
class _Trigger:
    table: str
    name: str
    definition: str  # what stands between the trigger's name and EXECUTE

    function: str = "ledger_refuse_change"
    arguments: str = ""

    def statements(self) -> list[str]:
        return [
            f"CREATE OR REPLACE TRIGGER {self.name} {self.definition} EXECUTE FUNCTION {self.function}({self.arguments})",
            # ALWAYS: session_replication_role = replica does not go round it.
            f'ALTER TABLE "{self.table}" ENABLE ALWAYS TRIGGER {self.name}',
        ]


@dataclass(frozen=True, slots=True)
class _Part:
    whole: str  # the table of the whole
    by: str  # the part's column that names the whole
    when: str  # SQL over `whole`


_protected: dict[str, str] = {}
_parts: dict[str, _Part] = {}


def protect(table: type[models.Model] | str, *, when: str = "") -> None:
    """Rows of `table` can no longer be changed, deleted or truncated, from the next migrate on.

    `when` limits it to rows for which an SQL condition over OLD holds, such as "OLD.state = 'published'".
    """
    name = table if isinstance(table, str) else table._meta.db_table  # noqa: SLF001 - Django's documented Meta API
    _protected[name] = when


def protect_parts(table: type[models.Model], *, of: type[models.Model], by: str, when: str) -> None:
    """Rows of `table` can no longer be added, changed or deleted while an SQL condition over `whole` holds for the row of `of`
    that their column `by` names, from the next migrate on."""
    _parts[table._meta.db_table] = _Part(of._meta.db_table, by, when)  # noqa: SLF001 - Django's documented Meta API


def protected_tables() -> list[str]:
    return sorted({*_protected, *_parts})


for _table in ("ledger_event", "ledger_leaf", "ledger_seal"):
    protect(_table)


def _triggers(table: str) -> list[_Trigger]:
    no_truncate = _Trigger(table, "ledger_no_truncate", f'BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT')
    if part := _parts.get(table):
        return [*_of_part(table, part), no_truncate]
    condition = f" WHEN ({_protected[table]})" if _protected[table] else ""
    return [
        _Trigger(table, "ledger_no_change", f'BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW{condition}'),
        no_truncate,
    ]


def _of_part(table: str, part: _Part) -> Iterator[_Trigger]:
    seen = {
        "INSERT": "NEW TABLE AS touched",
        "UPDATE": "OLD TABLE AS touched NEW TABLE AS became",
        "DELETE": "OLD TABLE AS touched",
    }
    arguments = ", ".join("'" + text.replace("'", "''") + "'" for text in (part.whole, part.by, part.when))
    for operation, tables in seen.items():
        definition = f'AFTER {operation} ON "{table}" REFERENCING {tables} FOR EACH STATEMENT'
        name = f"ledger_no_{operation.lower()}"
        yield _Trigger(table, name, definition, function="ledger_refuse_part_change", arguments=arguments)


ENQUEUE = _Trigger("ledger_event", "ledger_enqueue", 'AFTER INSERT ON "ledger_event" FOR EACH ROW', function="ledger_enqueue")


def _wanted() -> list[_Trigger]:
    """Those whose tables exist: `migrate` may have brought only some of them."""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
    wanted = [trigger for table in protected_tables() if table in existing for trigger in _triggers(table)]
    return [*wanted, ENQUEUE] if {"ledger_event", "ledger_pending"} <= existing else wanted


def _lock_key() -> int:
    return int.from_bytes(hashlib.sha256(b"countersign ledger protection").digest()[:7])


def install() -> None:
    """Every trigger stands and is enabled, whatever stood before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_key()])  # two migrates at once replace one function
        for function in FUNCTIONS:
            cursor.execute(function)
        for trigger in _wanted():
            for statement in trigger.statements():
                cursor.execute(statement)


def missing() -> list[str]:
    """Triggers that do not stand or are not enabled always, as `table.trigger`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgenabled = 'A' AND pg_table_is_visible(c.oid)"
        )
        standing = set(cursor.fetchall())
    return [f"{one.table}.{one.name}" for one in _wanted() if (one.table, one.name) not in standing]


@contextmanager
def suspended() -> Iterator[None]:
    """Without triggers, for the flush of a test database. The caller asks first whether this is one."""
    with connection.cursor() as cursor:
        for trigger in _wanted():
            cursor.execute(f'ALTER TABLE "{trigger.table}" DISABLE TRIGGER {trigger.name}')
    try:
        yield
    finally:
        install()
