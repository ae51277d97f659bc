"""Which checks there are, for which tasks, with which parameters: read from the source of the engine, without running it.

The classes of the engine import torch, which the web process never does. Their source says all that a policy needs: it is
parsed, so that a check is declared in one place only, where it is written. A test holds the outcome against the classes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from models_registry.models import Task

ENGINE = Path(__file__).parent / "engine"
ROOT = ENGINE.parent.parent
EVERY_TASK = frozenset(Task.values)
OTHERS = {"training", "production"}
UNDECLARED = frozenset({Task.BINARY.value, Task.MULTICLASS.value})  # a class without TASKS counts classes


@dataclass(frozen=True, slots=True)
class CheckKind:
    """One check that a suite may name. `parameters` are its keyword arguments with their defaults as written."""

    name: str
    tasks: frozenset[str]
    parameters: dict[str, str] = field(default_factory=dict)
    says: str = ""  # what it measures: the first paragraph of its docstring
    others: frozenset[str] = frozenset()  # further inputs of the job that it looks for: see evaluations.inputs


class Unreadable(Exception):
    """The engine's source does not say what a check is; a mistake of ours, found by a test."""


@cache
def catalogue() -> dict[str, CheckKind]:
    """Every check by the name under which a suite asks for it."""
    listed = _Module.read("evaluations.engine.checks")
    table = listed.value_of("CHECKS")
    if not isinstance(table, ast.Dict):
        raise Unreadable("CHECKS of the engine is not written as one dictionary.")
    kinds = {}
    for key, value in zip(table.keys, table.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Name)):
            raise Unreadable("CHECKS of the engine names a check otherwise than by a text and a class.")
        kinds[key.value] = _kind(key.value, *listed.class_of(value.id))
    return kinds


def _kind(name: str, module: _Module, found: ast.ClassDef) -> CheckKind:
    tasks = UNDECLARED
    parameters: dict[str, str] = {}
    others: frozenset[str] = frozenset()
    for part in found.body:
        if isinstance(part, ast.Assign | ast.AnnAssign) and _target(part) == "TASKS" and part.value is not None:
            tasks = frozenset(module.evaluated(part.value))
        elif isinstance(part, ast.Assign | ast.AnnAssign) and _target(part) == "OTHERS" and part.value is not None:
            others = frozenset(module.evaluated(part.value))
        elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
            pairs = zip(part.args.kwonlyargs, part.args.kw_defaults, strict=True)
            parameters = {one.arg: ast.unparse(default) if default is not None else "" for one, default in pairs}
    if not tasks <= EVERY_TASK:
        raise Unreadable(f"The check {name} names a task that no model can have.")
    if not others <= OTHERS:
        raise Unreadable(f"The check {name} looks for an input that no job has.")
    says = " ".join((ast.get_docstring(found) or "").split("\n\n", maxsplit=1)[0].split())
    return CheckKind(name, tasks, parameters, says, others)


class _Module:
    """The top level of one source file of the engine."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.tree = name, ast.parse(path.read_text(encoding="utf-8"))

    @classmethod
    def read(cls, name: str) -> _Module:
        path = ROOT.joinpath(*name.split("."))
        return cls(name, path / "__init__.py" if path.is_dir() else path.with_suffix(".py"))

    def value_of(self, name: str) -> ast.expr:
        """What the module assigns to `name`."""
        for part in self.tree.body:
            if isinstance(part, ast.Assign | ast.AnnAssign) and _target(part) == name and part.value is not None:
                return part.value
        raise Unreadable(f"{self.name} does not say what {name} is.")

    def class_of(self, name: str) -> tuple[_Module, ast.ClassDef]:
        """The class that the module calls `name`, with the module that it stands in."""
        for part in self.tree.body:
            if isinstance(part, ast.ClassDef) and part.name == name:
                return self, part
        home, original = self._imported(name)
        return home.class_of(original)

    def evaluated(self, expression: ast.expr) -> Any:
        """A literal, a frozenset of one, a name that stands for one here or where it is imported from, or a union of these."""
        if isinstance(expression, ast.Name):
            try:
                return self.evaluated(self.value_of(expression.id))
            except Unreadable:
                home, original = self._imported(expression.id)
                return home.evaluated(home.value_of(original))
        if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.BitOr | ast.Sub):
            left, right = frozenset(self.evaluated(expression.left)), frozenset(self.evaluated(expression.right))
            return left | right if isinstance(expression.op, ast.BitOr) else left - right
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and len(expression.args) == 1:
            return frozenset(self.evaluated(expression.args[0]))
        if isinstance(expression, ast.Set | ast.Tuple | ast.List):
            return frozenset(self.evaluated(one) for one in expression.elts)
        try:
            return ast.literal_eval(expression)
        except ValueError as error:
            raise Unreadable(f"{self.name}: {ast.unparse(expression)} cannot be read without running it.") from error

    def _imported(self, name: str) -> tuple[_Module, str]:
        for part in self.tree.body:
            if isinstance(part, ast.ImportFrom) and part.module:
                for alias in part.names:
                    if (alias.asname or alias.name) == name:
                        return _Module.read(part.module), alias.name
        raise Unreadable(f"{self.name} does not say what {name} is.")


def _target(part: ast.Assign | ast.AnnAssign) -> str:
    target = part.target if isinstance(part, ast.AnnAssign) else part.targets[0]
    return target.id if isinstance(target, ast.Name) else ""
