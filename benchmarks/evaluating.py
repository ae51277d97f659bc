"""A whole evaluation in rows a second, against bare loops over the same rows with the same model, in turns in one process.

Whole: reading the file, inference, performance, calibration and slices with all their intervals, predictions written.
Bare: the model's forward pass over rows that already lie in memory, nothing measured, nothing kept.
"""

from __future__ import annotations

import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn

from benchmarks.results import Result
from evaluations.engine import child

ROUNDS = 5
SUITE = [{"name": "performance"}, {"name": "calibration"}, {"name": "slices"}]
LADDER = (8, 16, 32, 64, 128, 256, 512, 1024)


def digits_cnn() -> nn.Module:
    """small-cnn as the examples train it: two convolutions of 3 x 3 on 8 x 8."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    ).eval()


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.past = nn.Conv2d(before, after, 1, stride=stride) if stride > 1 or before != after else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.past(x))


def residual_cnn() -> nn.Module:
    """Eight residual blocks for 64 x 64 images in colour, 10 classes."""
    torch.manual_seed(0)
    widths = [(32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)]
    blocks = [Block(*each) for each in widths]
    stem = [nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10)).eval()


def digits(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The 1,797 digits again and again, each time with other noise."""
    data, rng = load_digits(), np.random.default_rng(0)
    which = rng.integers(0, len(data.target), rows)
    images = torch.tensor(data.images / 16.0, dtype=torch.float32)[which][:, None]
    return images + 0.05 * torch.randn(images.shape, generator=torch.manual_seed(0)), torch.tensor(data.target)[which].long()


def pictures(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.manual_seed(0)
    return torch.rand(rows, 3, 64, 64, generator=generator), torch.randint(0, 10, (rows,), generator=generator)


def written(x: torch.Tensor, y: torch.Tensor, path: Path | str) -> None:
    """A data file of these rows with one column of 20 slices."""
    site = torch.randint(0, 20, (len(y),), generator=torch.manual_seed(1))
    names = json.dumps({"site": [f"s{i}" for i in range(20)]})
    save_file({"inputs": x, "targets": y, "column.site": site}, path, {"columns": names})


def evaluated(model: nn.Module, folder: Path) -> dict[str, Any]:
    """The result of evaluating `model` on `folder/data` as the sandboxed child does it, its file already loaded."""
    job = {"format": "safetensors", "task": "multiclass", "classes": [str(i) for i in range(10)], "checks": SUITE}
    load, child.load = child.load, lambda path, job: copy.deepcopy(model)
    try:
        files = {"checkpoint": folder, "dataset": folder / "data"}
        found = child.main({**job, "threads": torch.get_num_threads()}, files, folder)
    finally:
        child.load = load
    assert "error" not in found and not found["not_run"], found
    return found


@contextmanager
def evaluation(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Iterator[Callable[[], dict[str, Any]]]:
    """A function that evaluates `model` on these rows, file included."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        written(x, y, Path(name) / "data")
        yield lambda: evaluated(model, Path(name))


def loader_loop(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    with torch.inference_mode():
        for rows, _targets in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64):
            model(rows)


def split_loop(model: nn.Module, x: torch.Tensor, batch: int) -> None:
    with torch.inference_mode():
        for rows in x.split(batch):
            model(rows)


def best_batch(model: nn.Module, x: torch.Tensor) -> int:
    """The fastest batch of the ladder for the bare loop, best of three each."""
    ladder = [batch for batch in LADDER if batch <= len(x)]
    return min(ladder, key=lambda batch: min(seconds(lambda: split_loop(model, x, batch)) for _ in range(3)))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def in_turns(*works: Callable[[], object], rounds: int = ROUNDS) -> list[list[float]]:
    """The seconds of each work, [works][rounds], one after the other in each round, so that all meet the same machine."""
    for work in works:
        work()
    return [list(each) for each in zip(*([seconds(work) for work in works] for _ in range(rounds)), strict=True)]


def compared(name: str, target: float, *, reference: list[float], whole: list[float], rows: int, what: str) -> Result:
    ratio = statistics.median(r / w for r, w in zip(reference, whole, strict=True))
    how = (
        f"rows/s of a whole evaluation ÷ {what}; median ratio of {len(whole)} turns over {rows:,} rows, "
        f"{torch.get_num_threads()} thread(s): {rows / min(whole):,.0f} against {rows / min(reference):,.0f} rows/s at best"
    )
    return Result(name, ratio, target, "at least", how)


def against_loader() -> list[Result]:
    """digits CNN: at least 1.3 of a DataLoader loop with batches of 64."""
    torch.set_num_threads(1)
    model, (x, y) = digits_cnn(), digits(200_000)
    with evaluation(model, x, y) as run:
        loop, whole = in_turns(lambda: loader_loop(model, x, y), run)
    what = "DataLoader loop, batch 64, digits CNN"
    return [compared("evaluation_against_loader", 1.3, reference=loop, whole=whole, rows=len(y), what=what)]


def against_tuned_digits() -> list[Result]:
    """digits CNN: at least 0.9 of the best-tuned bare loop."""
    torch.set_num_threads(1)
    model, (x, y) = digits_cnn(), digits(200_000)
    batch = best_batch(model, x[:50_000])
    with evaluation(model, x, y) as run:
        loop, whole = in_turns(lambda: split_loop(model, x, batch), run)
    what = f"best-tuned bare loop (tensor split, batch {batch}), digits CNN"
    return [compared("evaluation_against_tuned_digits", 0.9, reference=loop, whole=whole, rows=len(y), what=what)]


def against_tuned_residual() -> list[Result]:
    """residual CNN at 64 x 64: at least 0.97 of the best-tuned bare loop."""
    torch.set_num_threads(1)
    model, (x, y) = residual_cnn(), pictures(768)
    batch = best_batch(model, x[:64])
    with evaluation(model, x, y) as run:
        loop, whole = in_turns(lambda: split_loop(model, x, batch), run, rounds=3)
    what = f"best-tuned bare loop (tensor split, batch {batch}), residual CNN at 64×64"
    return [compared("evaluation_against_tuned_residual", 0.97, reference=loop, whole=whole, rows=len(y), what=what)]
