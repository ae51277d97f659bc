"""TensorBoard itself writes and reads: every point, step and time that it finds is what is found here, and nothing else."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.importing.tensorboard.events import Points
from countersign.importing.tensorboard.folders import RunFolder, run_folders
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.test_reading import read
from tests.countersign.importing.tensorboard.writer import blob, scalar, scalars, write

pytestmark = pytest.mark.clients

READS = """
import json, os, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

def curves(folder):
    read = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    read.Reload()
    found = {tag: [(one.step, one.value, one.wall_time) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    for tag in read.Tags()["tensors"]:
        if read.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            values = [(one.step, make_ndarray(one.tensor_proto), one.wall_time) for one in read.Tensors(tag)]
            found[tag] = [(step, float(value.item()), time) for step, value, time in values]
    return found

print(json.dumps({os.path.relpath(folder, sys.argv[1]): curves(folder) for folder, _, files in os.walk(sys.argv[1]) if files}))
"""

WRITES = """
import sys, numpy, torch
from torch.utils.tensorboard import SummaryWriter
with SummaryWriter(sys.argv[1]) as out:
    for step in range(200):
        out.add_scalar("train/loss", 1 / (1 + step), step)
        out.add_scalar("new style", step * 0.1, step, new_style=True)
        out.add_scalar("double", step * 0.1, step * 1000, new_style=True, double_precision=True)
        out.add_scalar("odd", [float("nan"), float("inf"), float("-inf")][step % 3], step)
    out.add_scalars("both", {"a": 1.5, "b": 2.5}, 7)
    out.add_histogram("weights", numpy.arange(10), 1)
    out.add_image("image", numpy.zeros((3, 4, 4)), 1)
    out.add_text("text", "words", 1)
    out.add_pr_curve("curve", torch.tensor([0, 1]), torch.tensor([0.2, 0.7]), 1)
    out.add_hparams({"lr": 0.1, "layers": 3, "optimiser": "adam", "nesterov": True}, {"accuracy": 0.9}, run_name="trial")
for first, last, purge in ((0, 200, None), (150, 160, 150)):
    with SummaryWriter(sys.argv[1] + "/restarted", purge_step=purge) as out:
        for step in range(first, last):
            out.add_scalar("train/loss", first, step)
"""


def told(run_client: Callable[..., Any], top: Path) -> dict[str, Any]:
    return json.loads(run_client("tensorboard", READS, top).stdout.splitlines()[-1])


def same(found: dict[str, Points], expected: dict[str, list[list[float]]]) -> None:
    rows = {
        tag: [[step, repr(value), time] for step, value, time in zip(points.steps, points.values, points.times, strict=True)]
        for tag, points in found.items()
        if len(points)
    }
    assert rows == {
        tag: [[step, repr(float(value)), round(time * 1000)] for step, value, time in points]
        for tag, points in expected.items()
        if points
    }


def test_what_pytorch_writes_is_read_as_tensorboard_reads_it(run_client: Callable[..., Any], tmp_path: Path) -> None:
    top = tmp_path / "runs"
    run_client("tensorboard", WRITES, top)
    expected = told(run_client, top)
    runs = {run.name or ".": run for run in run_folders(top)}
    assert set(runs) == set(expected) == {".", "both_a", "both_b", "restarted", "trial"}
    for name, run in runs.items():
        same(read(run), expected[name])
    assert (len(expected["."]["train/loss"]), len(expected["restarted"]["train/loss"])) == (200, 160)
    assert runs["trial"].events.params == {"lr": 0.1, "layers": 3, "optimiser": "adam", "nesterov": True}
    left_out = {"histogram": 1, "image": 1, "text": 1, "tensor of pr_curves": 1}
    assert runs["."].events.left_out == left_out
    assert not any(run.events.unreadable or file.damaged for run in runs.values() for file in run.files.values())


SCALARS: list[Callable[[random.Random, int], bytes]] = [
    lambda rng, step: scalar("a", step, rng.choice([0.0, 1.5, math.nan, math.inf])),
    lambda rng, step: scalar("long/name " * 20, step, rng.random()),
    lambda rng, step: writer.start(step) if rng.random() < 0.3 else scalar("b", step, 2.0),
    lambda rng, step: writer.record(b"\x09" + struct.pack("<d", writer.BEGUN)),
]
META = writer.plugin("scalars")
TENSORS: list[Callable[[random.Random, int], bytes]] = [  # TensorBoard's reader purges none of these, so no session starts here
    lambda rng, step: writer.tensor("t", step, 1, blob(4, struct.pack("<f", rng.random())), metadata=META),
    lambda rng, step: writer.tensor("d", step, 2, blob(6, struct.pack("<d", rng.random())), metadata=META),
    lambda rng, step: writer.tensor("i", step, 9, writer.number(10, -step), metadata=META),
    lambda rng, step: writer.tensor("h", step, 19, writer.number(13, rng.randrange(0x7C00)), metadata=META),
    lambda rng, step: scalar("a", step, rng.random()),
]


def test_any_files_of_a_folder_are_read_as_tensorboard_reads_them(run_client: Callable[..., Any], tmp_path: Path) -> None:
    """Sessions that start anew in the middle or in another file, tensors, steps in any order, tails that are cut off."""
    top, rng = tmp_path / "runs", random.Random(7)  # noqa: S311 - the same files each time
    for number in range(40):
        for part in range(rng.randint(1, 3)):
            steps = rng.choices([0, 5, 100, 300, 70_000, 2**33], k=rng.randint(1, 150))
            made = [rng.choice(TENSORS if number % 2 else SCALARS)(rng, step) for step in steps]
            path = write(top / str(number), *made, name=f"events.out.tfevents.{part}")
            if rng.random() < 0.3:
                path.write_bytes(path.read_bytes()[: -rng.randint(1, 60)])
    found = told(run_client, top)
    assert len(found) == 40
    for name, expected in found.items():
        same(read(RunFolder(top / name, name)), expected)


def test_more_points_than_tensorboard_keeps_unasked_are_all_read(run_client: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "runs", scalars("a", [1.0] * 12_000))
    program = READS.replace(', size_guidance={"scalars": 0, "tensors": 0}', "")
    sampled = json.loads(run_client("tensorboard", program, tmp_path / "runs").stdout.splitlines()[-1])
    assert len(sampled["."]["a"]) == 10_000
    assert len(read(tmp_path / "runs")["a"]) == 12_000
