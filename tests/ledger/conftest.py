from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import installation, protection
from ledger.actors import WORKER, System
from ledger.acts import act
from ledger.events import Private, Ref
from ledger.services import sequence_and_seal
from tests.ledger.things import Job, Thing, ThingNoted


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The tests' own tables stand beside the project's."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        existing = connection.introspection.table_names()
        for model in (Thing, Job):
            if model._meta.db_table not in existing:
                editor.create_model(model)


@pytest.fixture(autouse=True)
def empty_log(request: pytest.FixtureRequest) -> None:
    """These tests count entries, so what the installation of other contexts recorded is taken out first."""
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
    elif "db" in request.fixturenames:
        request.getfixturevalue("db")
    else:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with protection.suspended():
            cursor.execute("TRUNCATE ledger_event, ledger_subject, ledger_node, ledger_seal, ledger_tree CASCADE")
    installation.install()


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Real commits, for threads and processes; the tests' own tables are emptied too."""
    yield
    Thing.objects.all().delete()
    Job.objects.all().delete()


@pytest.fixture
def ada() -> System:
    """A person as the log sees one."""
    return System("0197-ada", actor_kind="person")


@pytest.fixture
def note() -> Callable[..., Any]:
    """`note(3, on=Ref("thing", "1"))`: three events, one act each; returns their ids."""

    def record(count: int = 1, *, on: Any = None, by: Any = WORKER, comment: str = "", of: str = "") -> list[Any]:
        ids = []
        for number in range(count):
            with act(by) as this:
                ids.append(this.record(ThingNoted(number=number, comment=Private(comment, of=of)), on=on))
        return ids

    return record


@pytest.fixture
def sealed_log(db: None, note: Callable[..., Any]) -> list[Any]:
    """Seven events in a sealed log: four on one thing, two on another, one on nothing; returns their ids."""
    ids = note(4, on=Ref("thing", "1"), comment="a remark")
    ids += note(2, on=Ref("thing", "2"))
    ids += note(1)
    sequence_and_seal()
    return ids


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """`together(work, work, …)`: each in a thread with a connection of its own; returns results or exceptions in order."""

    def run(*work: Callable[[], Any]) -> list[Any]:
        results: list[Any] = [None] * len(work)

        def one(place: int) -> None:
            try:
                results[place] = work[place]()
            except Exception as error:
                results[place] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(place,)) for place in range(len(work))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a thread hangs"
        return results

    return run
