"""Files that are still written, damaged, or written by several sessions; and the folders that they lie in."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

from countersign.importing.tensorboard.events import Points
from countersign.importing.tensorboard.folders import RunFolder, run_folders
from countersign.importing.tensorboard.records import EventFile
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.test_reading import read
from tests.countersign.importing.tensorboard.writer import BEGUN, add, blob, record, scalar, scalars, single, write

# -- live tails and damage -----------------------------------------------------------------------------------------------


def test_a_file_cut_anywhere_gives_its_whole_records_and_the_rest_later(tmp_path: Path) -> None:
    whole = write(tmp_path, scalars("a", [1, 2, 3])).read_bytes()
    live = tmp_path / "live" / writer.NAME
    live.parent.mkdir()
    for cut in range(len(whole) + 1):
        live.write_bytes(whole[:cut])
        run = RunFolder(live.parent, "")
        first = read(run).get("a", Points()).values
        ends = [len(writer.version()) + sum(len(scalar("a", step, 0)) for step in range(count)) for count in range(4)]
        assert run.files[writer.NAME].broken_off == (cut not in {0, *ends})
        live.write_bytes(whole)
        assert first + read(run).get("a", Points()).values == [1, 2, 3]


def test_reading_goes_on_from_a_place_that_was_kept(tmp_path: Path) -> None:
    path = write(tmp_path, scalars("a", [1, 2]))
    run = RunFolder(tmp_path, "")
    read(run)
    add(path, scalars("a", [3, 4], first=2))
    later = RunFolder(tmp_path, "", read=run.read)
    assert read(later)["a"].values == [3, 4]
    assert read(later) == {}


def test_a_record_whose_data_are_damaged_is_left_out_and_named(tmp_path: Path) -> None:
    path = write(tmp_path, scalars("a", [1, 2, 3]))
    data = bytearray(path.read_bytes())
    begins = len(data) - 2 * len(scalar("a", 1, 1))
    data[begins + 20] ^= 1
    path.write_bytes(data)
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1, 3]
    file = run.files[path.name]
    assert (file.damaged, file.places, file.stopped) == (1, [begins], "")


def test_a_damaged_last_record_may_still_be_written(tmp_path: Path) -> None:
    path = write(tmp_path, scalars("a", [1, 2]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + bytes(10))
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1]
    assert (run.files[path.name].broken_off, run.files[path.name].damaged) == (True, 0)
    path.write_bytes(whole)
    assert read(run)["a"].values == [2]
    assert not run.files[path.name].broken_off


def test_a_damaged_length_ends_the_reading_with_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, scalars("a", [1, 2, 3]))
    data = bytearray(path.read_bytes())
    begins = len(data) - 2 * len(scalar("a", 1, 1))
    data[begins] ^= 1
    path.write_bytes(data)
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1]
    assert run.files[path.name].stopped == f"the length of the record at byte {begins:,} does not match its checksum"


def test_a_file_that_was_replaced_by_a_shorter_one_is_not_read_on(tmp_path: Path) -> None:
    path = write(tmp_path, scalars("a", [1, 2, 3]))
    run = RunFolder(tmp_path, "")
    read(run)
    path.write_bytes(writer.version())
    assert read(run) == {}
    assert "was it replaced" in run.files[path.name].stopped


def test_large_records_are_passed_over_and_larger_ones_than_a_piece_are_read(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("countersign.importing.tensorboard.records.AT_ONCE", 200)
    monkeypatch.setattr("countersign.importing.tensorboard.records.LARGEST", 5_000)
    path = write(tmp_path, scalar("a", 1, 1), record(writer.event(blob(4, bytes(1000)))), scalar("a", 2, 2))
    add(path, record(writer.event(blob(4, bytes(6000)))), scalar("a", 3, 3))
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1, 2, 3]
    assert (run.files[path.name].too_large, dict(run.events.left_out)) == (1, {"graph": 1})


def test_a_large_record_that_is_not_whole_yet_is_waited_for(tmp_path: Path) -> None:
    huge = struct.pack("<Q", 1 << 62)
    path = write(tmp_path, scalar("a", 1, 1), huge + writer.masked(huge) + bytes(100))
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1]
    assert run.files[path.name].broken_off


def test_what_is_no_event_is_counted(tmp_path: Path) -> None:
    bad = [b"\xff", b"\x0a\xff\xff", b"\x09abc", b"\x0b", writer.event(writer.summary(blob(1, b"\xff\xfe") + single(2, 1)))]
    bad += [writer.event(time=math.nan), writer.event(time=1e300), writer.event(time=-1)]
    write(tmp_path, *map(record, bad), scalar("a", 1, 1))
    run = RunFolder(tmp_path, "")
    assert read(run)["a"].values == [1]
    assert run.events.unreadable == len(bad)


def test_an_event_that_breaks_off_inside_leaves_nothing_behind(tmp_path: Path) -> None:
    half = writer.event(writer.summary(blob(1, "a") + single(2, 1), b"\x0a\xff"), step=1)
    write(tmp_path, record(half))
    assert read(tmp_path) == {}


# -- restarts ------------------------------------------------------------------------------------------------------------


def superseded(run: RunFolder) -> tuple[dict[str, list[int]], int]:
    steps: dict[str, list[int]] = {}
    left_out = 0
    for batch in run.batches(run.look()):
        left_out += batch.superseded
        for tag, points in batch.curves.items():
            steps.setdefault(tag, []).extend(points.steps)
    return steps, left_out


def test_a_session_that_starts_anew_supersedes_later_steps(tmp_path: Path) -> None:
    write(tmp_path, scalars("a", [1] * 6), scalars("b", [1] * 3), name="events.out.tfevents.1")
    write(tmp_path, writer.start(2), scalars("a", [2] * 3, first=2), name="events.out.tfevents.2")
    steps, left_out = superseded(RunFolder(tmp_path, ""))
    assert steps == {"a": [0, 1, 2, 3, 4], "b": [0, 1]}
    assert left_out == 5


def test_sessions_in_one_file_and_the_lowest_later_start_count(tmp_path: Path) -> None:
    write(tmp_path, scalars("a", [1] * 9), writer.start(6), scalars("a", [2] * 3, first=6), writer.start(4), scalar("a", 4, 3))
    steps, left_out = superseded(RunFolder(tmp_path, ""))
    assert (steps["a"], left_out) == ([0, 1, 2, 3, 4], 8)


def test_steps_that_go_back_without_a_new_session_are_all_kept(tmp_path: Path) -> None:
    write(tmp_path, scalars("a", [1] * 3), scalars("a", [2] * 2, first=1))
    assert superseded(RunFolder(tmp_path, "")) == ({"a": [0, 1, 2, 1, 2]}, 0)


# -- folders -------------------------------------------------------------------------------------------------------------


def test_each_folder_with_event_files_is_a_run(tmp_path: Path) -> None:
    for name in ("", "b/train", "b/val", "a"):
        write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no events")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    assert [run.name for run in run_folders(tmp_path)] == ["", "a", "b/train", "b/val"]


def test_no_link_out_of_the_folder_is_followed(tmp_path: Path) -> None:
    top, outside = tmp_path / "logs", tmp_path / "outside"
    write(top / "a")
    secret = write(outside / "deep", scalar("salary", 1, 1))
    (top / "all").symlink_to(tmp_path)  # not "/": who followed it would read this machine before the test could fail
    (top / "out").symlink_to("../outside")
    (top / "b").mkdir()
    (top / "b" / "events.out.tfevents.1").symlink_to(secret)
    (top / "a" / "events.out.tfevents.9").symlink_to(secret)
    left: set[str] = set()
    runs = run_folders(top, left=left)
    assert [run.name for run in runs] == ["a"]
    assert "events.out.tfevents.9" not in runs[0].look().ends
    assert left == {"all", "out", "b/events.out.tfevents.1", "a/events.out.tfevents.9"}


def test_a_folder_that_is_named_by_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a")
    (tmp_path / "logs").symlink_to("real")
    assert [run.name for run in run_folders(tmp_path / "logs")] == ["a"]


def test_a_run_is_named_by_what_it_holds_wherever_it_lies(tmp_path: Path) -> None:
    found = [
        RunFolder(write(tmp_path / place, scalar("a", 1, 1)).parent, "").opening() for place in ("x/run", "y/run", "x/other")
    ]
    names = [opening.source for opening in found]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("tensorboard:")
    assert found[0].time == BEGUN * 1000


def test_an_empty_file_names_nothing_yet(tmp_path: Path) -> None:
    for begun in (b"", writer.version()[:20]):
        (tmp_path / writer.NAME).write_bytes(begun)
        run = RunFolder(tmp_path, "")
        assert (run.opening(), read(run)) == (None, {})


def test_one_file_alone_can_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, scalar("a", 1, 1))
    rows, places = EventFile(path).read()
    assert (len(rows), places[0]) == (2, 0)
