"""Loads an exported program that the gate accepted. Imports torch, and running the program runs its author's choice of
operators, so it belongs in the sandboxed child only, at level L2 or better."""

from __future__ import annotations

import json
import logging
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from models_registry.inspection import operators
from models_registry.inspection.program_schema import ELEMENTS
from models_registry.inspection.programs import TABLES


class ForbiddenOperator(ValueError):
    """What torch made of a script's source calls an operator that is not on the list."""


class Script(nn.Module):
    """A TorchScript program as a module: a tensor of rows in, its answer out. Rows are cast to the type of its weights."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        kinds = [parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()]
        self._dtype: torch.dtype = kinds[0] if kinds else torch.float32

    def forward(self, rows: torch.Tensor) -> Any:
        return self.module(rows.to(self._dtype))


def load_script(path: Path) -> Script:
    """The TorchScript program in `path`, in evaluation mode. Raises ForbiddenOperator where torch made other operators of its
    source than the gate read there, or whatever torch raises on a program that does not hold together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against TorchScript at each step
        with path.open("rb") as file:
            module = torch.jit.load(file, map_location="cpu")
        module.eval()
        for kind in sorted(set(_kinds(module.forward.inlined_graph))):
            if not operators.allowed_node(kind):
                raise ForbiddenOperator(f"It calls {kind}, which is not on the list of operators that only compute on tensors.")
    return Script(module).eval()


def _kinds(block: Any) -> Iterator[str]:
    """The kind of every node of a graph, inner blocks included."""
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _kinds(inner)


class Program(nn.Module):
    """An exported program as a module: a tensor of rows in, its answer out.

    Rows are cast to the type of numbers that the program takes, and handed over in parts where it takes only so many at once.
    Training or evaluation mode was fixed when it was exported.
    """

    def __init__(self, module: nn.Module, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.module = module
        self._keyword: str = facts["input"]["keyword"]
        self._dtype: torch.dtype = getattr(torch, facts["input"]["dtype"])
        self._most: int | None = facts["rows"]["most"]

    def forward(self, rows: torch.Tensor) -> Any:
        rows = rows.to(self._dtype)
        if self._most is None or len(rows) <= self._most:
            return self._answer(rows)
        answers = [self._answer(part) for part in rows.split(self._most)]
        return tree_map(lambda *parts: torch.cat(parts) if parts[0].dim() else parts[0], *answers)

    def train(self, mode: bool = True) -> Program:
        """Nothing changes: the exported module cannot switch, and says so with an error."""
        del mode
        return self

    def _answer(self, rows: torch.Tensor) -> Any:
        return self.module(**{self._keyword: rows}) if self._keyword else self.module(rows)


def load(path: Path, facts: Mapping[str, Any]) -> Program:
    """The program in `path`, of which the gate said `facts`. Raises whatever torch raises on a program that does not hold
    together."""
    logging.getLogger("torch.export").setLevel(logging.CRITICAL)  # what fails is raised; the log would repeat it
    with path.open("rb") as file:  # by a name that ends otherwise torch would warn
        program = torch.export.load(file)
    return Program(program.module(), facts)


def weights(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Each weight, buffer and constant of the program by name, read as the plain numbers that they are: nothing of the
    program is loaded for it, so any level of the sandbox will do."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/", 1)[0]
        for table in TABLES:
            folder = table.rsplit("/", 1)[0]
            for name, entry in json.loads(archive.read(f"{root}/{table}"))["config"].items():
                meta = entry["tensor_meta"]
                dtype = getattr(torch, ELEMENTS[meta["dtype"]])
                data = bytearray(archive.read(f"{root}/{folder}/{entry['path_name']}"))
                flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
                shape, strides = ([size["as_int"] for size in meta[key]] for key in ("sizes", "strides"))
                yield name, flat.as_strided(shape, strides, meta["storage_offset"]["as_int"])
