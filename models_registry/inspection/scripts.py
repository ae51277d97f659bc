"""The static policy for TorchScript: what may be loaded as a program, decided by reading it. Default deny.

`torch.jit.load` alone runs a `__setstate__` that the file brings, and TorchScript has operators that read and write files. So the
source is held to what a model needs (see script_source), every pickle to records of tensors, and no member may stand in the
archive that torch does not write. What is accepted is a program all the same, which may loop or fill memory: it is loaded inside
the sandbox only, at level L2 or better, and what torch made of it is held to the same list of operators again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from models_registry.inspection import contents, pickles
from models_registry.inspection.archives import Archive
from models_registry.inspection.contents import Layout
from models_registry.inspection.headers import LONGEST_NAME
from models_registry.inspection.machine import Machine, Misshapen
from models_registry.inspection.pickles import Pickle
from models_registry.inspection.program_schema import EXPORT_AGAIN
from models_registry.inspection.records import Inert, Tensor
from models_registry.inspection.report import Findings
from models_registry.inspection.script_source import Class, Source

_DATA, _CONSTANTS, _TRACED = "data.pkl", "constants.pkl", "traced_inputs.pkl"
_KNOWN = re.compile(
    r"version|byteorder|\.data/(version|serialization_id)|\.format_version|\.storage_alignment|data\.pkl|constants\.pkl|traced_inputs\.pkl"
    r"|(data|constants|traced_inputs)/[0-9]{1,9}|code/__torch__(/\w{1,200}){0,50}\.py(\.debug_pkl)?",
    re.ASCII,
)
_OF_JIT = frozenset({"restore_type_tag"} | {f"build_{kind}list" for kind in ("int", "double", "bool", "tensor", "complexdouble")})
_CLASS = re.compile(r"__torch__(\.\w+)*", re.ASCII)
_MOST_SOURCE = 32 << 20  # bytes
REMEDY = (
    "Save it with torch.jit.save, from a model that only computes on tensors; or " + EXPORT_AGAIN[:1].lower() + EXPORT_AGAIN[1:]
)
_SENTENCES = {
    "forbidden_operator": "The program uses {found}, which is not on the list of operators that only compute on tensors.",
    "program_hook": "The program brings {found}, which runs as soon as the file is loaded.",
    "program_source": "The program's source is not what torch writes: {found}.",
    "training_mode": "The program was traced in training mode ({found}), so that its answers depend on chance or on the batch.",
}


def judge_script(archive: Archive, findings: Findings, facts: dict[str, Any]) -> Layout | None:
    """Add what the program holds to `facts`, or say in `findings` why it must not be loaded. Returns where its tensors lie."""
    _judge_members(archive, findings)
    if findings:
        return None
    source = _read_source(archive, findings)
    read = {name: _read_pickle(archive, name, findings) for name in archive.members if name.endswith("pkl")}
    if findings:
        return None
    machines = {name: Machine(inert=True) for name in (_DATA, _CONSTANTS)}
    tops: dict[str, Any] = {}
    for name, machine in machines.items():
        try:
            tops[name] = machine.run(read[name] or Pickle())
        except Misshapen as error:
            said = "The pickle's instructions do not fit together."
            findings.note("pickle_misshapen", said, member=name, offset=machine.at, found=str(error), remedy=REMEDY)
            return None
    top = tops[_DATA]
    owner = source.classes.get(_name(top)) if isinstance(top, Inert) else None
    if owner is None:
        findings.note("program_source", "The program's model has no class in its source.", member=_DATA, remedy=REMEDY)
        return None
    positions: dict[str, int] = {}
    for name, machine in machines.items():
        folder = name.removesuffix(".pkl") + "/"
        held = {key.removeprefix(folder): info.file_size for key, info in archive.members.items() if key.startswith(folder)}
        contents.judge_storages(machine, held, findings)
        for key, storage in machine.storages.items():
            if key in held:
                storage.key = folder + key
                positions[storage.key] = archive.start_of(storage.key)
    tensors, buffers, layers = _tensors(top, source.classes)
    constants = tops[_CONSTANTS] if isinstance(tops[_CONSTANTS], (list, tuple)) else ()
    for number, one in enumerate(constants):
        if isinstance(one, Tensor):
            tensors[f"CONSTANTS.c{number}"] = one
            buffers.add(f"CONSTANTS.c{number}")
    contents.judge_entries(tensors, findings, _DATA, empty=True)
    facts |= contents.facts_of(tensors, frozenset(buffers)) | {"layers": layers[: contents.MOST_LAYERS]}
    facts["program"] = _judge_call(owner, source, findings)
    return None if findings else Layout(tensors, positions)


def _judge_members(archive: Archive, findings: Findings) -> None:
    if not archive.root:
        findings.note("several_roots", "The archive has more than one top-level folder, where torch writes one.", remedy=REMEDY)
    for name in (_DATA, _CONSTANTS):
        if name not in archive.members:
            findings.note("missing_member", "A part of the program is missing.", member=name, remedy=REMEDY)
    for name, info in archive.members.items():
        where = {"member": name[:200], "offset": info.header_offset, "remedy": REMEDY}
        if name.startswith("extra/"):
            findings.note("extra_files", "Files that are no part of the program lie beside it.", **where)
        elif not _KNOWN.fullmatch(name):
            findings.note("unexpected_member", "A member stands in the archive that torch.jit.save never writes.", **where)
        elif info.compress_type and name.startswith(("data/", "constants/")):
            findings.note("packed_weights", "The weights are packed: they would be read as they stand.", **where)
    if archive.read("byteorder", 16) not in (b"", b"little"):
        said = "The numbers are written in the byte order of another kind of machine."
        findings.note("byte_order", said, member="byteorder", remedy=REMEDY)


def _read_source(archive: Archive, findings: Findings) -> Source:
    source, left = Source(), _MOST_SOURCE
    lines: dict[str, list[int]] = {}
    for name in archive.members:
        if not name.endswith(".py"):
            continue
        data = archive.read(name, left + 1)
        left -= len(data)
        if left < 0:
            findings.note("program_source", "The program's source is larger than 32 MiB.", member=name, remedy=REMEDY)
            break
        starts = [0]
        for line in data.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        lines[name] = starts
        source.add(name, data.decode("utf-8", "replace"))
    source.check()
    for member, flaw in source.flaws:
        said = _SENTENCES[flaw.code].replace("{found}", flaw.found)
        at = lines[member][flaw.line - 1] if flaw.line else None
        findings.note(flaw.code, said, member=member, offset=at, found=flaw.found, remedy=REMEDY)
    return source


def _read_pickle(archive: Archive, name: str, findings: Findings) -> Pickle | None:
    data = archive.read(name, pickles.MOST_BYTES + 1)
    if len(data) > pickles.MOST_BYTES:
        findings.note("pickle_too_long", "The pickle is larger than 64 MiB.", member=name, remedy=REMEDY)
        return None
    found = pickles.scan(data, findings, member=name, foreign=_may_be_named)
    if found.steps and found.end != len(data):
        said = "Bytes stand behind the end of the pickle."
        findings.note("hidden_bytes", said, member=name, offset=found.end, remedy=REMEDY)
    if any(isinstance(argument, str) and "torch.classes" in argument for _, argument, _ in found.steps):
        findings.note("foreign_object", "The program holds an object of a class in native code.", member=name, remedy=REMEDY)
    return found


def _may_be_named(module: str, name: str) -> bool:
    """The classes of the file's own source, and what makes typed lists."""
    if module == "torch.jit._pickle":
        return name in _OF_JIT
    return bool(_CLASS.fullmatch(module)) and name.isidentifier() and not module.startswith("__torch__.torch.classes")


def _name(one: Inert) -> str:
    return f"{one.of.module}.{one.of.name}"


def _tensors(top: Inert, classes: Mapping[str, Class]) -> tuple[dict[Any, Any], set[str], list[dict[str, str]]]:
    """Parameters and buffers by name, the names of the buffers, and the layers."""
    tensors: dict[Any, Any] = {}
    buffers: set[str] = set()
    layers: list[dict[str, str]] = []
    for prefix, one in _parts(top):
        declared = classes.get(_name(one), Class())
        layers.append({"name": prefix.removesuffix("."), "type": one.of.name[:200]})
        for name, value in one.attributes.items():
            if isinstance(value, Tensor):
                tensors[f"{prefix}{name}"] = value
                if name not in declared.parameters:
                    buffers.add(f"{prefix}{name}")
    return tensors, buffers, layers


def _parts(top: Inert) -> Iterator[tuple[str, Inert]]:
    waiting: list[tuple[str, Any]] = [("", top)]
    for _ in range(contents.MOST_TENSORS_LISTED):
        if not waiting:
            return
        prefix, one = waiting.pop()
        if isinstance(one, Inert) and isinstance(one.attributes, dict):
            yield prefix, one
            inner = [(str(name), value) for name, value in one.attributes.items() if isinstance(value, Inert)]
            waiting += [(f"{prefix}{name}.", value) for name, value in reversed(inner) if len(prefix + name) <= LONGEST_NAME]


def _judge_call(owner: Class, source: Source, findings: Findings) -> dict[str, Any]:
    """What the program says of itself; refused where it does not take one tensor of rows."""
    forward = owner.methods.get("forward")
    given = forward.args.args[1:] if forward else []
    asked = given[: len(given) - len(forward.args.defaults)] if forward else []
    kinds = [ast.unparse(one.annotation) if one.annotation else "Tensor" for one in asked]
    if forward is None or kinds != ["Tensor"]:
        said = "The program takes something else than one tensor of rows."
        remedy = "Wrap the model in a module whose forward takes one tensor of rows, and save that."
        findings.note("program_arguments", said, member=_DATA, found=", ".join(kinds)[:200], remedy=remedy)
    return {
        "language": "TorchScript",
        "input": {"name": asked[0].arg if asked else ""},
        "operators": dict(source.operators.most_common(200)),
    }
