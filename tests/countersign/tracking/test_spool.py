"""What lies on disk until it is sent, and sending it later."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign import start_run
from countersign.tracking import api
from countersign.tracking import spool as spools_of
from countersign.tracking.spool import Spool, Unreadable, read
from tests.countersign.tracking.conftest import Site

START = {"writer": "w", "run": "", "facts": {"name": "n"}}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.make(tmp_path / "spool", START)
    yield made
    made.close()


def taken(spool: Spool) -> list[tuple[str, int]]:
    found = []
    while line := spool.first():
        found.append((line["kind"], line["number"]))
        spool.take()
    return found


def test_lines_come_out_in_their_order_with_their_numbers(spool: Spool) -> None:
    for step in range(3):
        assert spool.append("log", facts={"params": {"step": step}})
    assert taken(spool) == [("start", 0), ("log", 1), ("log", 2), ("log", 3)]
    assert spool.is_empty
    spool.append("end", facts={})
    assert taken(spool) == [("end", 4)]


def test_only_its_owner_reads_it(spool: Spool) -> None:
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((spool.folder / "run.jsonl").stat().st_mode) == 0o600


def test_what_was_sent_is_cleared_away_but_not_the_start(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools_of, "SENT", 100)
    for _ in range(10):
        spool.append("log", facts={"tags": {"a": "b" * 50}})
    taken(spool)
    assert [line["kind"] for line in read(spool.folder)] == ["start"]
    spool.append("end", facts={})
    assert taken(spool) == [("end", 11)]


def test_a_line_that_was_cut_off_is_left_out(spool: Spool) -> None:
    spool.append("log", facts={"tags": {"a": "b"}})
    spool.close()
    with (spool.folder / "run.jsonl").open("ab") as file:
        file.write(b'{"kind":"log","number":2,"fac')
    assert [line["number"] for line in read(spool.folder)] == [0, 1]
    opened = Spool.open(spool.folder)
    assert taken(opened) == [("start", 0), ("log", 1)]
    opened.close()


def test_half_a_line_never_stays_where_the_disk_is_full(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = spool._file

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

        def write(self, given: bytes) -> int:
            if len(given) < 20:
                raise OSError(28, "No space left on device")
            return whole.write(given[:-10])

    spool._file = Full()
    assert spool.append("log", facts={"tags": {"a": "b"}})
    assert [line["number"] for line in read(spool.folder)] == [0]
    spool._file = whole
    spool.append("end", facts={})
    assert taken(spool) == [("start", 0), ("log", 1), ("end", 2)]  # both from memory, and the order is kept
    spool.append("end", facts={})
    assert [line["number"] for line in read(spool.folder)] == [0, 3]


def test_a_spool_that_is_still_written_is_not_sent_by_another(spool: Spool) -> None:
    with pytest.raises(Unreadable, match="still being written"):
        Spool.open(spool.folder)
    spool.close()
    Spool.open(spool.folder).close()


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[1]\n", b"\xff\n", b'{"kind":"start","format":99,"number":0}\n', b"no"])
def test_what_is_no_spool_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.jsonl").write_bytes(content)
    with pytest.raises(Unreadable):
        Spool.open(tmp_path)
    with pytest.raises(Unreadable, match="no spool"):
        Spool.open(tmp_path / "absent")


def test_what_the_disk_did_not_take_is_bounded(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools_of, "HELD", 200)
    monkeypatch.setattr(spool, "_write", lambda line: (_ for _ in ()).throw(OSError(28, "full")))
    assert [spool.append("log", facts={"tags": {"a": "b"}}) for _ in range(10)].count(True) == 3


# -- sent later --------------------------------------------------------------------------------------------------------------


def left(site: Site, machine: Path, tmp_path: Path) -> Path:
    """The spool of a process whose site was away."""
    (machine / "model.bin").write_bytes(b"weights")
    site.die()
    run = start_run("late", capture=False, params={"lr": 0.1})
    run.log(step=1, loss=1.0)
    run.log_artifact("model.bin")
    run.end(wait=0)
    assert run._courier and run.spool
    spool = tmp_path / "copy"  # this process would send it itself; another one has ended
    while not (run.spool / "files" / "2").exists():
        pass
    spool.mkdir()
    for file in [path for path in run.spool.rglob("*") if path.is_file()]:
        target = spool / file.relative_to(run.spool)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    (machine / "model.bin").unlink()
    return spool


def test_a_spool_is_sent_by_the_command_and_is_gone(
    site: Site, machine: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    spool = left(site, machine, tmp_path)
    site.begin()
    done = command("send-run", str(spool))
    assert (done.code, done.err) == (0, "")
    assert f"The run late has arrived: {site.url}/runs/run-1/" in done.out
    assert (site.series["loss"], site.artifacts) == ([(1, 1.0)], {"model.bin": b"weights"})
    assert {one["state"] for one in site.ended} == {"finished"}
    assert not spool.exists()
    again = command("send-run", str(spool))
    assert (again.code, "is no spool" in again.err) == (64, True)


def test_a_spool_stays_whole_while_the_site_is_away_or_refuses(
    site: Site, machine: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    spool = left(site, machine, tmp_path)
    before = (spool / "run.jsonl").read_bytes()
    assert command("send-run", str(spool)).code == 69
    site.weather = lambda method, address: 401 if "log" in address else None
    site.begin()
    refused = command("send-run", str(spool), "--json")
    assert (refused.code, refused.json["error"]) == (1, "It is 401 today.")
    assert (spool / "run.jsonl").read_bytes() == before
    site.weather = lambda method, address: None
    assert command("send-run", str(spool)).code == 0
    assert (len(site.runs), site.series["loss"]) == (1, [(1, 1.0)])


def test_a_team_that_the_training_did_not_name_can_be_named_then(
    site: Site, machine: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    spool = left(site, machine, tmp_path)
    site.begin()
    refused = command("send-run", str(spool), "--team", "audio")
    assert (refused.code, "yours: vision" in refused.err) == (64, True)
    assert command("send-run", str(spool), "--team", "vision").code == 0


# -- nothing but a spool ---------------------------------------------------------------------------------------------------------


def test_offline_everything_is_written_and_nothing_is_asked(
    site: Site, machine: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_OFFLINE", str(machine / "out"))
    (machine / "model.bin").write_bytes(b"weights")
    with start_run("reproduced", capture=False, params={"lr": 0.1}) as run:
        for step in range(3):
            run.log(step=step, loss=step / 2)
        run.log_artifact("model.bin", "model/model.bin")
    (machine / "model.bin").unlink()
    (spool,) = spools_of.spools(machine / "out")
    start, points, artifact, end = read(spool)
    assert (start["facts"]["name"], start["facts"]["params"], start["format"]) == ("reproduced", {"lr": 0.1}, 1)
    steps, values, _times = api.points(points["facts"]["series"][0])
    assert (list(steps), list(values)) == ([0, 1, 2], [0.0, 0.5, 1.0])
    assert artifact["path"] == "model/model.bin"
    assert (spool / "files" / str(artifact["number"])).read_bytes() == b"weights"
    assert end["facts"]["state"] == "finished"
    assert (site.heard, said()) == ([], [])


def test_each_line_is_one_json_object(site: Site, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_OFFLINE", str(machine))
    with start_run(capture=False) as run:
        run.set_tags(note="two\nlines \ud800")
    (spool,) = spools_of.spools(machine)
    lines = (spool / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["start", "log", "end"]
