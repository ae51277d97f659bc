"""The sequencer loses nothing and takes nothing twice: under several at once, late commits and a real SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, transaction

from ledger import sequencer
from ledger.actors import WORKER
from ledger.acts import act
from ledger.events import Ref
from ledger.fsck import fsck
from ledger.models import Event, Leaf, Node, Pending, Tree
from ledger.services import sequence_and_seal
from tests.ledger.things import ThingNoted


def test_waiting_events_get_the_next_places_in_the_order_of_writing(db: None, note: Callable[..., Any]) -> None:
    ids = note(5)
    assert sequencer.sequence() == 5
    ids += note(3)
    assert sequencer.sequence() == 3
    assert sequencer.sequence() == 0
    assert list(Leaf.objects.order_by("index").values_list("index", "event_id")) == list(enumerate(ids))
    assert not Pending.objects.exists()
    assert Tree.objects.get().size == 8
    assert Node.objects.count() == 7  # 4 + 2 + 1 perfect subtrees above eight leaves


def test_a_batch_has_its_limit_and_sealing_takes_in_all(
    db: None, note: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 3)
    note(8)
    assert sequencer.sequence() == 3
    seal = sequence_and_seal()
    assert seal is not None
    assert seal.size == 8


def test_a_batch_costs_a_constant_number_of_queries(db: None, note: Callable[..., Any], django_assert_num_queries: Any) -> None:
    for count in (2, 20):
        note(count)
        with django_assert_num_queries(8):
            assert sequencer.sequence() == count


def test_a_second_sequencer_leaves_at_once(committed: None, note: Callable[..., Any], together: Callable[..., Any]) -> None:
    note(2)
    held, finished = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Tree.objects.select_for_update().get()
            held.set()
            finished.wait(20)

    def come_second() -> int:
        held.wait(20)
        try:
            return sequencer.sequence()
        finally:
            finished.set()

    assert together(hold, come_second) == [None, 0]
    assert sequencer.sequence() == 2


def test_several_sequencers_and_writers_at_once_lose_nothing_and_take_nothing_twice(
    committed: None, together: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 7)
    writing = threading.Semaphore(0)

    def write(name: str) -> Callable[[], None]:
        def work() -> None:
            try:
                for number in range(40):
                    with act(WORKER) as this:
                        this.record(ThingNoted(number=number), on=Ref("thing", name))
                        this.record(ThingNoted(number=number), on=Ref("thing", "shared"))
            finally:
                writing.release()

        return work

    def run() -> int:
        taken = 0
        while writing._value < 3 or Pending.objects.exists():
            taken += sequencer.sequence()
        return taken

    results = together(write("a"), write("b"), write("c"), run, run, run)
    assert results[:3] == [None, None, None]
    assert sum(results[3:]) == 240
    assert list(Leaf.objects.order_by("index").values_list("index", flat=True)) == list(range(240))
    assert Leaf.objects.values("event").distinct().count() == Event.objects.count() == 240
    for key in ("a", "b", "c", "shared"):
        places = list(Event.objects.about(Ref("thing", key)).order_by("subject_seq").values_list("leaf__index", flat=True))
        assert places == sorted(places)
    assert sequence_and_seal() is not None
    assert fsck().holds


def test_an_event_that_was_written_early_and_committed_late_is_not_passed_over(
    committed: None, note: Callable[..., Any], together: Callable[..., list[Any]]
) -> None:
    written, sequenced = threading.Event(), threading.Event()

    def slow() -> None:
        with act(WORKER) as this:
            this.record(ThingNoted(), on=Ref("thing", "late"))
            this._close()  # has its number in the outbox, and does not commit yet
            this._recorded.clear()
            written.set()
            sequenced.wait(20)

    def quick() -> int:
        written.wait(20)
        try:
            note(2)
            return sequencer.sequence()
        finally:
            sequenced.set()

    assert together(slow, quick) == [None, 2]
    assert sequencer.sequence() == 1
    assert Event.objects.get(subject_id="late").leaf.index == 2


@pytest.fixture
def child(committed: None, tmp_path: Path) -> Any:
    """A Python process of its own on the test's database; killed at the end whatever happens."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        root = Path(settings.BASE_DIR)
        database = connection.settings_dict
        host = quote(database["HOST"], safe="")  # may be a socket's folder
        where = f"{database['USER']}:{database['PASSWORD']}@{host}:{database['PORT']}"
        prelude = "import django; django.setup()\n"
        process = subprocess.Popen(
            [sys.executable, "-c", prelude + textwrap.dedent(program)],
            cwd=root,
            env=os.environ
            | {
                "DATABASE_URL": f"postgresql://{where}/{database['NAME']}",
                "COUNTERSIGN_DATA": str(tmp_path / "child"),
                "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_sequencer_killed_in_the_middle_loses_nothing(child: Any, note: Callable[..., Any]) -> None:
    ids = note(8)
    process = child(
        """
        import time
        from ledger import sequencer
        from ledger.models import Tree
        sequencer.BATCH = 3
        sequencer.sequence()

        def hang(*args, **options):
            print("in the middle", flush=True)
            time.sleep(600)

        Tree.save = hang  # leaves and nodes are written, the outbox is emptied, and nothing is committed
        sequencer.sequence()
        """
    )
    assert process.stdout.readline() == "in the middle\n"
    assert (Leaf.objects.count(), Pending.objects.count()) == (3, 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    taken, patience = 0, time.monotonic() + 30
    while taken == 0 and time.monotonic() < patience:  # until the server has noticed that the client is gone
        taken = sequencer.sequence()
    assert taken == 5
    assert list(Leaf.objects.order_by("index").values_list("event_id", flat=True)) == ids
    assert sequence_and_seal() is not None
    assert fsck().holds
