"""Log folders on their way to the site, over real HTTP: nothing twice, nothing lost, and no end that nobody knows of."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from countersign import Client
from countersign.importing.tensorboard import LogFolder, sending
from countersign.importing.tensorboard.log_folder import alone_in
from countersign.tracking.api import team_id
from countersign.transport import Unreachable
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.conftest import Import, curve, one
from tests.countersign.importing.tensorboard.writer import BEGUN, add, blob, record, scalar, scalars, write
from tracking.models import TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert import_logs("--json").json["taken"] == {"runs": 1}
    add(path, scalars("loss", [1.0], first=2), scalar("other", 1, 1))
    write(logs, scalars("loss", [0.5], first=3), name="events.out.tfevents.1700000001.host.1.0")
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 3}
    assert curve(one()) == ([0, 1, 2, 3], [3.0, 2.0, 1.0, 0.5])
    assert one().ended_at.timestamp() == BEGUN + 3


def test_the_bar_counts_what_was_sent_before(signed_in: None, logs: Path) -> None:
    path = write(logs, scalars("loss", [3.0, 2.0]))
    for grown in (b"", scalar("loss", 2, 1)):
        add(path, grown)
        client, told = Client(), list[int]()
        folder = LogFolder(client, logs, team=team_id(client))
        folder.send(told.append)
        assert sum(told) == folder.size() == path.stat().st_size


def test_a_folder_that_was_moved_is_the_same_run(logs: Path, import_logs: Import, command: Any, machine: Path) -> None:
    write(logs / "a", scalars("loss", [1.0]))
    import_logs()
    (machine / "elsewhere").mkdir()
    (logs / "a").rename(machine / "elsewhere" / "a")
    said = command("import", "tensorboard", str(machine / "elsewhere" / "a"), "--json")
    assert said.json["taken"] == {"runs": 1}
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


@pytest.mark.parametrize(
    ("kept", "at_once"), [*((kept, 400) for kept in range(1, 12)), *((kept, 1 << 20) for kept in range(2, 7))]
)
def test_an_import_that_is_killed_anywhere_goes_on_where_it_was(
    logs: Path, import_logs: Import, monkeypatch: Any, kept: int, at_once: int
) -> None:
    """Each reading goes in several batches here; meanwhile the file grows."""
    monkeypatch.setattr(sending, "CURVES", 2)
    monkeypatch.setattr("countersign.importing.tensorboard.records.AT_ONCE", at_once)
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
    assert (before.name, after.name) == ("logs", "logs from step 3")
    assert (after.state, curve(after)) == ("finished", ([0, 1, 2, 3, 4], [1.0, 1.0, 1.0, 2.0, 2.0]))
    add(path, scalars("loss", [3.0], first=5))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 1}
    assert curve(after)[0] == [0, 1, 2, 3, 4, 5]
    assert TrainingRun.objects.count() == 2
