"""The inspection in the sandbox: what is accepted is loaded and described there; what is refused never reaches torch."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

import sandbox
from models_registry.inspection import child, gate, loading
from models_registry.inspection.gate import inspect_file
from tests.inspection import attacks

ROOT = Path(__file__).parent.parent.parent
DIGITS = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [16, 32], "classes": 10}}


def digits_net() -> nn.Module:
    """The built-in architecture, written without it, as its documentation says."""
    torch.manual_seed(0)
    model = nn.Sequential()
    model.features = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    )
    model.classifier = nn.Sequential(nn.Flatten(), nn.Linear(128, 10))
    return model.eval()


@contextmanager
def inspected(path: Path, architecture: dict[str, Any] | None = None, memory: int = 1 << 30) -> Iterator[sandbox.Outcome]:
    with sandbox.run(
        "models_registry.inspection.child",
        inputs={"checkpoint": path},
        job={"architecture": architecture},
        roots=[ROOT / "models_registry" / "inspection"],
        limits=sandbox.Limits(wall=60, cpu=60, memory=memory),
    ) as outcome:
        yield outcome


SAVERS: dict[str, Callable[[dict[str, torch.Tensor], Path], Any]] = {
    "torch-zip": torch.save,
    "torch-legacy": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "safetensors": safetensors.torch.save_file,
}


@pytest.mark.parametrize("format_", SAVERS)
def test_accepted_weights_are_loaded_in_the_sandbox_and_described(tmp_path: Path, format_: str) -> None:
    state = digits_net().state_dict()
    state["features.0.bias"][:3] = torch.tensor([float("nan"), float("inf"), 1.0])
    SAVERS[format_](state, tmp_path / "model")
    with inspected(tmp_path / "model", DIGITS) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        assert outcome.level >= sandbox.Level.L2
        found = outcome.result
    assert (found["verdict"], found["format"], found["reasons"]) == ("accepted", format_, [])
    facts = found["facts"]
    assert (facts["nan"], facts["inf"], facts["parameters"]) == (1, 1, sum(t.numel() for t in state.values()))
    described = {tensor["name"]: tensor for tensor in facts["tensors"]}
    weight = described["classifier.1.weight"]
    assert (weight["shape"], weight["dtype"], weight["bytes"]) == ([10, 128], "float32", 5120)
    assert weight["sha256"] == "sha256:" + hashlib.sha256(state["classifier.1.weight"].numpy().tobytes()).hexdigest()
    assert facts["architecture"]["name"] == "small-cnn"
    assert {"name": "features.0", "type": "Conv2d"} in facts["architecture"]["layers"]


def test_a_hostile_file_is_refused_in_the_sandbox_before_torch(attack: Callable[[str], Path], marker: Path) -> None:
    with inspected(attack("os_system.pt"), DIGITS) as outcome:
        assert outcome.result["verdict"] == "refused"
        assert outcome.result["reasons"][0]["found"] == "os.system"
        assert "versions" not in outcome.result["facts"]  # torch was not asked
        assert outcome.peak_memory < 100 << 20  # nor imported
    assert not marker.exists()


def test_keys_that_do_not_fit_are_named_one_by_one(tmp_path: Path) -> None:
    state = digits_net().state_dict()
    state["classifier.1.weight"] = torch.zeros(9, 128)
    state["extra"] = torch.zeros(1)
    del state["features.3.bias"]
    torch.save(state, tmp_path / "model.pt")
    found = child.main({"architecture": DIGITS}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)
    assert found["verdict"] == "refused"
    assert {(reason["member"], reason["found"]) for reason in found["reasons"]} == {
        ("classifier.1.weight", "mismatched"),
        ("extra", "unexpected"),
        ("features.3.bias", "missing"),
    }


def test_the_loaded_model_answers_like_the_one_that_was_saved(tmp_path: Path) -> None:
    model = digits_net()
    images = torch.rand(5, 1, 8, 8)
    for format_, save in SAVERS.items():
        save(model.state_dict(), tmp_path / format_)
        loaded = loading.load_model(tmp_path / format_, format_, DIGITS)
        assert torch.equal(loaded(images), model(images))
        assert not loaded.training
        assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_want_of_memory_is_no_refusal_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing about the file, so it must reach the sandbox, which names the limit."""
    torch.save(digits_net().state_dict(), tmp_path / "model.pt")
    safetensors.torch.save_file(digits_net().state_dict(), tmp_path / "model.safetensors")

    def fails(*args: object, **options: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ...")

    monkeypatch.setattr(loading.raw, "read", fails)
    monkeypatch.setattr(loading.safetensors.torch, "load_file", fails)
    for name in ("model.pt", "model.safetensors"):
        with pytest.raises(MemoryError):
            child.main({"architecture": DIGITS}, {"checkpoint": tmp_path / name}, tmp_path)
    monkeypatch.setattr(gate, "recognise", lambda file, size: bytearray(1 << 60))
    with pytest.raises(MemoryError):
        inspect_file(tmp_path / "model.pt")


def test_the_limit_of_memory_is_named(tmp_path: Path) -> None:
    """Numbers that do not lie on their own boundaries have to be copied; here that is too much for the jail."""
    count = 200 << 18  # 200 MiB
    data = b"}" + attacks.text("w") + attacks.tensor((count,), (1,), count=count) + b"s"
    with zipfile.ZipFile(tmp_path / "large.pt", "w") as archive:
        archive.writestr("archive/data.pkl", attacks.PROTOCOL + data + b".")
        archive.writestr("archive/data/0", bytes(count * 4))
        archive.writestr("archive/version", "3\n")
    with inspected(tmp_path / "large.pt", memory=240 << 20) as outcome:
        assert (outcome.ended, outcome.result) == ("memory_limit", None)
        assert "memory limit of 240 MiB" in outcome.sentence
    with inspected(tmp_path / "large.pt") as outcome:  # it was the memory, and nothing else
        assert outcome.result["verdict"] == "accepted"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.module.", "model."])
def test_what_a_wrapper_put_before_the_names_is_taken_off(tmp_path: Path, prefix: str) -> None:
    torch.save({prefix + name: tensor for name, tensor in digits_net().state_dict().items()}, tmp_path / "model.pt")
    found = child.main({"architecture": DIGITS}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)
    assert found["facts"]["architecture"]["prefix"] == prefix


def test_a_torch_file_called_safetensors_is_read_as_what_it_is(tmp_path: Path) -> None:
    torch.save(digits_net().state_dict(), tmp_path / "model.safetensors")
    assert loading.load_model(tmp_path / "model.safetensors", "torch-zip", DIGITS)


def test_nothing_is_loaded_that_the_gate_refuses(attack: Callable[[str], Path], marker: Path) -> None:
    with pytest.raises(loading.CannotLoad, match=r"os\.system"):
        loading.load_model(attack("os_system.pt"), "torch-zip", DIGITS)
    assert not marker.exists()


def test_no_unpickler_meets_a_file(attack: Callable[[str], Path], marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second fence: even where the gate were wrong, no reader of pickles is asked."""
    monkeypatch.setattr(torch, "load", lambda *args, **options: pytest.fail("torch.load was called"))
    with pytest.raises(loading.CannotLoad, match=r"os\.system"):
        loading.load_state(attack("os_system.pt"), inspect_file(attack("os_system.pt")))
    torch.save(digits_net().state_dict(), attack("os_system.pt").parent / "good.pt")
    assert loading.load_model(attack("os_system.pt").parent / "good.pt", "torch-zip", DIGITS)
    assert not marker.exists()


def test_what_is_read_is_what_torch_reads(tmp_path: Path) -> None:
    """Views, strides, types, tied and empty tensors, from either form."""
    base = torch.arange(24.0)
    state = {
        "view": base[4:10], "transposed": base.reshape(4, 6).t(), "whole": base, "scalar": torch.tensor(3), "flags": base > 3,
        "empty": torch.empty(0, 5), "half": base.half(), "brain": base.bfloat16(), "tiny": base.to(torch.float8_e4m3fn),
        "wide": base.to(torch.complex128), "unsigned": base.to(torch.uint16), "parameter": nn.Parameter(base * 2),
    }  # fmt: skip
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        if options:
            del state["unsigned"], state["tiny"]  # which torch writes into the old form, but cannot read from it
        torch.save(state, tmp_path / "model.pt", **options)
        found = loading.load_state(tmp_path / "model.pt", inspect_file(tmp_path / "model.pt"))
        read = torch.load(tmp_path / "model.pt", weights_only=True)
        assert list(found) == list(read)
        for name, tensor in read.items():
            assert (found[name].dtype, found[name].shape, found[name].stride()) == (tensor.dtype, tensor.shape, tensor.stride())
            bits = [one.detach().contiguous().reshape(-1).view(torch.uint8) for one in (found[name], tensor)]
            assert bits[0].equal(bits[1]), name
        assert found["view"].untyped_storage().data_ptr() == found["whole"].untyped_storage().data_ptr()
        found["whole"].zero_()
        assert torch.load(tmp_path / "model.pt", weights_only=True)["whole"].any()  # the file did not change


def test_weights_without_an_architecture_cannot_be_run(tmp_path: Path) -> None:
    torch.save(digits_net().state_dict(), tmp_path / "model.pt")
    with pytest.raises(loading.CannotLoad, match="name the architecture"):
        loading.load_model(tmp_path / "model.pt", "torch-zip", None)


def test_an_architecture_that_is_not_installed_is_named(tmp_path: Path) -> None:
    torch.save(digits_net().state_dict(), tmp_path / "model.pt")
    found = child.main({"architecture": {"name": "resnet-9000"}}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)
    assert found["verdict"] == "refused"
    assert "'resnet-9000' is not installed" in found["reasons"][0]["sentence"]
