"""A million scalars of an event file, read here and by TensorBoard's own EventAccumulator, which keeps all of them when asked to.

Both check every record's checksums and end with steps, values and times in memory. TensorBoard reads with the Python of its own
environment (`python -m config.setup.clients tensorboard`) and says how long it took, its imports left out.
"""

from __future__ import annotations

import json
import math
import statistics
import struct
import subprocess
import tempfile
from pathlib import Path

from benchmarks.results import Result, timed
from config.setup.clients import client
from countersign.importing.tensorboard.checksums import masked
from countersign.importing.tensorboard.folders import RunFolder

SCALARS, ROUNDS, LEAST = 1_000_000, 3, 2.0
TAGS = [b"train/loss", b"train/accuracy", b"val/loss", b"lr"]

THEIRS = """
import json, math, sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
begun = time.perf_counter()
read = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
read.Reload()
took = time.perf_counter() - begun
found = [one for tag in read.Tags()["scalars"] for one in read.Scalars(tag)]
print(json.dumps([took, len(found), math.fsum(one.step for one in found), math.fsum(one.value for one in found)]))
"""


def against_event_accumulator() -> list[Result]:
    """The median of the ratios of rounds that follow each other, after both were checked to have read the same."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        folder = Path(name)
        write(folder / "events.out.tfevents.1700000000.host.1.0")
        pairs = [(_ours(folder), _theirs(folder)) for _ in range(ROUNDS)]
    assert all(ours[1:] == theirs[1:] for ours, theirs in pairs), pairs
    mine, other = (statistics.median(side[0] for side in column) for column in zip(*pairs, strict=True))
    how = (
        f"{SCALARS:,} scalars of {len(TAGS)} curves with steps and times, all checksums verified: {mine:.2f} s, "
        f"TensorBoard's EventAccumulator {other:.2f} s; medians of {ROUNDS} rounds in turns"
    )
    ratio = statistics.median(theirs[0] / ours[0] for ours, theirs in pairs)
    return [Result("tensorboard_against_accumulator", ratio, LEAST, "at least", how)]


def write(path: Path) -> None:
    """An event file as PyTorch's SummaryWriter lays it out."""
    with path.open("wb") as out:
        out.write(_record(struct.pack("<Bd", 9, 1.7e9) + b"\x1a\x0dbrain.Event:2"))
        for number in range(SCALARS):
            tag = TAGS[number % len(TAGS)]
            value = b"\x0a%c%b\x15%b" % (len(tag), tag, struct.pack("<f", 1 / (1 + number)))
            summary = b"\x0a%c%b" % (len(value), value)
            head = struct.pack("<BdB", 9, 1.7e9 + number / 100, 0x10) + _varint(number // len(TAGS))
            out.write(_record(b"%b\x2a%c%b" % (head, len(summary), summary)))


def _ours(folder: Path) -> list[float]:
    steps, values = list[int](), list[float]()
    with timed() as watch:
        run = RunFolder(folder, "")
        read = [batch.curves for batch in run.batches(run.look())]
    for curves in read:
        for points in curves.values():
            steps += points.steps
            values += points.values
    return [watch.seconds, len(steps), math.fsum(steps), math.fsum(values)]


def _theirs(folder: Path) -> list[float]:
    command = [str(client("tensorboard").python), "-W", "ignore", "-c", THEIRS, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
