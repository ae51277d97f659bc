"""Numbers and tensors held against each other: nothing missing and nothing unread counts as the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from countersign.reproducing import comparing, tensors
from countersign.reproducing.comparing import Tolerances
from countersign.transport import digest_of

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("before", "now", "tolerance", "verdict"),
    [
        (0.5, 0.5, 0, "within"),
        (0.5, 0.5 + 1e-7, 1e-6, "within"),
        (0.5, 0.5 + 1e-5, 1e-6, "outside"),
        (1000.0, 1000.5, 1e-3, "within"),  # a share of the recorded size
        (1000.0, 1001.5, 1e-3, "outside"),
        (0.001, 0.0015, 1e-3, "within"),  # of 1 where it is smaller
        (NAN, NAN, 0, "within"),
        (INF, INF, 0, "within"),
        (INF, -INF, 1, "outside"),
        (NAN, 0.5, 1, "outside"),
        (0.5, NAN, 1, "outside"),
        (0.5, INF, 1, "outside"),
        (INF, 0.5, 1, "outside"),
    ],
)
def test_a_metric_is_within_its_tolerance_or_not(before: float, now: float, tolerance: float, verdict: str) -> None:
    (found,) = comparing.metrics({"m": before}, {"m": now}, Tolerances(tolerance))
    assert found.verdict == verdict


def test_a_missing_metric_is_never_green_and_a_new_one_says_nothing() -> None:
    missing, new = comparing.metrics({"a": 1.0}, {"b": 1.0}, Tolerances())
    assert (missing.verdict, missing.holds, new.verdict, new.holds) == ("missing", False, "new", True)
    (ignored,) = comparing.metrics({"time/epoch": 1.0}, {}, Tolerances(ignored=("time*",)))
    assert (ignored.verdict, ignored.holds) == ("ignored", True)


def saved(folder: Path, name: str, state: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    if name.endswith(".safetensors"):
        save_file(state, file)
    else:
        torch.save(state, file)
    return file


def compared(tmp_path: Path, before: Any, now: Any, name: str = "model.pt", tolerance: float = 1e-6) -> tensors.Checkpoint:
    first, second = saved(tmp_path / "before", name, before), saved(tmp_path / "now", name, now)
    return tensors.checkpoint(name, first, second, digest=digest_of(first), tolerances=Tolerances(tolerance))


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_tensors_are_compared_one_by_one(tmp_path: Path, name: str) -> None:
    before = {"same": torch.ones(2, 3), "near": torch.ones(4), "far": torch.ones(4), "kind": torch.ones(2), "gone": torch.ones(1)}
    now = {
        "same": torch.ones(2, 3),
        "near": torch.ones(4) + 5e-7,
        "far": torch.tensor([1.0, 1.0, 1.5, 1.0]),
        "kind": torch.ones(3),
        "more": torch.ones(1),
    }
    found = compared(tmp_path, before, now, name)
    verdicts = {one.name: one.verdict for one in found.tensors}
    assert verdicts == {
        "same": "equal",
        "near": "within",
        "far": "outside",
        "kind": "other shape",
        "gone": "missing",
        "more": "new",
    }
    assert next(one.difference for one in found.tensors if one.name == "far") == 0.5
    assert not found.holds
    assert compared(tmp_path, {"a": torch.ones(2)}, {"a": torch.ones(2) + 5e-7}, name).holds


def test_equal_bytes_need_no_reading(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"no checkpoint at all")
    digest = digest_of(tmp_path / "a.pt")
    found = tensors.checkpoint("a.pt", tmp_path / "a.pt", tmp_path / "a.pt", digest=digest, tolerances=Tolerances())
    assert found.holds and found.tensors == []


def test_nan_and_kinds_are_not_overlooked(tmp_path: Path) -> None:
    nan = torch.tensor([NAN, 1.0])
    assert compared(tmp_path, {"a": nan}, {"a": nan + torch.tensor([0.0, 1e-7])}).holds
    assert not compared(tmp_path, {"a": nan}, {"a": torch.ones(2)}).holds
    assert not compared(tmp_path, {"a": torch.ones(2)}, {"a": torch.ones(2, dtype=torch.float64)}).holds
    nested = compared(tmp_path, {"state": {"w": torch.ones(1)}, "epoch": 3}, {"state": {"w": torch.zeros(1)}, "epoch": 3})
    assert [(one.name, one.verdict) for one in nested.tensors] == [("state.w", "outside")]


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("a pickle ran",)


def test_a_pickle_that_would_run_something_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(tmp_path, {"a": torch.ones(1), "x": Trap()}, {"a": torch.zeros(1)})
    assert not found.holds and "cannot be read without running what it names" in found.problem
    assert "a pickle ran" not in capsys.readouterr().out


def test_a_file_without_tensors_is_never_green(tmp_path: Path) -> None:
    found = compared(tmp_path, {"epoch": 3}, {"epoch": 4})
    assert not found.holds and found.problem == "it holds no tensors"


def test_checkpoints_are_known_by_their_names() -> None:
    kept = {"model/a.pt": 1, "z.safetensors": 1, "plot.png": 1, "environment/x.bin": 1, "code/y.pt": 1}
    assert tensors.shared(kept, {"z.safetensors": Path("z")}) == ["z.safetensors", "model/a.pt"]
