"""What changed between two checkpoints: against numpy's own reckoning, in every form that a checkpoint may have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import sandbox
from models_registry.inspection import child
from tests.inspection import salvage_cast

ROOT = Path(__file__).parent.parent.parent


def compared(folder: Path, now: Any, before: Any, *, save: Any = torch.save, save_before: Any = torch.save) -> dict[str, Any]:
    save(now, folder / "now")
    save_before(before, folder / "before")
    job = {"architecture": None, "previous": {"number": 1}}
    answer = child.main(job, {"checkpoint": folder / "now", "previous": folder / "before"}, folder)
    json.dumps(answer, allow_nan=False)
    return answer["facts"]["difference"]


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_each_change_equals_numpys(tmp_path: Path, random: torch.Generator) -> None:
    before = {
        "same": torch.rand(5, generator=random), "moved": torch.rand(40, 30, generator=random), "gone": torch.zeros(2),
        "shape": torch.zeros(3), "half": torch.rand(9, generator=random).half(), "counted": torch.tensor(41),
        "turned": torch.rand(4, 6, generator=random).t(), "complex": torch.view_as_complex(torch.rand(8, 2, generator=random)),
    }  # fmt: skip
    now = dict(
        before, moved=before["moved"] + 0.25 * torch.rand(40, 30, generator=random), shape=torch.zeros(4), new=torch.ones(1)
    )
    now |= {"half": before["half"].float(), "counted": torch.tensor(44), "complex": before["complex"] * 2}
    del now["gone"]
    found = compared(tmp_path, now, before)
    assert (found["same"], found["previous"]) == (2, {"number": 1})
    assert found["counts"] == {"changed": 4, "added": 1, "removed": 1, "reshaped": 1}
    assert found["added"] == [{"name": "new", "shape": [1]}]
    assert found["removed"] == [{"name": "gone", "shape": [2]}]
    assert found["reshaped"] == [{"name": "shape", "shape": [4], "shape_before": [3]}]
    changed = {one["name"]: one for one in found["changed"]}
    for name in ("moved", "counted", "complex", "half"):
        new, old = (np.asarray(table[name], dtype=np.complex128) for table in (now, before))
        assert changed[name]["norm"] == pytest.approx(np.linalg.norm(np.ravel(new - old)), rel=1e-12)
        assert changed[name]["relative"] == pytest.approx(np.linalg.norm(np.ravel(new - old)) / np.linalg.norm(np.ravel(old)))
    assert changed["moved"]["largest"] == pytest.approx(float((now["moved"] - before["moved"]).double().abs().max()))
    assert (changed["half"]["norm"], changed["half"]["dtype_before"], changed["half"]["dtype"]) == (0, "float16", "float32")
    assert [one["name"] for one in found["changed"]][:2] == ["complex", "moved"]  # the strongest change first
    both = [name for name in now if name in before and name != "shape"]
    apart = np.sqrt(
        sum(np.sum(np.abs(np.asarray(now[n]).astype(complex) - np.asarray(before[n]).astype(complex)) ** 2) for n in both)
    )
    assert found["norm"] == pytest.approx(apart)
    whole = np.sqrt(sum(np.sum(np.abs(np.asarray(before[n]).astype(complex)) ** 2) for n in both))
    assert found["relative"] == pytest.approx(apart / whole)


@pytest.mark.parametrize("save", [safetensors.torch.save_file, lambda state, path: torch.save({"state_dict": state}, path)])
def test_the_form_of_the_file_makes_no_difference(tmp_path: Path, random: torch.Generator, save: Any) -> None:
    state = {"w": torch.rand(1000, generator=random), "b": torch.zeros(3)}
    found = compared(tmp_path, state, {f"module.{name}": value for name, value in state.items()}, save=save)
    assert (found["same"], found["norm"], found["relative"], set(found["counts"].values())) == (2, 0, 0, {0})


def test_pieces_of_large_tensors_add_up(tmp_path: Path, random: torch.Generator) -> None:
    before = {"w": torch.rand((1 << 21) + 17, generator=random)}
    now = {"w": before["w"].clone()}
    now["w"][-1] += 3
    (one,) = compared(tmp_path, now, before, save_before=safetensors.torch.save_file)["changed"]
    assert one["norm"] == one["largest"] == pytest.approx(3)


def test_numbers_that_are_not_finite_have_no_norm(tmp_path: Path) -> None:
    before = {"w": torch.tensor([1.0, float("nan")]), "v": torch.tensor([1.0]), "zero": torch.zeros(2)}
    found = compared(tmp_path, {"w": torch.tensor([2.0, 3.0]), "v": torch.tensor([float("inf")]), "zero": torch.ones(2)}, before)
    changed = {one["name"]: (one["norm"], one["relative"]) for one in found["changed"]}
    assert changed == {"w": (None, None), "v": (None, None), "zero": (pytest.approx(2**0.5), None)}
    assert (found["norm"], found["relative"]) == (None, None)
    same = compared(tmp_path, before, before)
    assert (same["same"], same["norm"]) == (3, 0)  # the same bits are the same, whatever they mean


def test_an_earlier_file_that_cannot_be_read_is_said_and_refuses_nothing(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "now")
    (tmp_path / "before").write_bytes(b"no weights")
    answer = child.main({}, {"checkpoint": tmp_path / "now", "previous": tmp_path / "before"}, tmp_path)
    assert answer["verdict"] == "accepted"
    assert answer["facts"]["difference"]["not_compared"].startswith("The earlier checkpoint cannot be read: ")


def test_in_the_sandbox_a_module_is_compared_with_weights(tmp_path: Path) -> None:
    torch.save(salvage_cast.plain(), tmp_path / "now.pt")
    safetensors.torch.save_file(salvage_cast.plain().state_dict(), tmp_path / "before.safetensors")
    with sandbox.run(
        "models_registry.inspection.child",
        inputs={"checkpoint": tmp_path / "now.pt", "previous": tmp_path / "before.safetensors"},
        job={"architecture": None, "previous": {"number": 4}},
        roots=[ROOT / "models_registry" / "inspection"],
        limits=sandbox.Limits(wall=60, cpu=60, memory=1 << 30),
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        assert outcome.result["facts"]["difference"]["same"] == 4
