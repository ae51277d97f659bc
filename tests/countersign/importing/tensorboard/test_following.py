"""Trainings that still write: followed within seconds, and ended only where it is known or long enough silent."""

from __future__ import annotations

import math
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign import Client
from countersign.importing.tensorboard import LogFolder
from countersign.tracking import api
from countersign.transport import Unreachable
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.conftest import Import, curve, one
from tests.countersign.importing.tensorboard.writer import add, scalar, scalars, write
from tracking.models import TrainingRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signed_in")]
ROOT = Path(__file__).resolve().parents[4]


# -- ends ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "cut", "state", "how"),
    [
        ([writer.stop(1)], 0, "finished", "its last event says so"),
        ([writer.hparams_end(2)], 0, "failed", "its last event says so"),
        ([], 0, "finished", "taken for granted: no event followed the last"),
        ([], 5, "killed", "its file breaks off"),
    ],
)
def test_a_run_ends_as_its_files_tell(
    logs: Path, import_logs: Import, records: list[bytes], cut: int, state: str, how: str
) -> None:
    path = write(logs, scalars("loss", [1.0, 2.0]), *records)
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
    assert import_logs().code == 0
    assert (one().state, one().tags["tensorboard.end"]) == (state, how)


@pytest.mark.parametrize("cut", [0, 5])
def test_a_run_that_may_still_grow_stays_open(logs: Path, import_logs: Import, cut: int) -> None:
    now = time.time()
    path = write(logs, *(scalar("loss", step, step, time=now - 20 + step) for step in range(3)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
    said = import_logs("--json")
    assert (said.code, one().state, one().ended_at) == (0, "running", None)
    assert any("1 run is still open" in note for note in said.json["notes"])
    assert import_logs("--ended-after", "10").code == 0
    assert one().state == ("killed" if cut else "finished")


def test_a_run_that_grows_again_after_its_end_is_running(logs: Path, import_logs: Import) -> None:
    path = write(logs, scalars("loss", [1.0]))
    import_logs()
    assert one().state == "finished"
    add(path, scalar("loss", 1, 2.0, time=time.time()))
    import_logs()
    assert (one().state, one().ended_at, curve(one())) == ("running", None, ([0, 1], [1.0, 2.0]))


# -- followed while it grows ---------------------------------------------------------------------------------------------


def follow(logs: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "countersign", "import", "tensorboard", str(logs), "--watch", *words]
    return subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            pytest.fail("\n".join(process.communicate(timeout=30)))
        time.sleep(0.05)


def test_a_growing_file_is_followed_within_seconds_and_left_open(logs: Path) -> None:
    path = write(logs, scalar("loss", 0, 0, time=time.time()))
    with follow(logs) as process:
        until(lambda: TrainingRun.objects.filter(series__count=1).exists(), process)
        half = scalar("loss", 2, 2, time=time.time())
        add(path, scalar("loss", 1, 1, time=time.time()), half[:20])
        until(lambda: one().series.get().count == 2, process)
        add(path, half[20:])
        until(lambda: one().series.get().count == 3, process)
        write(logs / "eval", scalar("accuracy", 0, 0.5, time=time.time()))
        until(lambda: TrainingRun.objects.filter(name="eval", series__count=1).exists(), process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "2 runs are still open" in out
    assert "Traceback" not in err
    assert [run.state for run in TrainingRun.objects.all()] == ["running", "running"]
    assert curve(one(name="logs")) == ([0, 1, 2], [0.0, 1.0, 2.0])


def test_following_ends_once_nothing_more_is_written(logs: Path) -> None:
    write(logs, scalar("loss", 0, 0, time=time.time()))
    with follow(logs, "--until-idle", "1", "--json") as process:
        _out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert one().state == "finished"


def test_a_site_that_is_away_is_waited_for_while_following(logs: Path, monkeypatch: Any, capsys: Any) -> None:
    """What is written meanwhile is sent as soon as it is back, once."""
    from countersign.cli import tensorboard  # noqa: PLC0415 - only this test

    monkeypatch.setattr(tensorboard, "EVERY", 0.05)
    path = write(logs, scalar("loss", 0, 0.0, time=time.time()))
    client = Client()
    folder = LogFolder(client, logs, team=api.team_id(client))
    folder.send()
    call, away = Client.call, threading.Event()
    away.set()

    def sometimes(self: Client, *words: Any, **options: Any) -> Any:
        if away.is_set():
            raise Unreachable("The site does not answer.")
        return call(self, *words, **options)

    monkeypatch.setattr(Client, "call", sometimes)
    add(path, scalar("loss", 1, 1.0, time=time.time()))
    threading.Timer(0.5, away.clear).start()
    tensorboard._follow(folder, until_idle=0.4, silent=False)
    assert curve(one()) == ([0, 1], [0.0, 1.0])
    assert capsys.readouterr().err.count("does not answer") == 1


def test_a_training_that_is_killed_leaves_a_readable_unfinished_run(logs: Path, import_logs: Import) -> None:
    """Blocks of bytes reach the file, as C's library writes them: the last record is not whole."""
    program = (
        "import os, pathlib, sys\n"
        "from tests.countersign.importing.tensorboard import writer\n"
        "made = b''.join(writer.scalar('loss', step, step) for step in range(1000))\n"
        "with writer.write(pathlib.Path(sys.argv[1])).open('ab', buffering=0) as out:\n"
        "    for place in range(0, len(made), 4096):\n"
        "        out.write(made[place : place + 4096])\n"
        "        if place > 12_000: os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(logs)], cwd=ROOT, check=False)
    assert done.returncode == -9
    said = import_logs()
    assert (said.code, "breaks off in the middle of a record" in said.out) == (0, True)
    run = one()
    assert (run.state, run.tags["tensorboard.end"]) == ("killed", "its file breaks off")
    steps, _values = curve(run)
    assert steps == list(range(len(steps)))
    assert 300 < len(steps) < 1000


def test_packed_values_are_exactly_those_of_the_file(logs: Path, import_logs: Import) -> None:
    values = [0.1, 1e-40, -0.0, math.inf, 3.4e38]
    write(logs, scalars("loss", values))
    import_logs()
    assert [str(value) for value in curve(one())[1]] == [str(struct.unpack("<f", struct.pack("<f", v))[0]) for v in values]
