"""Everything that is captured when a training starts, in the forms that the API takes."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from countersign.capturing import machine, packages
from countersign.capturing.code import Code, code_of
from countersign.capturing.files import KeptFile, read_small
from countersign.capturing.secrets import secret_in_line, secret_in_text
from countersign.capturing.seeds import seeds

PROJECT = "code/MLproject"
ARGUMENTS = "countersign.arguments"  # tag: what stood behind the training file on the command line, as a JSON list
NO_CODE = "countersign.no_code"  # tag: why no code was recorded
_SMALL, _ARGUMENTS = 256 << 10, 20_000
_T = TypeVar("_T")


@dataclass
class Captured:
    """`code`, `environment`, `training` and `tags` as a run takes them; `files` are kept as its artifacts; `notes` are sentences
    for the person who trains, about what was left out."""

    code: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: list[KeptFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """What `log` and `start_run` of the API take, without what is not known."""
        said = {"code": self.code, "environment": self.environment, "training": self.training, "tags": self.tags}
        return {name: value for name, value in said.items() if value}


def capture(folder: Path | None = None) -> Captured:
    """What is known of this training, which runs in `folder` (else in the current one). Never raises."""
    where, captured = _folder(folder), Captured()
    code = _tried(captured, "The code", lambda: code_of(where)) or Code(missing=captured.notes[-1])
    captured.code, captured.files = code.facts, list(code.files)
    captured.notes += code.notes
    if code.missing:
        captured.tags[NO_CODE] = code.missing[:500]
    if code.patch_note:
        captured.notes.append(f"{code.patch_note[0].upper()}{code.patch_note[1:]}.")
        captured.tags["countersign.changes"] = code.patch_note[:500]
    if code.facts.get("entry"):
        _tried(captured, "The arguments", lambda: _keep_arguments(captured, sys.argv[1:]))
    locks = _tried(captured, "The lock files", lambda: packages.locks(where, code.top)) or packages.Locks()
    captured.files += locks.files
    captured.notes += locks.notes
    captured.environment = _tried(captured, "The environment", lambda: _environment(locks)) or {}
    if found := _tried(captured, "The seeds", seeds):
        captured.training["seeds"] = found
    _tried(captured, "The MLproject file", lambda: _keep_project(captured, where, code.top))
    return captured


def code_facts(folder: Path | None = None) -> dict[str, Any]:
    """Repository, branch, commit, tree and dirty state of the git checkout around `folder`; empty outside of one."""
    return (_tried(Captured(), "", lambda: code_of(_folder(folder))) or Code()).facts


def environment_facts(folder: Path | None = None) -> dict[str, Any]:
    """Python, platform, hardware and every installed package with its version."""
    where = _folder(folder)
    return _tried(Captured(), "", lambda: _environment(packages.locks(where, None))) or {}


def _environment(locks: packages.Locks) -> dict[str, Any]:
    hardware = machine.hardware()
    accelerators = hardware["accelerators"]
    names = [name.partition(",")[0] for name in accelerators]
    return {
        "python": platform.python_version(),
        "platform": platform.platform()[:200],
        "accelerator": (f"{len(names)} × {names[0]}" if len(names) > 1 else "".join(names))[:200],
        "lock_digest": locks.listed[0]["digest"] if locks.listed else "",
        "locks": locks.listed,
        "packages": packages.installed(),
        "hardware": hardware,
        "host_kind": machine.host_kind(),
        "user": machine.user(),
    }


def _keep_project(captured: Captured, folder: Path, top: Path | None) -> None:
    """The MLproject file of the folder, else of the checkout."""
    for place in dict.fromkeys((folder, top or folder)):
        content = read_small(place / "MLproject", within=top or folder, limit=_SMALL)
        if content is None:
            continue
        if found := secret_in_text(content):
            captured.notes.append(f"MLproject is not kept, because it seems to hold {found}.")
        else:
            captured.files.append(KeptFile(PROJECT, content))
        return


def _keep_arguments(captured: Captured, words: list[str]) -> None:
    """The words behind the training file, unless one of them seems to be a secret (`--token abc` reads like `token=abc`)."""
    pairs = [f"{name.lstrip('-')}='{value}'" for name, value in pairwise(words) if name.startswith("-")]
    found = next(filter(None, map(secret_in_line, [*words, *pairs])), "")
    if found:
        captured.notes.append(f"The command line's arguments are not kept, because they seem to hold {found}.")
    elif words and len(said := json.dumps(words)) <= _ARGUMENTS:
        captured.tags[ARGUMENTS] = said


def _folder(folder: Path | None) -> Path:
    try:
        return (folder or Path.cwd()).resolve()
    except OSError:  # the folder was removed under the training
        return Path("/")


def _tried(captured: Captured, what: str, find: Callable[[], _T]) -> _T | None:
    """What `find` found. A training goes on whatever happens here."""
    try:
        return find()
    except Exception as error:
        captured.notes.append(f"{what} could not be captured ({type(error).__name__}: {error}).")
        return None
