"""Whatever the bytes, the readers answer: no exception, no endless work."""

from __future__ import annotations

import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from models_registry.inspection import child
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.machine import Machine, Misshapen
from models_registry.inspection.pickles import scan
from models_registry.inspection.report import Findings
from tests.inspection import attacks, programs_cast, salvage_cast, scripts_cast

# Fixed examples, so that a run is repeatable; deadlines are about time, which no test asserts.
FUZZ = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _saved(**options: bool) -> bytes:
    stream = io.BytesIO()
    torch.save({"w": torch.arange(6.0), "b": torch.zeros(2).half()}, stream, **options)
    return stream.getvalue()


def _made(build: Callable[[Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build(Path(folder, "seed"))
        return Path(folder, "seed").read_bytes()


# Real files of every form that may be loaded, and hostile ones that touch MARKER where they are loaded carelessly.
MARKER = Path(tempfile.gettempdir(), f"ran-{os.getpid()}")
LOADED = [
    _made(lambda path: torch.save(salvage_cast.plain(), path)),
    _made(lambda path: torch.save(salvage_cast.digits(), path, _use_new_zipfile_serialization=False)),
    _made(salvage_cast.fastai),
    _made(salvage_cast.KEPT["counted.pt"][4]),
    _made(lambda path: scripts_cast.save(scripts_cast.live("branching"), path)),
    _made(lambda path: programs_cast.export(programs_cast.made("perceptron"), path)),
    *(_made(lambda path, name=name: attacks.RUNS_CODE[name][1](path, MARKER)) for name in ("os_system.pt", "tar.pt")),
    _made(salvage_cast.fastai_export),
]
SEEDS = [
    *LOADED,
    _saved(),
    _saved(_use_new_zipfile_serialization=False),
    save({"w": torch.arange(6.0)}),
    attacks.call("os", "system", "true"),
    b"cos\nsystem\n(S'true'\ntR.",
]
edits = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "repeat", "insert"]), st.integers(0, 1 << 16), st.binary(min_size=1, max_size=9)),
    min_size=1,
    max_size=8,
)


def _mutate(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, where, given_ in changes:
        at = where % (len(data) + 1)
        behind = {"flip": data[at + len(given_) :], "cut": b"", "repeat": data[at // 2 :], "insert": data[at:]}[how]
        data = data[:at] + given_ + behind
    return data


def _inspect(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        codes = [reason.code for reason in inspect_file(path).reasons]
    assert "gate_failed" not in codes  # the last resort, which no bytes may need
    assert not MARKER.exists()


@FUZZ
@given(st.sampled_from(SEEDS), edits)
def test_changed_files_are_answered(seed: bytes, changes: list[tuple[str, int, bytes]]) -> None:
    _inspect(_mutate(seed, changes))


@settings(FUZZ, max_examples=150)
@given(st.sampled_from(LOADED), edits)
def test_changed_files_are_inspected_to_the_end(seed: bytes, changes: list[tuple[str, int, bytes]]) -> None:
    """As a child does: what passes the gate is loaded and described, whatever became of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(_mutate(seed, changes[:1]))
        answer = child.main({"architecture": None, "level": "L2"}, {"checkpoint": path}, Path(folder))
    assert answer["verdict"] in ("accepted", "salvageable", "refused")
    json.dumps(answer, allow_nan=False)
    assert not MARKER.exists()


@FUZZ
@given(
    st.sampled_from(
        [b"", b"PK\x03\x04", b"\x80\x02", attacks.PROTOCOL + b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"\x10" + bytes(7) + b"{"]
    ),
    st.binary(max_size=400),
)
def test_arbitrary_bytes_are_answered(head: bytes, data: bytes) -> None:
    _inspect(head + data)


OPCODES = b"(.)}]0211NR\x81bQaesuqhrj\x85\x86\x87\x88\x89\x8f" + bytes(range(8))


@FUZZ
@given(st.lists(st.one_of(st.sampled_from([bytes([c]) for c in OPCODES]), st.sampled_from([
    attacks.text("w"), b"K\x01", attacks.tensor((4,), (1,)), b"ctorch\nFloatStorage\n", b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nSize\n", attacks.number(1 << 60), b"q\x00", b"h\x00",
])), max_size=40))  # fmt: skip
def test_any_row_of_allowed_instructions_ends_or_is_misshapen(parts: list[bytes]) -> None:
    found = scan(b"\x80\x02" + b"".join(parts) + b".", Findings())
    if found.steps:
        try:
            Machine().run(found)
        except Misshapen:
            return
