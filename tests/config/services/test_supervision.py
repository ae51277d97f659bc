"""Nothing stays behind, whoever is killed; what ends by itself comes back, after pauses that grow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.services import processes, site, supervisor
from config.services.identity import caller
from config.services.site import Part, Sizes
from config.services.supervisor import Signals, Stop, Supervisor
from config.setup.problem import Problem

PROJECT = Path(__file__).resolve().parents[3]
WAIT = 300.0  # a busy host takes long, and nothing is asserted about time


def until(condition: Callable[[], object], *, seconds: float = WAIT) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def signals() -> Iterator[Signals]:
    """The handlers of this process are put back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Signals()
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def make_supervisor(data, signals) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(**programs: str) -> Supervisor:
        parts = [
            Part(name, (sys.executable, "-S", "-c", program), {}, ((signal.SIGTERM, 2.0),), signal.SIGKILL)
            for name, program in programs.items()
        ]
        found = Supervisor(parts, data=data, identity=caller(), variables=dict(os.environ), signals=signals)
        made.append(found)
        return found

    yield make
    for each in made:
        each.stop()


# -- the whole tree, killed from outside -----------------------------------------------------------------------------------

TREE = """
import os, signal, subprocess, sys, time
sys.path.insert(0, {project!r})
from pathlib import Path
from config.services import processes
from config.services.guard import guarded
from config.services.identity import caller

def program():
    # A child that has left its group and whose parent ends at once: only the guard can find it.
    stray = "import subprocess; print(subprocess.Popen(['/bin/sleep', '900'], start_new_session=True).pid, flush=True)"
    subprocess.run([sys.executable, "-S", "-c", stray], stdout=open({out!r}, "a"))
    child = processes.start(
        [sys.executable, "-S", "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(900)"],
        log=Path({out!r} + ".log"), identity=caller(), environment={{}}, cwd=Path("/"), death_signal=signal.SIGKILL)
    with open({out!r}, "a") as out:
        print(child.pid, os.getpid(), file=out, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(900)
    return 0

sys.exit(guarded(program))
"""


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Iterator[tuple[subprocess.Popen, list[int]]]:
    """A guard, its supervisor, a child and a stray grandchild: (guard, [stray, child, supervisor])."""
    out = tmp_path / "pids"
    program = TREE.format(project=str(PROJECT), out=str(out)).replace("GRACE", "GRACE")
    guard = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    assert until(lambda: out.exists() and len(out.read_text().split()) == 3)
    pids = [int(word) for word in out.read_text().split()]
    assert all(alive(pid) for pid in pids)
    yield guard, pids
    for pid in (*pids, guard.pid):
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    guard.wait()


def test_when_the_supervisor_is_killed_the_guard_ends_what_it_left(tree):
    guard, pids = tree
    os.kill(pids[2], signal.SIGKILL)
    assert guard.wait(timeout=WAIT) == 128 + signal.SIGKILL
    assert [pid for pid in pids if alive(pid)] == []


def test_when_the_guard_is_killed_the_supervisor_ends_and_its_children_with_it(tree):
    guard, pids = tree
    guard.kill()
    assert until(lambda: not alive(pids[2]))
    assert until(lambda: not alive(pids[1]))


def test_when_both_are_killed_the_kernel_ends_the_children(tree):
    guard, pids = tree
    os.killpg(guard.pid, signal.SIGKILL)
    assert until(lambda: not alive(pids[1]))


def test_a_signal_to_the_first_process_alone_ends_all(tree):
    guard, pids = tree
    guard.send_signal(signal.SIGINT)
    assert guard.wait(timeout=WAIT) is not None
    assert [pid for pid in pids if alive(pid)] == []


# -- parts -----------------------------------------------------------------------------------------------------------------


def test_a_part_that_ends_comes_back_after_pauses_that_grow(make_supervisor, monkeypatch, capsys):
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    watched = make_supervisor(brief="import sys; sys.exit(3)", steady="import time; time.sleep(900)")
    watched.all[0].pause = 0.01
    watched.start()
    first = watched.all[1].process
    watched.watch(until=lambda: capsys_lines(capsys, seen).count("brief runs again") >= 3)
    told = "\n".join(seen)
    assert "brief ended by itself (code 3); it starts again in 0 s. Its log:" in told
    assert watched.all[0].pause >= 0.08
    assert watched.all[1].process is first
    seen.clear()


seen: list[str] = []


def capsys_lines(capsys, kept: list[str]) -> list[str]:
    kept += [line.split("  ", 1)[-1] for line in capsys.readouterr().out.splitlines()]
    return kept


def test_a_part_that_does_not_start_is_told_with_its_last_words(make_supervisor):
    watched = make_supervisor(web="import sys; sys.exit('no such module')")
    watched.start()
    with pytest.raises(Problem, match=r"web did not start \(no such module\); its log is .*web.log"):
        watched.await_answer(1)


def test_stopping_asks_first_and_kills_what_does_not_hear(make_supervisor, data):
    polite = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', flush=True)));"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    ready = "print('ready', flush=True); time.sleep(900)"
    watched = make_supervisor(polite=polite + ready, deaf=deaf + ready)
    watched.start()
    assert until(lambda: all("ready" in watched.log(running.part).read_text() for running in watched.all))
    pids = [running.process.pid for running in watched.all]
    watched.stop()
    assert "bye" in (data / "logs" / "polite.log").read_text()
    assert [pid for pid in pids if alive(pid)] == []


def test_a_lost_server_ends_the_site_with_a_sentence(make_supervisor):
    with pytest.raises(Problem, match="PostgreSQL has ended by itself"):
        make_supervisor().watch(lost=lambda: "PostgreSQL")


def test_ctrl_c_asks_for_the_end_and_a_terminals_echo_counts_once(signals):
    signals.check()
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stop):
        signals.check()
    assert not signals.hurry
    signals.asked -= 2
    os.kill(os.getpid(), signal.SIGINT)
    assert signals.hurry


def test_a_question_ends_at_once(signals):
    with pytest.raises(Stop), signals.at_a_prompt():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        pytest.fail("it went on")


def test_logs_do_not_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT", 10)
    log = tmp_path / "part.log"
    log.write_text("x" * 11)
    started = processes.start(
        ["/bin/echo", "new"], log=log, identity=caller(), environment={}, cwd=tmp_path, death_signal=signal.SIGKILL
    )
    assert until(lambda: processes.has_ended(started))
    assert processes.end_group(started) == 0
    assert (log.read_text(), (tmp_path / "part.log.1").read_text()) == ("new\n", "x" * 11)


# -- sizes and variables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cores", "gigabytes"), [(1, 2), (2, 8), (2, 24), (8, 16), (64, 256)])
def test_evaluations_never_ask_for_more_than_the_host_has(cores, gigabytes):
    sizes = Sizes.fitting(cores=cores, memory=gigabytes * 2**30)
    assert 1 <= sizes.evaluations <= cores  # one thread each
    assert sizes.evaluations == 1 or sizes.evaluations * site.EVALUATION_MEMORY <= gigabytes * 2**30
    assert sizes.web_processes >= 1


def test_each_part_computes_on_one_thread_and_logs_to_a_file_of_its_own(tmp_path):
    parts = site.parts(data=tmp_path, port=8000, sizes=Sizes.fitting(cores=4, memory=2**35))
    assert [part.name for part in parts] == ["web", "evaluations", "reports", "clock"]
    assert {part.variables["OMP_NUM_THREADS"] for part in parts} == {"1"}
    served = [part.command[part.command.index("-Q") + 1] for part in parts if "-Q" in part.command]
    assert sorted(",".join(map(str, served)).split(",")) == ["default", "evaluations", "reports"]
