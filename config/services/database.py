"""What the supervisor asks the database before the site starts: does it answer, whose is it, is anybody in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import psycopg2
from psycopg2 import sql

from config.setup.problem import Problem

OLDEST = 150000  # PostgreSQL 15, as the server writes it
_OWN_SCHEMAS = "nspname not like 'pg\\_%' and nspname <> 'information_schema'"


@dataclass(frozen=True, slots=True)
class Demo:
    """The comment on a database that belongs to the demo."""

    story: str  # digest of the story's program
    complete: bool


@contextlib.contextmanager
def connected(url: str) -> Iterator[psycopg2.extensions.cursor]:
    try:
        connection = psycopg2.connect(url, connect_timeout=10)
    except (psycopg2.OperationalError, psycopg2.ProgrammingError) as error:
        raise Problem(
            f"The database in DATABASE_URL cannot be reached ({str(error).strip().splitlines()[0]}); "
            "see that the server runs and that user, password and name are right."
        ) from error
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def check_server(url: str) -> None:
    """The server answers and is new enough."""
    with connected(url) as cursor:
        cursor.execute("show server_version_num")
        if int(_one(cursor)) < OLDEST:
            raise Problem("The server in DATABASE_URL is older than PostgreSQL 15; use 15 or newer.")


def _one(cursor: psycopg2.extensions.cursor) -> str:
    row = cursor.fetchone()
    return str(row[0]) if row and row[0] is not None else ""


def demo_of(url: str) -> Demo | None:
    """The demo's mark on the database, if it bears one."""
    with connected(url) as cursor:
        cursor.execute("select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()")
        try:
            mark = json.loads(_one(cursor))
            return Demo(**mark["countersign demo"])
        except (ValueError, TypeError, KeyError):
            return None


def mark_demo(url: str, demo: Demo) -> None:
    """The database says that it belongs to the demo."""
    text = json.dumps({"countersign demo": asdict(demo)})
    with connected(url) as cursor:
        cursor.execute("select current_database()")
        name = sql.Identifier(_one(cursor))
        try:
            cursor.execute(sql.SQL("comment on database {} is {}").format(name, sql.Literal(text)))
        except psycopg2.errors.InsufficientPrivilege as error:
            raise Problem(
                "The demo marks its database, which only the owner may; name a database that this user owns."
            ) from error


def is_empty(url: str) -> bool:
    """Nobody has made a table here."""
    with connected(url) as cursor:
        cursor.execute(
            "select not exists(select from pg_class c join pg_namespace n on n.oid = c.relnamespace "  # noqa: S608 - constants
            f"where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_OWN_SCHEMAS})"
        )
        return _one(cursor) == "True"


def empty(url: str) -> None:
    """Every table is gone. Only ever asked of a database that bears the demo's mark."""
    with connected(url) as cursor:
        cursor.execute(f"select nspname from pg_namespace where {_OWN_SCHEMAS}")  # noqa: S608 - constants
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))
        cursor.execute("create schema public")


def has_administrator(url: str) -> bool:
    """Somebody can make people, teams and keys."""
    with connected(url) as cursor:
        cursor.execute("select exists(select from accounts_membership where role = 'administrator')")
        return _one(cursor) == "True"
