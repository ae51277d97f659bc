"""A database of the benchmark's own on the server in use, its folders, and Django set up on them; all gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

_COPIES: list[str] = []  # databases that go with the ground's own


@contextmanager
def ground() -> Iterator[Path]:
    """Django is set up on an empty, migrated database; yields the data folder."""
    address = urlsplit(os.environ["DATABASE_URL"])
    name = f"countersign_bench_{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    _administer(address.geturl(), f'CREATE DATABASE "{name}"')
    try:
        os.environ |= {
            "DATABASE_URL": urlunsplit(address._replace(path=f"/{name}")),
            "COUNTERSIGN_DATA": str(folder),
            "COUNTERSIGN_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        import django  # noqa: PLC0415 - the settings read the environment that was just made

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - as above
        from django.db import connections  # noqa: PLC0415 - as above

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        yield folder
        connections.close_all()
    finally:
        for one in (name, *_COPIES):
            _administer(address.geturl(), f'DROP DATABASE IF EXISTS "{one}" WITH (FORCE)')
        _COPIES.clear()
        shutil.rmtree(folder, ignore_errors=True)


def copy_of_database(name: str) -> str:
    """The site as it stands now in a database of its own, for as long as the ground lasts: its address."""
    from django.db import connections  # noqa: PLC0415 - as above

    address = urlsplit(os.environ["DATABASE_URL"])
    original = address.path.lstrip("/")
    connections.close_all()
    _COPIES.append(f"{original}_{name}")
    _administer(urlunsplit(address._replace(path="/postgres")), f'CREATE DATABASE "{original}_{name}" TEMPLATE "{original}"')
    return urlunsplit(address._replace(path=f"/{original}_{name}"))


@contextmanager
def on(database: str) -> Iterator[None]:
    """In this process, Django asks the database at this address."""
    from django.db import connection  # noqa: PLC0415 - as above

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = urlsplit(database).path.lstrip("/")
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _administer(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
