"""Every limit ends the job, names itself and leaves no process; so does the death of the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox.workplace import Workplace, sweep
from tests.sandbox.conftest import processes_of

Launch = Callable[..., SimpleNamespace]
MEMORY = 256 << 20
BOXES = pytest.mark.parametrize("bwrap", ["bwrap", None], ids=["in bubblewrap", "without bubblewrap"])

ENDINGS = {
    "hang": ({"wall": 1}, "wall_limit", "time limit of 1 seconds"),
    "burn": ({"cpu": 1}, "cpu_limit", "1 seconds of processor time"),
    "hog": ({"memory": MEMORY}, "memory_limit", "256 MiB"),
    "claim": ({"memory": MEMORY}, "memory_limit", "256 MiB"),
    "flood": ({"log": 1 << 20}, "output_limit", "1 MiB of text"),
    "fill": ({"output": 8 << 20}, "output_limit", "8 MiB of files"),
    "fill_one": ({"output": 8 << 20}, "output_limit", "8 MiB of files"),
    "fork_bomb": ({"wall": 1}, "wall_limit", "time limit"),
    "huge": ({"result": 1 << 20}, "output_limit", ""),
}


@BOXES
@pytest.mark.parametrize("do", ENDINGS)
def test_a_limit_ends_the_job_and_is_named(launch: Launch, keys: Path, do: str, bwrap: str | None) -> None:
    limits, ended, words = ENDINGS[do]
    outcome = launch(do, limits={"wall": 60, "cpu": 60} | limits, canary=str(keys), bwrap=bwrap)
    assert outcome.ended == ended, outcome.sentence
    assert words in outcome.sentence
    assert outcome.result is None


def test_memory_stays_near_its_limit_until_the_job_is_stopped(launch: Launch, keys: Path) -> None:
    outcome = launch("hog", limits={"wall": 60, "cpu": 60, "memory": MEMORY}, canary=str(keys))
    assert MEMORY < outcome.peak_memory < 3 << 30  # what a tenth of a second can fill; the address space ends above


@pytest.mark.parametrize("do", ["hog", "burn"])
def test_the_parent_s_watch_holds_without_the_kernel_s_limits(launch: Launch, keys: Path, do: str) -> None:
    limits, ended, _ = ENDINGS[do]
    alone = {"leave_out": ["rlimits"], "need": "L0", "canary": str(keys)}
    assert launch(do, limits={"wall": 60, "cpu": 60} | limits, **alone).ended == ended


def test_the_kernel_s_limits_hold_without_the_parent_s_watch(command: Callable[..., list[str]], stage: Path, keys: Path) -> None:
    worker = subprocess.Popen(
        command("burn", limits={"wall": 60, "cpu": 1}, canary=str(keys), bwrap=None), stdout=subprocess.DEVNULL
    )
    _until(lambda: len(processes_of(stage)) >= 2)
    os.kill(worker.pid, signal.SIGSTOP)
    _until(lambda: len(processes_of(stage)) == 1)  # a child that is gone but not reaped has no command line
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait(30) == 0


UNHAPPY = {
    "fail": "RuntimeError: this job does not like",
    "crash": "SIGSEGV",
    "leave": "exit code 3",
    "not_json": "ValueError",
}


@pytest.mark.parametrize("do", UNHAPPY)
def test_an_unhappy_end_is_told_in_one_sentence(launch: Launch, keys: Path, do: str) -> None:
    outcome = launch(do, canary=str(keys))
    assert outcome.ended == "crashed"
    assert UNHAPPY[do] in outcome.sentence
    assert outcome.result is None


def test_only_plain_json_and_safetensors_come_back(launch: Launch, keys: Path) -> None:
    outcome = launch("leave_things", canary=str(keys))
    assert outcome.files == ["good.json", "true.safetensors"]
    assert outcome.discarded == ["false.safetensors", "folder", "payload.pkl"]


def test_evidence_cannot_be_forged_after_the_fact(launch: Launch, keys: Path) -> None:
    outcome = launch("forge", canary=str(keys))
    assert outcome.level in ("L2", "L3")
    assert outcome.evidence["level"] == outcome.level


def test_what_a_killed_worker_left_behind_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    living, dead, young = Workplace(), Workplace(), Workplace()
    for place in (dead, young):
        place._lock.close()  # as the kernel does for a process that dies
    for place in (living, dead):
        os.utime(place.folder / "lock", (0, 0))
    sweep()
    assert [place.folder.exists() for place in (living, dead, young)] == [True, False, True]
    living.leave()
    assert not living.folder.exists()


@BOXES
def test_killing_the_worker_kills_the_child(
    command: Callable[..., list[str]], stage: Path, keys: Path, bwrap: str | None
) -> None:
    worker = subprocess.Popen(command("hang", canary=str(keys), bwrap=bwrap), stdout=subprocess.DEVNULL, cwd="/")
    _until(lambda: len(processes_of(stage)) >= 2)  # the worker and what it started
    time.sleep(0.5)  # into the job itself
    assert len(processes_of(stage)) >= 2
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _until(lambda: not processes_of(stage))


def _until(true: Callable[[], object]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to be")
