"""The static gate: every attack is refused with what was found and where, and nothing of it runs; honest weights pass."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
import safetensors.torch
import torch
from torch import nn

from models_registry.inspection import gate
from models_registry.inspection.formats import LEGACY_MAGIC
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.report import Verdict
from tests.inspection import attacks, gadgets

RUNS_CODE = attacks.RUNS_CODE | gadgets.RUNS_CODE
ATTACKS = RUNS_CODE | attacks.LIES | gadgets.LIES
Attack = Callable[[str], Path]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_its_reason_and_runs_nothing(attack: Attack, marker: Path, name: str) -> None:
    report = inspect_file(attack(name))
    assert report.verdict == Verdict.REFUSED
    assert ATTACKS[name][0] in [reason.code for reason in report.reasons]
    assert all(reason.sentence and reason.remedy for reason in report.reasons)
    assert not marker.exists()
    json.dumps(report.as_json())


def test_the_attacks_are_real(attack: Attack, marker: Path, tmp_path: Path) -> None:
    """Loaded without protection, in a process of their own, they do run their payloads."""
    for name in RUNS_CODE:
        attack(name)
    program = """
import json, os, pickle, sys, warnings
import joblib, numpy, torch
warnings.simplefilter("ignore")
marker, ran = sys.argv[1], []
def bare(path):
    with open(path, "rb") as file:
        pickle.load(file)
def arrays(path):
    found = numpy.load(path, allow_pickle=True)
    dict(found)
for path in sys.argv[2:]:
    for load in (lambda p: torch.load(p, weights_only=False), bare, arrays, joblib.load):
        try:
            load(path)
        except BaseException:
            pass
    if os.path.exists(marker):
        ran.append(os.path.basename(path))
        os.rmdir(marker) if os.path.isdir(marker) else os.remove(marker)
print(json.dumps(ran))
"""
    paths = [str(tmp_path / name) for name in RUNS_CODE]
    done = subprocess.run(
        [sys.executable, "-c", program, str(marker), *paths], capture_output=True, text=True, check=True, timeout=120
    )
    ran = set(json.loads(done.stdout.splitlines()[-1]))
    assert set(RUNS_CODE) - ran == set()


def test_a_refusal_names_the_call_its_member_and_its_offset(attack: Attack) -> None:
    report = inspect_file(attack("inside_a_state_dict.pt"))
    (reason,) = [reason for reason in report.reasons if reason.code == "forbidden_global"]
    assert (reason.found, reason.member) == ("os.system", "data.pkl")
    pickled = attacks._in_a_state_dict(Path("x"))
    assert reason.offset == pickled.index(b"cos\nsystem\n")
    assert "os.system" in reason.sentence
    assert "state_dict()" in reason.remedy


def test_names_that_lie_in_the_memo_are_found(attack: Attack) -> None:
    reasons = inspect_file(attack("stack_global_by_memo.pt")).reasons
    assert "posix.system" in [reason.found for reason in reasons]


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3))


def _mixed() -> dict[str, torch.Tensor]:
    base = torch.arange(24.0)
    return {
        "view": base[4:10],
        "transposed": base.reshape(4, 6).t(),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 5),
        "half": torch.ones(2).half(),
        "brain": torch.ones(2, dtype=torch.bfloat16),
        "unsigned": torch.ones(3, dtype=torch.uint16),
        "tiny": torch.ones(2).to(torch.float8_e4m3fn),
        "complex": torch.ones(2, dtype=torch.complex64),
        "flags": torch.tensor([True, False]),
    }


HONEST: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "state.pt": ("torch-zip", lambda path: torch.save(_model().state_dict(), path)),
    "state.pth": ("torch-legacy", lambda path: torch.save(_model().state_dict(), path, _use_new_zipfile_serialization=False)),
    "parameters.pt": ("torch-zip", lambda path: torch.save(dict(_model().named_parameters()), path)),
    "mixed.pt": ("torch-zip", lambda path: torch.save(_mixed(), path)),
    "mixed.pth": ("torch-legacy", lambda path: torch.save(_mixed(), path, _use_new_zipfile_serialization=False)),
    "state.safetensors": ("safetensors", lambda path: safetensors.torch.save_file(_model().state_dict(), path, {"made": "here"})),
    "misnamed.pkl": ("safetensors", lambda path: safetensors.torch.save_file(_model().state_dict(), path)),
    "misnamed.safetensors": ("torch-zip", lambda path: torch.save(_model().state_dict(), path)),
    "by_hand.pt": ("torch-zip", attacks.weights_by_zipfile),
}


@pytest.mark.parametrize("name", HONEST)
def test_weights_are_accepted_and_counted(tmp_path: Path, name: str) -> None:
    format_, save = HONEST[name]
    save(tmp_path / name)
    report = inspect_file(tmp_path / name)
    assert (report.verdict, report.format, report.reasons) == (Verdict.ACCEPTED, format_, [])
    if name.startswith(("state", "misnamed")):
        assert {t["name"]: (t["shape"], t["dtype"]) for t in report.facts["tensors"]} == {
            key: (list(value.shape), str(value.dtype).removeprefix("torch.")) for key, value in _model().state_dict().items()
        }
        assert report.facts["parameters"] == sum(value.numel() for value in _model().state_dict().values())


def test_tied_weights_are_named(tmp_path: Path) -> None:
    shared = torch.zeros(3)
    torch.save({"a": shared, "b": shared, "c": torch.zeros(1)}, tmp_path / "tied.pt")
    assert inspect_file(tmp_path / "tied.pt").facts["tied"] == [["a", "b"]]


def _tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "notes.py")


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(__file__, "notes.py")


def _export(path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path)


NOT_WEIGHTS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    # format, reason, how it is made
    "fastai_object.pth": (
        "fastai",
        "not_weights",
        lambda path: attacks.as_torch(path, attacks.call("fastcore.foundation", "L")),
    ),
    "two_tables.pt": (
        "torch-zip",
        "nested_checkpoint",
        lambda path: torch.save(dict.fromkeys(("model", "net"), _model().state_dict()), path),
    ),
    "mixed_in.pt": ("torch-zip", "not_weights", lambda path: torch.save({"w": torch.zeros(1), "epoch": 1}, path)),
    "list.pt": ("torch-zip", "not_weights", lambda path: torch.save([torch.zeros(1)], path)),
    "tensor.pt": ("torch-zip", "not_weights", lambda path: torch.save(torch.zeros(1), path)),
    "nothing.pt": ("torch-zip", "not_weights", lambda path: torch.save({}, path)),
    "protocol_4.pt": ("torch-zip", "forbidden_opcode", lambda path: torch.save({"w": torch.zeros(1)}, path, pickle_protocol=4)),
    "export.pt2": ("torch-export-pt2", "fixed_rows", _export),
    "arrays.npz": ("numpy", "format", lambda path: np.savez(path, a=np.zeros(3))),
    "array.npy": ("numpy", "format", lambda path: np.save(path, np.zeros(3))),
    "table.parquet": ("parquet", "format", lambda path: pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), path)),
    "table.arrow": ("arrow", "format", lambda path: pyarrow.feather.write_feather(pyarrow.table({"a": [1]}), path)),
    "files.tar": ("tar", "format", _tar),
    "files.zip": ("zip", "format", _zip),
    "joblib.pkl": ("pickle", "forbidden_global", lambda path: joblib.dump({"w": np.zeros(3)}, path)),
    "pickled.pkl": ("pickle", "format", lambda path: path.write_bytes(pickle.dumps({"w": [1.0]}))),
    "chance.bin": ("unknown", "format", lambda path: path.write_bytes(np.random.default_rng(1).bytes(4096))),
    "empty.pt": ("empty", "format", lambda path: path.touch()),
    "text.pt": ("unknown", "format", lambda path: path.write_text("These are no weights.")),
    "json.pt": ("unknown", "format", lambda path: path.write_text('{"a": 1}')),
    "model.gguf": ("gguf", "format", lambda path: path.write_bytes(b"GGUF" + bytes(100))),
    "weights.h5": ("hdf5", "format", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))),
}


@pytest.mark.parametrize("name", NOT_WEIGHTS)
def test_what_is_no_weights_is_recognised_and_refused_with_the_remedy(tmp_path: Path, name: str) -> None:
    format_, code, make = NOT_WEIGHTS[name]
    make(tmp_path / name)
    report = inspect_file(tmp_path / name)
    assert (report.format, report.verdict) == (format_, Verdict.REFUSED)
    assert code in [reason.code for reason in report.reasons]
    assert all(reason.remedy for reason in report.reasons)


def _entry(name: str = "w", dtype: str = "F32", shape: str = "[1]", offsets: str = "[0, 4]", more: str = "") -> str:
    return f'"{name}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}{more}}}'


FALSE_HEADERS = {
    "not JSON": "{not json",
    "no object": "{]",
    "an entry that is a number": '{"w": 1}',
    "an entry with more in it": "{" + _entry(more=', "more": 1') + "}",
    "an unknown dtype": "{" + _entry(dtype="F99") + "}",
    "a shape that needs more": "{" + _entry(shape="[2]") + "}",
    "a negative size": "{" + _entry(shape="[-1]") + "}",
    "a size that is a truth": "{" + _entry(shape="[true]") + "}",
    "offsets beyond the file": "{" + _entry(offsets="[4, 8]") + "}",
    "bytes that no tensor covers": "{" + _entry(dtype="U8", shape="[3]", offsets="[0, 3]") + "}",
    "one name twice": "{" + _entry(dtype="I32") + ", " + _entry() + "}",
    "an overlap": "{" + _entry("a") + ", " + _entry("b", "U8", "[2]", "[2, 4]") + "}",
    "metadata that are no texts": '{"__metadata__": {"a": 1}, ' + _entry() + "}",
    "a depth that no parser survives": '{"a":' * 100_000,
}


@pytest.mark.parametrize("what", FALSE_HEADERS)
def test_a_false_safetensors_header_is_refused(tmp_path: Path, what: str) -> None:
    header = FALSE_HEADERS[what].encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    report = inspect_file(tmp_path / "model.safetensors")
    assert (report.format, report.verdict) == ("safetensors", Verdict.REFUSED)
    assert [reason.code for reason in report.reasons] == ["safetensors_header"]


def test_a_header_beyond_its_limit_is_not_parsed(tmp_path: Path) -> None:
    size = 17 << 20
    (tmp_path / "model.safetensors").write_bytes(size.to_bytes(8, "little") + b"{" + b" " * size)
    (reason,) = inspect_file(tmp_path / "model.safetensors").reasons
    assert "more than the file or the limit" in reason.sentence


def test_what_torch_would_read_as_tar_is_tar(attack: Attack, tmp_path: Path) -> None:
    assert inspect_file(attack("tar.pt")).format == "torch-tar"
    legacy = LEGACY_MAGIC.ljust(257, b"\0") + b"ustar".ljust(255, b"\0")
    (tmp_path / "both").write_bytes(legacy)
    assert inspect_file(tmp_path / "both").format == "tar"


def test_a_failure_of_the_gate_itself_lets_nothing_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "good.pt")
    monkeypatch.setattr(gate, "recognise", lambda file, size: 1 / 0)
    report = inspect_file(tmp_path / "good.pt")
    assert (report.verdict, report.reasons[0].code) == (Verdict.REFUSED, "gate_failed")


def test_what_is_no_plain_file_is_said_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none", "/dev/zero", "a\0b"):
        report = inspect_file(path)
        assert (report.format, report.verdict) == ("unreadable", Verdict.REFUSED)


def test_the_gate_needs_neither_torch_nor_django() -> None:
    program = (
        "import sys; from models_registry.inspection import gate, architectures, report; architectures.registered();"
        "sys.exit(any(name.split('.')[0] in ('torch', 'django', 'numpy') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
