"""How trainings leave: by themselves, by an exception, killed. Each is a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.tracking.conftest import Site

ROOT = Path(__file__).resolve().parents[3]
# Whoever starts the tests in the background has them inherit that Ctrl-C is ignored.
BEGIN = """
import signal, sys, countersign
signal.signal(signal.SIGINT, signal.default_int_handler)
from countersign.tracking import sending
sending.PACE = sending.Pace(between=0.02, first=0.01, longest=0.05)
run = countersign.start_run("script", capture=False)
for step in range(100): run.log(step=step, loss=step)
"""


@pytest.fixture
def script(site: Site, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """`script("sys.exit(1)")`: a program that has started a run and reported a hundred points, and then does that."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("COUNTERSIGN_")}
    where = {"COUNTERSIGN_URL": site.url, "COUNTERSIGN_KEY": "cs_key", "XDG_STATE_HOME": str(tmp_path / "state")}

    def start(program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", BEGIN + program],
            env=own | where | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize(
    ("program", "state", "code"),
    [
        ("", "finished", 0),
        ("raise ValueError('bad batch')", "failed", 1),
        ("with run: sys.exit(3)", "failed", 3),
        ("run.end('killed')", "killed", 0),
    ],
)
def test_a_script_that_forgets_to_end_its_run_ends_it_as_it_ended_itself(
    site: Site, script: Callable[..., Any], spools: Callable[[], list[Path]], program: str, state: str, code: int
) -> None:
    process = script(program)
    _out, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert [one["state"] for one in site.ended] == [state]
    assert [step for step, _ in site.series["loss"]] == list(range(100))
    assert spools() == []


def test_ctrl_c_ends_the_run_as_killed(site: Site, script: Callable[..., Any]) -> None:
    process = script("print('trains', flush=True)\nimport time\nwhile True: time.sleep(0.01)")
    assert process.stdout.readline() == "trains\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert [one["state"] for one in site.ended] == ["killed"]
    assert len(site.series["loss"]) == 100


def test_a_killed_process_leaves_what_it_reported_and_no_end(
    site: Site, script: Callable[..., Any], spools: Callable[[], list[Path]], command: Callable[..., Any]
) -> None:
    process = script("assert run.flush(30)\nprint('arrived', flush=True)\nimport time\nwhile True: time.sleep(0.01)")
    assert process.stdout.readline() == "arrived\n"
    process.kill()
    process.communicate(timeout=60)
    assert (len(site.series["loss"]), site.ended) == (100, [])
    (spool,) = spools()  # it can be sent again: nothing doubles
    assert command("send-run", str(spool)).code == 0
    assert len(site.series["loss"]) == 100
    assert (len(site.runs), spools()) == (1, [])


def test_a_process_that_is_killed_while_the_site_is_away_loses_nothing_that_it_wrote(
    site: Site, script: Callable[..., Any], spools: Callable[[], list[Path]], command: Callable[..., Any]
) -> None:
    site.die()
    process = script("run.gather()\nprint('written', flush=True)\nimport time\nwhile True: time.sleep(0.01)")
    assert process.stdout.readline() == "written\n"
    process.kill()
    process.communicate(timeout=60)
    site.begin()
    (spool,) = spools()
    assert command("send-run", str(spool)).code == 0
    assert [step for step, _ in site.series["loss"]] == list(range(100))
    assert site.ended == []


def test_an_unreachable_site_costs_a_script_one_sentence_and_not_its_exit_code(
    site: Site, script: Callable[..., Any], spools: Callable[[], list[Path]]
) -> None:
    site.die()
    process = script("run.end(wait=0.5)")
    _out, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.count("countersign send-run") == 1
    assert str(spools()[0]) in said
    assert "Traceback" not in said
    site.begin()


def test_workers_that_are_forked_leave_the_run_alone(site: Site, script: Callable[..., Any]) -> None:
    """As the workers of a DataLoader: they log, raise and exit, and the run is the parent's."""
    process = script(
        "import os\n"
        "for worker in range(3):\n"
        "    if os.fork() == 0:\n"
        "        run.log(step=999, loss=999)\n"
        "        run.end('failed')\n"
        "        sys.exit(0)\n"  # runs atexit
        "for worker in range(3): os.wait()\n"
        "run.log(step=100, loss=100)"
    )
    _out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert (said.count("was forked"), "send-run" in said) == (3, False)
    assert [step for step, _ in site.series["loss"]] == list(range(101))
    assert [one["state"] for one in site.ended] == ["finished"]
