"""MLproject files: their entry points, and the command that one of them becomes with the recorded parameters."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign.reproducing import plain_yaml
from countersign.reproducing.problem import CannotReproduce

TYPES = ("string", "float", "int", "path", "uri")
_TWISTED = re.compile(r"`|\$\(|<<|#")  # behind these, quotation marks may mean something else
_PLACE = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str = "string"
    default: Any = None  # None: the parameter must be given

    def fit(self, value: Any) -> str:
        """The value as it stands in the command; raises where it is of another type."""
        text = str(value)
        try:
            if self.type == "float":
                float(text)
            elif self.type == "int":
                int(text)
        except ValueError:
            raise CannotReproduce(f"The parameter {self.name} must be of type {self.type}, and is “{text[:80]}”.") from None
        return shlex.quote(text)


@dataclass(frozen=True, slots=True)
class EntryPoint:
    name: str
    command: str
    parameters: tuple[Parameter, ...] = ()

    def line(self, values: Mapping[str, Any]) -> str:
        """The command for a shell; every value stands in quotation marks, so that none of them can be a command itself."""
        known = {one.name: one for one in self.parameters}
        missing = [one.name for one in self.parameters if one.name not in values and one.default is None]
        undeclared = [name for name in _PLACE.findall(self.command) if name not in known]
        if missing:
            names = ", ".join(missing)
            raise CannotReproduce(
                f"The entry point {self.name} needs {names}, which the run did not record; give it: -P {missing[0]}=VALUE"
            )
        if undeclared:
            raise CannotReproduce(
                f"The entry point {self.name} uses {{{undeclared[0]}}}, which it does not declare as a parameter."
            )
        return _PLACE.sub(lambda found: self._fit(found, known[found[1]], values), self.command)

    def _fit(self, found: re.Match[str], one: Parameter, values: Mapping[str, Any]) -> str:
        """The value in quotation marks; where the command has opened some itself, these would close them instead."""
        value = values.get(one.name, one.default)
        word, before = one.fit(value), self.command[: found.start()]
        if word not in (str(value), "''") and not _stands_alone(before):
            raise CannotReproduce(
                f"The entry point {self.name} puts {one.name} between quotation marks, where “{str(value)[:80]}” could be a "
                f"command; give another value: -P {one.name}=VALUE, or the script itself: --entry train.py --arguments WORDS"
            )
        return word


def _stands_alone(before: str) -> bool:
    """Whether no quotation mark is open behind this beginning of a command."""
    if _TWISTED.search(before):
        return False
    try:
        shlex.split(before)
    except ValueError:  # one is not closed, or a backslash stands at the end
        return False
    return True


@dataclass(frozen=True, slots=True)
class Project:
    """What an MLproject file says. `environment` is the file that it names as python_env or conda_env."""

    name: str
    entries: Mapping[str, EntryPoint] = field(default_factory=dict)
    environment: str = ""

    def entry(self, name: str) -> EntryPoint:
        if name in self.entries:
            return self.entries[name]
        raise CannotReproduce(f"The MLproject has no entry point {name}; it has {', '.join(self.entries) or 'none'}.")


def read(content: bytes) -> Project:
    """The project of an MLproject file; raises `CannotReproduce` where it cannot be read."""
    try:
        said = plain_yaml.read(content) or {}
    except plain_yaml.NotPlain as error:
        raise CannotReproduce(f"The MLproject cannot be read: {error}.") from error
    if not isinstance(said, dict) or not isinstance(said.get("entry_points") or {}, dict):
        raise CannotReproduce("The MLproject cannot be read: it must be names and values, and entry_points too.")
    if "docker_env" in said:
        raise CannotReproduce("The MLproject runs in a container (docker_env), which is not done here.")
    entries = {name: _entry(name, one) for name, one in (said.get("entry_points") or {}).items()}
    environment = said.get("python_env") or said.get("conda_env") or ""
    return Project(str(said.get("name") or ""), entries, environment if isinstance(environment, str) else "")


def _entry(name: str, said: Any) -> EntryPoint:
    if not isinstance(said, dict) or not isinstance(said.get("command"), str):
        raise CannotReproduce(f"The entry point {name} of the MLproject has no command.")
    declared = said.get("parameters") or {}
    if not isinstance(declared, dict):
        raise CannotReproduce(f"The parameters of the entry point {name} must be names with their types.")
    return EntryPoint(name, said["command"].strip(), tuple(_parameter(one, kind) for one, kind in declared.items()))


def _parameter(name: str, said: Any) -> Parameter:
    kind, default = (said.get("type", "string"), said.get("default")) if isinstance(said, dict) else (said or "string", None)
    if kind not in TYPES:
        raise CannotReproduce(f"The parameter {name} has the type {kind}, which is not known; there are {', '.join(TYPES)}.")
    return Parameter(name, kind, default)
