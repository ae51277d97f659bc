"""The child's side: jail first, then probes, then the evidence to the parent, and only then the job's own module.

The evidence goes out as the first line of standard output, before any untrusted byte was read, and that pipe is closed
behind it: what runs later can neither change nor repeat it.
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.machinery
import importlib.util
import json
import os
import platform
import resource
import socket  # noqa: F401 - the probes use it, and it must be loaded before the fence closes
import sys
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox import jail, levels, probes
from sandbox.exhaustion import is_out_of_memory

RESULT = "result.json"
_EFBIG = 27


class RootFinder:
    """Makes each root importable under its full name and nothing beside it: the packages above a root are empty stand-ins,
    so that neither their code runs nor their folders need to be read."""

    def __init__(self, roots: Mapping[str, str]) -> None:
        self._roots = roots  # "models_registry.inspection" -> folder
        self._above = {name.rsplit(".", depth)[0] for name in roots for depth in range(1, name.count(".") + 1)}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target  # a root is found by its name alone
        if folder := self._roots.get(name):
            start = Path(folder, "__init__.py")
            return importlib.util.spec_from_file_location(name, start, submodule_search_locations=[folder])
        if name in self._above:
            return importlib.machinery.ModuleSpec(name, None, is_package=True)
        return None


def main() -> None:
    """Read the order from standard input, put on the jail, say what it holds, and do the job if that is enough."""
    order = json.load(sys.stdin)
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)
    os.umask(0o077)
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, RootFinder(order["roots"]))
    sys.path.extend(order["import_paths"])
    evidence = jail.apply(order) | {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "versions": {"python": platform.python_version(), **order["versions"]},
        "limits": order["limits"],
    }
    evidence["probes"] = probes.run(order)
    level = levels.level_of(evidence)
    evidence["level"] = str(level)
    sys.stdout.write(json.dumps(evidence) + "\n")
    sys.stdout.flush()
    os.dup2(2, 1)
    if level < order["need"]:
        return
    faulthandler.enable()
    _write(order, _do(order | {"level": str(level)}))


def _do(order: Mapping[str, Any]) -> dict[str, Any]:
    out = Path(order["out"])
    try:
        module = importlib.import_module(order["module"])
        inputs = {name: Path(path) for name, path in order["inputs"].items()}
        return {"result": module.main({**order["job"], "level": order["level"]}, inputs, out)}
    except Exception as error:  # whatever the job raises is reported, and this process ends
        if is_out_of_memory(error):
            return _failure("memory", error)
        return _failure("output" if getattr(error, "errno", None) == _EFBIG else "exception", error)


def _failure(kind: str, error: BaseException) -> dict[str, Any]:
    traceback.print_exception(error)
    return {"error": {"kind": kind, "type": type(error).__name__, "text": str(error)[:2000]}}


def _write(order: Mapping[str, Any], answer: dict[str, Any]) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    answer["peak_memory"] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    try:
        text = json.dumps(answer, allow_nan=False)
    except (TypeError, ValueError) as error:
        text = json.dumps(_failure("exception", error))
    if len(text) > order["limits"]["result"]:
        text = json.dumps({"error": {"kind": "output", "type": "", "text": "the result was too large"}})
    try:
        Path(order["out"], RESULT).write_text(text)
    except OSError as error:
        traceback.print_exception(error)
        sys.exit(1)
