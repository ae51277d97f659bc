"""Log folders on their way to the site, over real HTTP: nothing twice, nothing lost, and no end that nobody knows of."""

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
from countersign.importing.tensorboard import LogFolder, sending
from countersign.importing.tensorboard.log_folder import alone_in
from countersign.tracking import api
from countersign.transport import Unreachable
from tests.countersign.conftest import Said
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.writer import BEGUN, add, blob, record, scalar, scalars, single, write
from tracking import services
from tracking.models import TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[4]
Import = Callable[..., Said]


@pytest.fixture
def logs(machine: Path) -> Path:
    return machine / "logs"


@pytest.fixture(autouse=True)
def signed_in(site: str, scientist: Any, key_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))


@pytest.fixture
def import_logs(command: Callable[..., Said], logs: Path) -> Import:
    return lambda *words: command("import", "tensorboard", str(logs), *words)


def one(**which: Any) -> TrainingRun:
    return TrainingRun.objects.get(**which)


def curve(run: TrainingRun, name: str = "loss") -> tuple[list[int], list[float]]:
    points = run.series.get(name=name).points()
    return points.steps.tolist(), points.values.tolist()


# -- what comes in -------------------------------------------------------------------------------------------------------


def test_a_folder_comes_in_with_its_curves_parameters_and_times(logs: Path, import_logs: Import) -> None:
    write(logs, writer.hparams({"lr": 0.1, "layers": 3, "optimiser": "adam"}), scalars("loss", [3.0, 2.0, math.nan]))
    write(logs / "eval", scalars("accuracy", [0.5]))
    said = import_logs("--experiment", "digits", "--json")
    assert (said.code, said.json["taken"]) == (0, {"runs": 2, "points": 4})
    run, child = one(name="logs"), one(name="eval")
    assert run.params == {"lr": 0.1, "layers": 3, "optimiser": "adam"}
    assert (run.origin, run.experiment.name, run.state) == ("import", "digits", "finished")
    assert (run.started_at.timestamp(), run.ended_at.timestamp()) == (BEGUN, BEGUN + 2)
    assert (child.parent, child.experiment) == (run, run.experiment)
    points = run.series.get(name="loss").points()
    assert points.steps.tolist() == [0, 1, 2]
    assert points.times.tolist() == [int((BEGUN + step) * 1000) for step in range(3)]
    assert points.values.tolist()[:2] == [3.0, 2.0]
    assert run.series.get(name="loss").not_finite == 1


def test_the_name_that_is_given_stands_before_those_of_the_folders(logs: Path, import_logs: Import) -> None:
    write(logs, scalar("a", 1, 1))
    write(logs / "eval" / "deep", scalar("a", 1, 1))
    assert import_logs("--name", "digits").code == 0
    assert set(TrainingRun.objects.values_list("name", flat=True)) == {"digits", "digits/eval/deep"}


def test_importing_again_sends_only_what_is_new(logs: Path, import_logs: Import) -> None:
    path = write(logs, scalars("loss", [3.0, 2.0]))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 2}
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 0}
    add(path, scalars("loss", [1.0], first=2), scalar("other", 1, 1))
    write(logs, scalars("loss", [0.5], first=3), name="events.out.tfevents.1700000001.host.1.0")
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 3}
    assert curve(one()) == ([0, 1, 2, 3], [3.0, 2.0, 1.0, 0.5])
    assert one().ended_at.timestamp() == BEGUN + 3


def test_a_folder_that_was_moved_is_the_same_run(logs: Path, import_logs: Import, command: Any, machine: Path) -> None:
    write(logs / "a", scalars("loss", [1.0]))
    import_logs()
    (machine / "elsewhere").mkdir()
    (logs / "a").rename(machine / "elsewhere" / "a")
    said = command("import", "tensorboard", str(machine / "elsewhere" / "a"), "--json")
    assert said.json["taken"] == {"runs": 1, "points": 0}
    assert TrainingRun.objects.count() == 1


def test_what_is_left_out_is_said_with_the_reason(logs: Path, import_logs: Import) -> None:
    image = record(writer.event(writer.summary(blob(1, "i") + blob(4, b""))))
    path = write(logs, image, image, *(scalar("loss", step, 1) for step in range(3)))
    data = bytearray(path.read_bytes())
    data[-len(scalar("loss", 2, 1)) - 10] ^= 1
    path.write_bytes(data)
    said = import_logs("--json")
    assert said.code == 1
    whys = {(left["what"], left["why"]) for left in said.json["skipped"]}
    assert whys == {("image", "only scalars are curves"), ("record", "it does not match its checksum")}
    assert curve(one()) == ([0, 2], [1.0, 1.0])


def test_a_file_that_cannot_be_read_further_is_named_and_its_run_is_not_called_finished(logs: Path, import_logs: Import) -> None:
    path = write(logs, scalars("loss", [1.0]))
    add(path, bytes(12), scalars("loss", [2.0], first=1))
    said = import_logs("--json")
    assert said.code == 1
    assert "nothing can be read from byte" in said.json["skipped"][0]["why"]
    assert one().state == "killed"


# -- nothing twice, nothing lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False])
def test_a_lost_answer_adds_nothing_twice(logs: Path, import_logs: Import, monkeypatch: Any, kept: bool) -> None:
    """The site had the batch, or had not: the client cannot know, and sends it again."""
    monkeypatch.setattr("countersign.cli.tensorboard.PAUSES", (0.01,) * 20)
    monkeypatch.setattr("countersign.importing.tensorboard.records.AT_ONCE", 300)
    call, calls = Client.call, []

    def lossy(self: Client, method: str, address: str, **options: Any) -> Any:
        calls.append(address)
        lost = address.endswith("/log/") and len(calls) % 2 == 0
        if lost and not kept:
            raise Unreachable("The connection broke off.")
        answer = call(self, method, address, **options)
        if lost:
            raise Unreachable("The connection broke off.")
        return answer

    monkeypatch.setattr(Client, "call", lossy)
    write(logs, scalars("loss", [float(step) for step in range(30)]))
    assert import_logs().code == 0
    assert curve(one()) == (list(range(30)), [float(step) for step in range(30)])


@pytest.mark.parametrize("kept", range(1, 12))
def test_an_import_that_is_killed_anywhere_goes_on_where_it_was(
    logs: Path, import_logs: Import, monkeypatch: Any, kept: int
) -> None:
    """Each reading goes in several batches here; meanwhile the file grows."""
    monkeypatch.setattr(sending, "CURVES", 2)
    monkeypatch.setattr("countersign.importing.tensorboard.records.AT_ONCE", 400)
    call, calls = Client.call, []

    def dying(self: Client, method: str, address: str, **options: Any) -> Any:
        calls.append(address)
        if len(calls) > kept:
            raise KeyboardInterrupt
        return call(self, method, address, **options)

    path = write(logs, *(scalar(tag, step, step) for step in range(6) for tag in "abcde"))
    with monkeypatch.context() as context:
        context.setattr(Client, "call", dying)
        assert import_logs().code == 130
    add(path, *(scalar(tag, step, step) for step in range(6, 9) for tag in "abcde"))
    assert import_logs().code == 0
    for tag in "abcde":
        assert curve(one(), tag) == (list(range(9)), [float(step) for step in range(9)])


def test_two_imports_of_one_folder_do_not_run_at_once(logs: Path, import_logs: Import) -> None:
    write(logs, scalar("loss", 1, 1))
    with alone_in(logs):
        said = import_logs()
    assert (said.code, "Another import of" in said.err) == (64, True)
    assert import_logs().code == 0


# -- restarts ------------------------------------------------------------------------------------------------------------


def test_points_that_a_restart_superseded_are_left_out_and_counted(logs: Path, import_logs: Import) -> None:
    write(logs, scalars("loss", [1.0] * 5), writer.start(3), scalars("loss", [2.0] * 2, first=3))
    said = import_logs("--json")
    assert (said.code, "2 points were left out that a restarted training has written anew" in said.json["notes"][0]) == (0, True)
    assert curve(one()) == ([0, 1, 2, 3, 4], [1.0, 1.0, 1.0, 2.0, 2.0])


def test_a_restart_after_points_were_sent_begins_a_run_of_its_own(logs: Path, import_logs: Import) -> None:
    """What was reported is not taken back: the run so far was broken off, and another holds the curve as it is now."""
    path = write(logs, scalars("loss", [1.0] * 5))
    import_logs()
    add(path, writer.start(3), scalars("loss", [2.0] * 2, first=3))
    said = import_logs("--json")
    assert any("restarted at step 3" in note for note in said.json["notes"])
    before, after = TrainingRun.objects.order_by("created_at")
    assert (before.state, curve(before)) == ("finished", ([0, 1, 2, 3, 4], [1.0] * 5))
    assert (after.state, curve(after)) == ("finished", ([0, 1, 2, 3, 4], [1.0, 1.0, 1.0, 2.0, 2.0]))
    add(path, scalars("loss", [3.0], first=5))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 1}
    assert curve(after)[0] == [0, 1, 2, 3, 4, 5]
    assert TrainingRun.objects.count() == 2


# -- ends ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "cut", "state", "how"),
    [
        ([writer.stop(1)], 0, "finished", "its last event says so"),
        ([writer.hparams_end(2)], 0, "failed", "its last event says so"),
        ([], 0, "finished", "no further event came; none says so"),
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


# -- what the site does not take -----------------------------------------------------------------------------------------


def test_names_and_numbers_that_the_site_refuses_do_not_hold_up_the_others(
    logs: Path, import_logs: Import, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sending, "MOST_CURVES", 6)
    odd = ["", " ", "nul\0", "x" * 251, "a/../b", "../../etc", "“quoted” \u202e", "x" * 250, "plain"]
    params = writer.hparams({"a" * 300_000: 1, "nul\0": 1, "lr": 0.5, "text": "x" * 300_000})
    write(
        logs,
        params,
        *(scalar(tag, 1, 1) for tag in odd),
        scalar("plain", 2**60, 1, time=BEGUN),
        scalar("late", 1, 1),
        scalar("later", 1, 1),
    )
    said = import_logs("--json")
    assert said.code == 1
    kept = {"a/../b", "../../etc", "“quoted” \u202e", "x" * 250, "plain", "late"}
    assert set(one().series.values_list("name", flat=True)) == kept
    assert one().params == {"lr": 0.5}
    assert {left["why"] for left in said.json["skipped"]} == {
        "its name is empty, too long or holds signs that cannot be kept",
        "its step has more than 53 bits",
        "a run has at most 6 curves",
        "the parameters of a run are too large together, or hold signs that cannot be kept",
    }
    plain = import_logs()
    assert "\u202e" not in plain.out


def test_a_run_that_is_fixed_is_named_and_the_others_come_in(
    logs: Path, import_logs: Import, scientist: Any, machine: Path
) -> None:
    from ledger.acts import act  # noqa: PLC0415 - only this test

    path = write(logs / "a", scalars("loss", [1.0]))
    import_logs()
    with act(scientist) as this:
        services.fix_run(one(), within=this)
    add(path, scalars("loss", [2.0], first=1))
    write(logs / "b", scalars("loss", [1.0]))
    said = import_logs("--json")
    assert (said.code, said.json["taken"]["points"]) == (1, 1)
    assert [(left["name"], "fixed" in left["why"]) for left in said.json["skipped"]] == [("a", True)]
    assert curve(one(name="a")) == ([0], [1.0])


def test_many_curves_of_one_event_go_in_parts(logs: Path, import_logs: Import) -> None:
    values = [blob(1, f"tag{place}") + single(2, place) for place in range(1_200)]
    write(logs, *(record(writer.event(writer.summary(*values), step=step)) for step in range(2)))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 2_400}
    assert one().series.count() == 1_200


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["absent"], 64, "There is no folder absent."),
        (["empty"], 64, "No event file lies in empty"),
        (["logs", "--team", "nobody's"], 64, "There is no team nobody's"),
        (["logs", "--until-idle", "1"], 64, "goes with --watch"),
        (["logs", "--watch", "--until-idle", "-1"], 64, "seconds above 0"),
        (["logs", "--ended-after", "soon"], 64, "--ended-after"),
    ],
)
def test_wrong_use_is_a_sentence(logs: Path, machine: Path, command: Any, words: list[str], code: int, sentence: str) -> None:
    write(logs, scalar("a", 1, 1))
    (machine / "empty").mkdir()
    said = command("import", "tensorboard", *words)
    assert (said.code, said.err.count("\n")) == (code, 0)
    assert sentence in said.err
    assert TrainingRun.objects.count() == 0


def test_a_wrong_key_takes_nothing(logs: Path, import_logs: Import, monkeypatch: Any) -> None:
    write(logs, scalar("a", 1, 1))
    monkeypatch.setenv("COUNTERSIGN_KEY", "cs" + "0" * 40)
    assert import_logs().code == 1


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
