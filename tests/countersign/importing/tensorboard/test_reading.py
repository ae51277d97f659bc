"""Event files are read completely, and what cannot be read is named."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path

import pytest

from countersign.importing.tensorboard import checksums
from countersign.importing.tensorboard.events import Points
from countersign.importing.tensorboard.folders import RunFolder
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.writer import BEGUN, add, blob, number, record, scalar, scalars, single, write


def read(folder: Path | RunFolder) -> dict[str, Points]:
    """All curves of a folder, or what is new in one that was read before."""
    run = RunFolder(folder, "") if isinstance(folder, Path) else folder
    found: dict[str, Points] = {}
    for batch in run.batches(run.look()):
        for tag, points in batch.curves.items():
            held = found.setdefault(tag, Points())
            held.steps += points.steps
            held.values += points.values
            held.times += points.times
    return found


# -- checksums -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 7, 60, 255, 256, 257, 511, 512, 513, 1000, 5001])
def test_a_checksum_is_the_one_of_the_polynomial(size: int) -> None:
    data = os.urandom(size)
    assert checksums.masked(data) == int.from_bytes(writer.masked(data), "little")


@pytest.mark.parametrize("rows", [1, 11, 12, 50])
@pytest.mark.parametrize("size", [0, 1, 12, 57, 256, 300])
def test_of_many_records_exactly_the_changed_ones_are_damaged(rows: int, size: int) -> None:
    made = [data + writer.masked(data) for data in (os.urandom(size) for _ in range(rows))]
    assert checksums.damaged(made) == []
    changed = {0, rows // 2, rows - 1}
    for place in changed:
        bit = 1 << (place * 7 + size) % (8 * (size + 4))
        made[place] = (int.from_bytes(made[place], "little") ^ bit).to_bytes(size + 4, "little")
    assert checksums.damaged(made) == sorted(changed)


# -- scalars -------------------------------------------------------------------------------------------------------------


def test_every_point_is_read_with_its_step_value_and_time(tmp_path: Path) -> None:
    """Nothing is sampled: TensorBoard's own reader keeps 10,000 points of a curve unless it is told otherwise."""
    values = [1 / (1 + step) for step in range(20_000)]
    write(tmp_path, scalars("train/loss", values))
    found = read(tmp_path)
    assert found["train/loss"].steps == list(range(20_000))
    assert found["train/loss"].values == [struct.unpack("<f", struct.pack("<f", value))[0] for value in values]
    assert found["train/loss"].times == [round((BEGUN + step) * 1000) for step in range(20_000)]


def test_steps_of_every_size_are_read(tmp_path: Path) -> None:
    steps = [0, 1, 127, 128, 129, 16383, 16384, 2**21, 2**31, 2**32 + 5, 2**53, 2**63 - 1, -1, -(2**63)]
    write(tmp_path, *(scalar("a", step, place, time=BEGUN) for place, step in enumerate([*steps, *steps])))
    assert read(tmp_path)["a"].steps == [*steps, *steps]


def test_nan_and_infinities_are_points(tmp_path: Path) -> None:
    write(tmp_path, scalars("loss", [math.nan, math.inf, -math.inf, -0.0]))
    found = read(tmp_path)["loss"].values
    assert [str(value) for value in found] == ["nan", "inf", "-inf", "-0.0"]


def test_milliseconds_are_rounded(tmp_path: Path) -> None:
    write(tmp_path, *(scalar("a", 1, 0, time=BEGUN + part) for part in (0.0004, 0.0006, 0.9999)))
    assert read(tmp_path)["a"].times == [1_700_000_000_000, 1_700_000_000_001, 1_700_000_001_000]


def test_several_values_of_one_event_are_several_points(tmp_path: Path) -> None:
    both = writer.summary(blob(1, "a") + single(2, 1.5), blob(1, "b") + single(2, 2.5))
    write(tmp_path, record(writer.event(both, step=4)), scalar("a", 5, 3.5))
    found = read(tmp_path)
    assert (found["a"].steps, found["a"].values, found["b"].values) == ([4, 5], [1.5, 3.5], [2.5])


def test_a_step_that_is_written_twice_is_the_last_of_them(tmp_path: Path) -> None:
    """The shape of such an event is not taken for that of others."""
    odd = record(writer.event(writer.summary(blob(1, "a") + single(2, 1)), number(2, 9), step=300))
    write(tmp_path, odd, odd, scalar("a", 300, 1))
    assert read(tmp_path)["a"].steps == [9, 9, 300]


def test_an_event_with_a_field_behind_its_value_is_read_in_full(tmp_path: Path) -> None:
    odd = writer.summary(blob(1, "a") + single(2, 1.0) + single(2, 2.0))
    write(tmp_path, *(record(writer.event(odd, step=step)) for step in (1, 2, 3)))
    assert read(tmp_path)["a"].values == [2.0, 2.0, 2.0]


def test_bytes_that_look_like_the_value_are_not_taken_for_it(tmp_path: Path) -> None:
    """The same four bytes stand behind the value, and change there."""
    zero = blob(4, struct.pack("<f", 0.0))
    contents = [struct.pack("<f", number) for number in (0.0, 7.0, 8.0)]
    metadata = [writer.plugin("scalars", content) for content in contents]
    write(tmp_path, *(writer.tensor("a", step, 1, zero, metadata=about) for step, about in enumerate(metadata, 1)))
    assert read(tmp_path)["a"].values == [0.0, 0.0, 0.0]


# -- tensors -------------------------------------------------------------------------------------------------------------

HALF, BFLOAT = struct.unpack("<H", struct.pack("<e", -0.375))[0], 0xBEC0  # of -0.375


@pytest.mark.parametrize(
    ("dtype", "part", "expected"),
    [
        (1, blob(4, struct.pack("<f", 0.25)), 0.25),
        (1, blob(5, struct.pack("<f", 0.25)), 0.25),
        (1, single(5, 0.25), 0.25),
        (2, blob(4, struct.pack("<d", 0.1)), 0.1),
        (2, blob(6, struct.pack("<d", 0.1)), 0.1),
        (2, writer.double(6, 0.1), 0.1),
        (3, blob(4, struct.pack("<i", -7)), -7),
        (3, number(7, -7), -7),
        (3, blob(7, writer.varint(-7)), -7),
        (4, blob(4, b"\xff"), 255),
        (5, blob(4, struct.pack("<h", -300)), -300),
        (6, blob(4, b"\xff"), -1),
        (9, blob(4, struct.pack("<q", -(2**40))), -(2**40)),
        (9, number(10, 2**40), 2**40),
        (10, blob(4, b"\x01"), 1),
        (10, number(11, 1), 1),
        (14, blob(4, struct.pack("<H", BFLOAT)), -0.375),
        (14, number(13, BFLOAT), -0.375),
        (17, blob(4, struct.pack("<H", 65535)), 65535),
        (19, blob(4, struct.pack("<e", -0.375)), -0.375),
        (19, number(13, HALF), -0.375),
        (22, blob(4, struct.pack("<I", 2**32 - 1)), 2**32 - 1),
        (22, number(16, 2**32 - 1), 2**32 - 1),
        (23, blob(4, struct.pack("<Q", 2**63)), 2**63),
        (23, number(17, 2**63), 2**63),
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_tensor_of_one_number_is_a_scalar(
    tmp_path: Path, dtype: int, part: bytes, expected: float, shape: tuple[int, ...]
) -> None:
    write(tmp_path, writer.tensor("a", 3, dtype, part, shape=shape, metadata=writer.plugin("scalars")))
    found = read(tmp_path)["a"]
    assert (found.steps, found.values) == ([3], [expected])


def test_only_the_first_event_of_a_curve_says_what_it_is(tmp_path: Path) -> None:
    number_of = blob(4, struct.pack("<f", 0.5))
    write(
        tmp_path,
        writer.tensor("a", 1, 1, number_of, metadata=writer.plugin("scalars")),
        writer.tensor("a", 2, 1, number_of),
        writer.tensor("other", 1, 1, number_of, metadata=writer.plugin("mine")),
        writer.tensor("other", 2, 1, number_of),
        writer.tensor("classed", 1, 1, number_of, metadata=writer.plugin("mine", data_class=1)),
        writer.tensor("bare", 1, 1, number_of),
    )
    run = RunFolder(tmp_path, "")
    assert {tag: points.steps for tag, points in read(run).items()} == {"a": [1, 2], "classed": [1], "bare": [1]}
    assert run.events.left_out == {"tensor of mine": 2}


def test_what_is_no_scalar_is_counted_by_what_it_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        record(writer.event(writer.summary(blob(1, "i") + blob(4, b"")))),
        record(writer.event(writer.summary(blob(1, "h") + blob(5, b""), blob(1, "au") + blob(6, b"")))),
        record(writer.event(blob(4, b"graph"))),
        writer.tensor("t", 1, 7, blob(8, "words"), metadata=writer.plugin("text")),
        writer.tensor("p", 1, 1, blob(4, bytes(24)), shape=(6,), metadata=writer.plugin("pr_curves")),
        writer.tensor("c", 1, 8, blob(4, bytes(8))),
        scalar("a", 1, 1),
    )
    run = RunFolder(tmp_path, "")
    assert list(read(run)) == ["a"]
    kinds = ["image", "histogram", "audio clip", "graph", "text", "tensor of pr_curves", "tensor"]
    assert run.events.left_out == dict.fromkeys(kinds, 1)


# -- hparams, ends -------------------------------------------------------------------------------------------------------


def test_hparams_become_parameters(tmp_path: Path) -> None:
    given = {"lr": 0.1, "batch": 32, "optimiser": "adam", "nesterov": True, "odd": math.inf, "nothing": None}
    write(tmp_path, writer.hparams(given), writer.hparams({"lr": 0.2, "more": "x"}))
    run = RunFolder(tmp_path, "")
    read(run)
    assert run.events.params == {"lr": 0.1, "batch": 32, "optimiser": "adam", "nesterov": True, "odd": "inf", "more": "x"}
    assert run.events.other_params == 2  # no value; another value than before


@pytest.mark.parametrize(
    ("records", "ended"),
    [
        ([scalar("a", 1, 1), writer.stop(1)], "finished"),
        ([scalar("a", 1, 1), writer.hparams_end(1)], "finished"),
        ([scalar("a", 1, 1), writer.hparams_end(2)], "failed"),
        ([scalar("a", 1, 1), writer.hparams_end(3)], ""),
        ([writer.hparams_end(1), scalar("a", 1, 1)], ""),
        ([scalar("a", 1, 1), writer.stop(1), writer.start(2)], ""),
        ([scalar("a", 1, 1)], ""),
    ],
)
def test_a_run_has_ended_where_its_last_event_says_so(tmp_path: Path, records: list[bytes], ended: str) -> None:
    write(tmp_path, *records)
    run = RunFolder(tmp_path, "")
    read(run)
    assert run.events.ended == ended


def test_an_end_is_taken_back_by_what_follows(tmp_path: Path) -> None:
    path = write(tmp_path, scalar("a", 1, 1), writer.stop(1))
    run = RunFolder(tmp_path, "")
    read(run)
    add(path, scalar("a", 2, 1))
    read(run)
    assert run.events.ended == ""
