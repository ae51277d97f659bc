"""The gate and the inspection of a large safetensors file: how much memory the sandboxed child takes beyond one that is idle."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import sandbox
from benchmarks.results import Result
from benchmarks.uploads import make_file

ROOT = Path(__file__).resolve().parent.parent
SIZE = 1 << 30  # bytes
TENSORS = 16
TARGET = 300  # MiB beyond an idle child, torch included


def measure(folder: Path) -> list[Result]:
    """The child's peak, resident and with the pages of mapped files, less that of a child that does nothing."""
    file = make_checkpoint(folder, size=SIZE)
    idle = _peak("benchmarks.idle", file, ROOT / "benchmarks")
    inspected = _peak("models_registry.inspection.child", file, ROOT / "models_registry" / "inspection")
    file.unlink()
    how = f"MiB of the sandboxed child at its peak: {inspected >> 20} inspecting {SIZE >> 20} MiB, {idle >> 20} idle"
    return [Result("inspection_memory", (inspected - idle) / 2**20, TARGET, "at most", how)]


def make_checkpoint(folder: Path, *, size: int) -> Path:
    """A safetensors file of `size` bytes of numbers, in equal tensors."""
    each = size // TENSORS
    header = json.dumps({
        f"layers.{n}.weight": {"dtype": "F32", "shape": [each // 4096, 1024], "data_offsets": [n * each, (n + 1) * each]}
        for n in range(TENSORS)
    }).encode()  # fmt: skip
    numbers = make_file(folder / "numbers.bin", size)
    path = folder / "large.safetensors"
    with path.open("wb") as out, numbers.open("rb") as given:
        out.write(struct.pack("<Q", len(header)) + header)
        while chunk := given.read(1 << 20):
            out.write(chunk)
    numbers.unlink()
    return path


def _peak(module: str, file: Path, root: Path) -> int:
    limits = sandbox.Limits(wall=600, cpu=600, memory=4 << 30)
    with sandbox.run(module, inputs={"checkpoint": file}, job={}, roots=[root], limits=limits, need=sandbox.Level.L1) as outcome:
        assert outcome.ended == "finished", outcome.sentence
        assert outcome.result.get("verdict", "accepted") == "accepted", outcome.result["reasons"]
        return outcome.peak_memory
