"""The answers themselves, kept as safetensors beside the numbers, written while they come: memory does not grow with rows."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.inference import Answers
from evaluations.engine.tasks import CLASSIFICATION, Task

MOST_BYTES = 128 << 20  # of outputs; above, only what was predicted is kept
_TYPES = {"I64": "<i8", "F64": "<f8", "F32": "<f4", "U8": "u1"}


class Predictions:
    """Writes, as far as it fits, what the model answered to each row:

    - classification: `predicted` int64 [n], `confidence` float32 [n], `probabilities` float32 [n, K];
    - multilabel: `predicted` uint8 [n, K], `probabilities` float32 [n, K];
    - regression and ranking: `predicted` float64 [n], and `quantiles` float32 [n, Q] of a model that declares them.
    """

    def __init__(self, path: Path, *, rows: int, task: Task, most_bytes: int = MOST_BYTES) -> None:
        self.whole, self._task = rows * task.width * 4 <= most_bytes, task
        self._tensors = {name: (dtype, shape) for name, (dtype, shape) in self._shapes(rows).items()}
        header: dict[str, Any] = {}
        self._starts: dict[str, int] = {}
        at = 0
        for name, (dtype, shape) in self._tensors.items():
            size = int(np.dtype(_TYPES[dtype]).itemsize * np.prod(shape))
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            self._starts[name] = at
            at += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._base = 8 + len(text)
        self._file = path.open("wb")
        self._file.write(struct.pack("<Q", len(text)) + text)
        self._file.truncate(self._base + at)

    def _shapes(self, rows: int) -> dict[str, tuple[str, list[int]]]:
        width = self._task.width
        if self._task.name in CLASSIFICATION:
            kept: dict[str, tuple[str, list[int]]] = {"predicted": ("I64", [rows]), "confidence": ("F32", [rows])}
        elif self._task.name == "multilabel":
            kept = {"predicted": ("U8", [rows, width])}
        else:
            kept = {"predicted": ("F64", [rows])}
        if self.whole and self._task.classes and self._task.name != "ranking":
            kept["quantiles" if self._task.quantiles else "probabilities"] = ("F32", [rows, width])
        return kept

    def __enter__(self) -> Predictions:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def see(self, answers: Answers) -> None:
        self._put("predicted", answers.first_row, answers.predicted)
        if "confidence" in self._tensors:
            own = np.take_along_axis(answers.outputs, answers.predicted[:, None], axis=1)[:, 0]
            self._put("confidence", answers.first_row, own)
        for name in ("probabilities", "quantiles"):
            if name in self._tensors:
                self._put(name, answers.first_row, answers.outputs)

    def _put(self, name: str, first_row: int, values: NDArray[Any]) -> None:
        dtype, shape = self._tensors[name]
        stored = np.ascontiguousarray(values.astype(_TYPES[dtype]))
        self._file.seek(self._base + self._starts[name] + first_row * stored.itemsize * int(np.prod(shape[1:])))
        self._file.write(stored.tobytes())
