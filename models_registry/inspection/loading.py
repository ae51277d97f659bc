"""Loads what the gate did not refuse. Imports torch, so it runs in the sandboxed child only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from models_registry.inspection import program_loading, raw
from models_registry.inspection.architectures import build_empty
from models_registry.inspection.formats import PROGRAMS, Format
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.report import StaticReport, Verdict
from sandbox.exhaustion import is_out_of_memory

State = dict[str, torch.Tensor]

# What wrappers put before every name: DataParallel, torch.compile, Lightning and the like.
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")
_MOST_DIFFERENCES = 200


class CannotLoad(ValueError):
    """The file cannot become a module here; the message says why."""


class DoesNotFit(CannotLoad):
    """The weights are not those of the architecture; `differences` names each key."""

    def __init__(self, differences: list[dict[str, Any]]) -> None:
        self.differences = differences
        shown = "; ".join(difference["sentence"] for difference in differences[:5])
        more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        super().__init__(f"The weights do not fit the architecture: {shown}{more}.")


def load_model(path: Path, format: str, architecture: Mapping[str, Any] | None) -> nn.Module:
    """The module in `path` on the CPU, in eval mode, without gradients, with the file's own dtypes. Raises CannotLoad,
    DoesNotFit, architectures.CannotBuild or MemoryError. The gate is asked again: nothing it refuses is ever loaded, and of
    what is only salvageable nothing but the tensors."""
    report = inspect_file(path)
    if report.verdict == Verdict.REFUSED or report.format != format:
        raise CannotLoad(report.reasons[0].sentence if report.reasons else f"The file is {report.format}, not {format}.")
    if report.format in PROGRAMS:
        return load_program(path, report)
    if architecture is None:
        raise CannotLoad("Weights alone do not say what they compute: name the architecture that they belong to.")
    model = build_empty(architecture)
    put_into(model, load_state(path, report), format=report.format)
    return model.eval().requires_grad_(requires_grad=False)


def load_program(path: Path, report: StaticReport) -> nn.Module:
    """The program as a module, without gradients. It brings its own architecture and its own numbers."""
    try:
        if report.format == Format.TORCHSCRIPT:
            program: nn.Module = program_loading.load_script(path)
        else:
            program = program_loading.load(path, report.facts["program"])
    except Exception as error:  # the parts of a program may contradict each other in any way
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        why = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise CannotLoad(f"torch cannot load the program: {why[0][:300]}") from error
    return program.requires_grad_(requires_grad=False)


def load_state(path: Path, report: StaticReport) -> State:
    """The tensors by name, on the CPU, dense and within their storages. Only for a file that the gate did not refuse."""
    if report.verdict == Verdict.REFUSED:
        raise CannotLoad(report.reasons[0].sentence)
    try:
        if report.format == Format.TORCH_EXPORT:
            return dict(program_loading.weights(path))
        if report.format == Format.SAFETENSORS:
            return safetensors.torch.load_file(path)
        return _checked(raw.read(path, report.layout))
    except CannotLoad:
        raise
    except Exception as error:  # whatever a library says of numbers that it cannot place
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise CannotLoad(f"The tensors cannot be read: {str(error)[:300]}") from error


def _checked(state: State) -> State:
    for name, tensor in state.items():
        plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        if not plain or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CannotLoad(f"The tensor {name!r} is not a dense tensor within its storage.")
    return state


def put_into(model: nn.Module, state: State, *, format: str = "") -> str:
    """`model`'s parameters and buffers are those of `state`; returns the wrapper's prefix that was taken off, or "".
    Raises DoesNotFit with every key that is missing, unexpected or of another shape."""
    expected = model.state_dict()
    prefix, state = _without_prefix(state, set(expected), format)
    if found := differences(expected, state):
        raise DoesNotFit(found)
    model.load_state_dict(state, strict=True, assign=True)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta:
            raise CannotLoad(f"The architecture keeps {name!r} out of its saved state, so it has no value.")
    return prefix


def _without_prefix(state: State, expected: set[str], format: str) -> tuple[str, State]:
    """The state without what wrappers put before every name. In a Lightning module that is any attribute, so there the first
    part of the names counts as one where all have it in common."""
    taken = ""
    while state and not expected & set(state):
        known = (p for p in WRAPPERS if all(name.startswith(p) for name in state))
        first = next(iter(state)).split(".", 1)[0] + "."
        attribute = first if format == Format.LIGHTNING and all(name.startswith(first) for name in state) else None
        prefix = next(known, attribute)
        if prefix is None:
            break
        taken += prefix
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return taken, state


def differences(expected: Mapping[str, torch.Tensor], state: State) -> list[dict[str, Any]]:
    """Each key that keeps `state` from fitting, with a sentence; at most 200."""
    found: list[dict[str, Any]] = []
    for name, tensor in expected.items():
        if name not in state:
            said = f"{name} is missing ({_shape(tensor)})"
            found.append({"key": name, "kind": "missing", "expected": list(tensor.shape), "found": None, "sentence": said})
        elif state[name].shape != tensor.shape:
            said = f"{name} has the shape {_shape(state[name])} instead of {_shape(tensor)}"
            shapes = {"expected": list(tensor.shape), "found": list(state[name].shape)}
            found.append({"key": name, "kind": "mismatched", **shapes, "sentence": said})
    for name, tensor in state.items():
        if name not in expected:
            said = f"{name} is not expected ({_shape(tensor)})"
            found.append({"key": name, "kind": "unexpected", "expected": None, "found": list(tensor.shape), "sentence": said})
    return found[:_MOST_DIFFERENCES]


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
