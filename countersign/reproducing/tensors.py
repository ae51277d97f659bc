"""Checkpoints tensor by tensor. Nothing in a file is run: safetensors, and state dicts that torch reads with weights_only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.reproducing.comparing import Tolerances, distance, within
from countersign.transport import digest_of

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


class NotReadable(Exception):
    """The tensors of a file cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    shape: list[int]
    difference: float | None  # the largest; None where shapes or kinds differ, or one run does not have it
    verdict: str  # equal, within, outside, missing, new or other shape


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file of both runs. With equal digests its tensors need not be read."""

    path: str
    recorded_digest: str
    digest: str
    tensors: list[Tensor]
    problem: str = ""

    @property
    def holds(self) -> bool:
        same = self.digest == self.recorded_digest
        return same or (not self.problem and all(one.verdict in {"equal", "within"} for one in self.tensors))


def shared(recorded: Mapping[str, Any], reproduced: Mapping[str, Path]) -> list[str]:
    """Paths of checkpoints that the run kept, those first that the new run has too."""
    found = [path for path in recorded if path.endswith(SUFFIXES) and not path.startswith(("environment/", "code/"))]
    return sorted(found, key=lambda path: (path not in reproduced, path))


def checkpoint(path: str, recorded: Path, reproduced: Path, *, digest: str, tolerances: Tolerances) -> Checkpoint:
    """Both files, tensor by tensor where their bytes differ."""
    own = digest_of(reproduced)
    if own == digest:
        return Checkpoint(path, digest, own, [])
    try:
        before, now = (read(file, kind=Path(path).suffix) for file in (recorded, reproduced))
    except NotReadable as error:
        return Checkpoint(path, digest, own, [], str(error))
    tensors = [_tensor(name, before.get(name), now.get(name), tolerances.of(name)) for name in sorted({*before, *now})]
    problem = "" if tensors else "it holds no tensors"
    return Checkpoint(path, digest, own, tensors, problem)


def read(file: Path, *, kind: str) -> dict[str, Any]:
    """The tensors by name, with those of nested dictionaries as `outer.inner`. `kind` is the suffix that the artifact has."""
    try:
        import torch
    except ImportError as error:
        raise NotReadable("comparing tensors needs torch: install countersign[torch]") from error
    try:
        if kind == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(str(file)))
        said = torch.load(file, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise NotReadable("reading safetensors needs the package: install countersign[torch]") from error
    except Exception as error:  # the readers raise many kinds for bytes that are none of theirs
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise NotReadable(f"it cannot be read without running what it names ({first})") from error
    found: dict[str, Any] = {}
    _gather(said, "", found, torch, depth=0)
    return found


def _gather(said: Any, name: str, found: dict[str, Any], torch: Any, *, depth: int) -> None:
    if isinstance(said, torch.Tensor):
        found[name or "tensor"] = said
    elif isinstance(said, dict | list | tuple) and depth < 20:
        for key, value in said.items() if isinstance(said, dict) else enumerate(said):
            _gather(value, f"{name}.{key}" if name else str(key), found, torch, depth=depth + 1)


def _tensor(name: str, before: Any, now: Any, tolerance: float) -> Tensor:
    if before is None or now is None:
        return Tensor(name, list((now if before is None else before).shape), None, "new" if before is None else "missing")
    if before.shape != now.shape or before.dtype != now.dtype:
        return Tensor(name, list(before.shape), None, "other shape")
    import torch

    if torch.equal(before, now):
        return Tensor(name, list(before.shape), 0.0, "equal")
    kind = torch.complex128 if before.is_complex() else torch.float64
    first, second = before.to(kind).flatten(), now.to(kind).flatten()
    same = (first == second) | (torch.isnan(first) & torch.isnan(second))
    gap = torch.where(same, torch.zeros(1, dtype=torch.float64), (first - second).abs())
    largest = math.inf if bool(torch.isnan(gap).any()) else float(gap.max())
    finite = first.abs()[torch.isfinite(first)]
    size = float(finite.max()) if len(finite) else 0.0
    verdict = "within" if within(size, distance(0.0, largest), tolerance) else "outside"
    return Tensor(name, list(before.shape), largest, verdict)
