"""Whatever stands in a file: never a crash, never a hang, memory in proportion, and always the same answer."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.importing.tensorboard.events import Events
from countersign.importing.tensorboard.folders import RunFolder
from countersign.importing.tensorboard.wire import Malformed, fields
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.test_reading import read
from tests.countersign.importing.tensorboard.writer import blob, record, scalar, scalars, single, write


def sample() -> list[bytes]:
    """Events of every kind that the reader looks into, without their frames."""
    framed = [
        scalars("train/loss", [1.5, 2.5, 3.5], first=1),
        writer.tensor("t", 300, 1, blob(4, struct.pack("<f", 0.5)), metadata=writer.plugin("scalars")),
        writer.tensor("d", 7, 2, blob(6, struct.pack("<d", 0.5)), shape=(1,)),
        writer.tensor("h", 7, 19, writer.number(13, 15360)),
        writer.start(2),
        writer.hparams({"lr": 0.1, "name": "x", "on": True, "none": None}),
        writer.hparams_end(1, 1.0),
        record(writer.event(writer.summary(blob(1, "a") + single(2, 1), blob(1, "b") + blob(4, b"image")), step=70_000)),
    ]
    data, events = b"".join(framed), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        events.append(data[12 : 12 + length])
        data = data[16 + length :]
    return events


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if place < len(changed):
                changed[place] = rng.choice([0, 1, 2, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            case 1:
                changed[place:place] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 4)))
            case 2:
                del changed[place : place + rng.randint(1, 4)]
            case _:
                changed[place:] = changed[place:] + changed[:place]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(40))
def test_changed_events_with_right_checksums_never_crash(tmp_path: Path, monkeypatch: Any, seed: int) -> None:
    """What was learned from one event about the next changes nothing: without it, the same points are read."""
    rng = random.Random(seed)  # noqa: S311 - the same mutations each time
    events = sample()
    write(tmp_path, *(record(rng.choice([event, mutated(rng, event)])) for event in rng.choices(events, k=60)))
    quick, slow = RunFolder(tmp_path, ""), RunFolder(tmp_path, "")
    found = read(quick)
    monkeypatch.setattr(Events, "_learn", lambda *_: None)
    expected = read(slow)
    assert repr(found) == repr(expected)  # NaN equals itself in words
    assert (quick.events.unreadable, quick.events.params) == (slow.events.unreadable, slow.events.params)


@pytest.mark.parametrize("seed", range(40))
def test_changed_files_never_crash(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - as above
    path = write(tmp_path, *map(record, sample()), scalars("a", [1.0] * 30))
    whole = path.read_bytes()
    for _ in range(5):
        path.write_bytes(mutated(rng, whole))
        run = RunFolder(tmp_path, "")
        read(run)
        file = run.files[path.name]
        assert file.offset <= path.stat().st_size
        assert file.stopped or file.broken_off or file.damaged or run.events.unreadable or file.offset == path.stat().st_size


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_an_event_or_are_not(data: bytes) -> None:
    events = Events()
    events.take([data + bytes(4)], [0])
    events.take([struct.pack("<Bd", 9, 1.0) + b"\x10" + data + bytes(4)], [0])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_are_not(data: bytes) -> None:
    try:
        assert all(key >= 0 for key, _value in fields(data))
    except Malformed:
        return


LONG, HUGE = 4 << 20, struct.pack("<Q", 1 << 60)
NOT_READ: dict[str, Callable[[Path], Path]] = {
    "zeros": lambda folder: _raw(folder, bytes(LONG)),
    "text": lambda folder: _raw(folder, b"no events " * (LONG // 10)),
    "one huge record": lambda folder: _raw(
        folder, struct.pack("<Q", 1 << 60) + writer.masked(struct.pack("<Q", 1 << 60)) + bytes(LONG)
    ),
    "varints without end": lambda folder: write(folder, *[record(b"\x80" * 5_000)] * 50),
    "fields in fields": lambda folder: write(folder, *[record(blob(5, blob(1, b"\x0a" * 2_000)))] * 50),
}


@pytest.mark.parametrize("kind", NOT_READ)
def test_memory_stays_small(tmp_path: Path, kind: str) -> None:
    path = NOT_READ[kind](tmp_path)
    tracemalloc.start()
    try:
        run = RunFolder(path.parent, "")
        assert read(run) == {}
        run.opening()
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_a_batch_holds_a_piece_of_the_file_however_long_it_is(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("countersign.importing.tensorboard.records.AT_ONCE", 4_000)
    write(tmp_path, *(scalar(f"tag{place}", 1, 1) for place in range(2_000)))
    run = RunFolder(tmp_path, "")
    sizes = [sum(map(len, batch.curves.values())) for batch in run.batches(run.look())]
    assert (sum(sizes), max(sizes) < 4_000 // 30) == (2_000, True)


def _raw(folder: Path, data: bytes) -> Path:
    path = folder / writer.NAME
    path.write_bytes(data)
    return path
