"""The static gate: whether a file may be loaded at all, decided by reading it. Default deny, standard library only.

It is the first fence, not the only one: what it accepts is still loaded with `weights_only=True`, inside the sandbox. What it
finds salvageable no unpickler ever meets: the tensors are read from the places that the gate worked out.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any, BinaryIO, cast

from models_registry.inspection import contents, pickles, programs, saved, scripts, taking
from models_registry.inspection.archives import Archive
from models_registry.inspection.formats import LOADABLE, NAMES, Format, recognise
from models_registry.inspection.headers import read_header
from models_registry.inspection.inert import may_be_named, modern
from models_registry.inspection.machine import Machine, Misshapen
from models_registry.inspection.pickles import SAVE_WEIGHTS, Pickle
from models_registry.inspection.program_schema import EXPORT_AGAIN
from models_registry.inspection.report import Findings, StaticReport, Verdict

_SMALL = 64  # bytes; no more of a marker member is ever read
_OBJECT = 3  # of the five pickles of a legacy file
_TEXT_PICKLE_TRIAL = 10_000  # instructions; pickles of protocol 0 have no magic number

_REMEDIES = {
    Format.TORCHSCRIPT_LITE: "Save the model before it is turned into bytecode. " + EXPORT_AGAIN,
    Format.AOTINDUCTOR: "Native code is never run. " + SAVE_WEIGHTS,
    Format.UNREADABLE: "Name a plain file that this user may read.",
    Format.EMPTY: "Send the file again. " + SAVE_WEIGHTS,
}


@dataclass
class _Seen:
    """What reading found so far. `findings` refuse the file; `salvage` are names that keep it from being taken as it is."""

    findings: Findings = field(default_factory=Findings)
    salvage: Findings = field(default_factory=Findings)
    facts: dict[str, Any] = field(default_factory=dict)
    layout: contents.Layout | None = None

    def note_foreign(self, pickle: Pickle, member: str) -> None:
        """Every foreign class is named once; those of torch itself, which every module holds many of, together."""
        of_torch: dict[str, int] = {}
        for module, name, at in pickle.foreign:
            full = f"{module}.{name}"[:200]
            if module.startswith("torch."):
                of_torch.setdefault(full, at)
            elif modern(module) not in ("builtins", "collections", "copyreg"):  # of which nothing is left behind
                self._note_class(f"an object of {full}", full, at, member)
        if of_torch:
            first, at = next(iter(of_torch.items()))
            others = f" and {len(of_torch) - 1} more classes of PyTorch" if len(of_torch) > 1 else ""
            self._note_class(f"objects of {first}{others}", ", ".join(of_torch)[:1000], at, member)

    def _note_class(self, what: str, found: str, at: int, member: str) -> None:
        said = f"The pickle holds {what}. No code was imported or run for it; only the tensors were taken."
        self.salvage.note("foreign_class", said, member=member, offset=at, found=found, remedy=SAVE_WEIGHTS)


def inspect_file(path: str | os.PathLike[str]) -> StaticReport:
    """What reading alone says about the file at `path`, whatever the bytes: never an exception but MemoryError. Memory stays
    at a few MiB plus the pickle or header; the whole file is read once, for its digest and its archive's checksums."""
    name = os.fspath(path)
    try:
        # O_NONBLOCK: a pipe in place of a file would make open() wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        return _unreadable(name, str(error))
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        os.close(descriptor)
        return _unreadable(name, "it is not a plain file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            return _inspect(name, file, info.st_size)
        except MemoryError:
            raise  # says nothing about the file; the sandbox names its limit
        except Exception as error:  # the gate's own failure must never let a file pass
            findings = Findings()
            said = "The file could not be examined, so it is not accepted."
            findings.note("gate_failed", said, remedy=SAVE_WEIGHTS, found=type(error).__name__)
            return StaticReport(path=name, format=Format.UNKNOWN, verdict=Verdict.REFUSED, reasons=findings)


def _inspect(name: str, file: BinaryIO, size: int) -> StaticReport:
    seen = _Seen(facts={"size": size})
    sha256 = "sha256:" + hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
    outer = recognise(file, size)
    file.seek(0)
    if outer == Format.ZIP:
        format_ = _inspect_zip(file, size, seen)
    elif outer == Format.SAFETENSORS:
        format_ = outer
        seen.facts |= contents.summary(read_header(file, size, seen.findings))
    elif outer == Format.TORCH_LEGACY:
        format_ = _inspect_legacy(file, size, seen)
    elif outer in (Format.PICKLE, Format.UNKNOWN):
        format_ = _inspect_pickle(file, outer, seen)
    else:
        format_ = outer
    if format_ not in LOADABLE:
        seen.findings.note(
            "format", f"This is {NAMES[format_]}." if format_ != Format.EMPTY else "The file is empty.",
            remedy=_REMEDIES.get(format_, SAVE_WEIGHTS), found=str(format_),
        )  # fmt: skip
    verdict = Verdict.REFUSED if seen.findings else Verdict.SALVAGEABLE if seen.salvage else Verdict.ACCEPTED
    reasons = seen.findings or seen.salvage
    layout = None if seen.findings else seen.layout
    return StaticReport(
        path=name, format=format_, verdict=verdict, reasons=reasons, facts=seen.facts, sha256=sha256, layout=layout
    )


def _unreadable(name: str, why: str) -> StaticReport:
    findings = Findings()
    remedy = _REMEDIES[Format.UNREADABLE]
    findings.note("unreadable", f"The file cannot be read: {why}.", remedy=remedy)
    return StaticReport(path=name, format=Format.UNREADABLE, verdict=Verdict.REFUSED, reasons=findings)


def _inspect_zip(file: BinaryIO, size: int, seen: _Seen) -> Format:
    archive = Archive(file, size, seen.findings)
    seen.facts |= {"container": str(Format.ZIP), "members": len(archive.names), "unpacked": archive.unpacked}
    format_ = _kind_of_archive(archive)
    if format_ == Format.TORCH_ZIP:
        format_ = _inspect_torch_zip(archive, seen)
    elif format_ == Format.TORCH_EXPORT:
        programs.judge_program(archive, seen.findings, seen.facts)
    elif format_ == Format.TORCHSCRIPT:
        seen.layout = scripts.judge_script(archive, seen.findings, seen.facts)
    if not seen.findings:
        archive.check_contents()
    return format_


def _kind_of_archive(archive: Archive) -> Format:
    """What the archive holds, by its members. Names are compared as torch's reader does, without regard to case."""
    folded = {name.lower() for name in archive.members}
    if any(name.startswith("data/aotinductor/") for name in folded):
        return Format.AOTINDUCTOR
    if "archive_format" in archive.members and archive.read("archive_format", _SMALL).strip() == b"pt2":
        return Format.TORCH_EXPORT
    if "serialized_exported_program.json" in archive.names:  # before torch 2.8
        return Format.TORCH_EXPORT
    if "constants.pkl" in folded:  # torch's own test
        return Format.TORCHSCRIPT_LITE if "bytecode.pkl" in folded else Format.TORCHSCRIPT
    if any(name.lower().endswith("data.pkl") for name in archive.names):
        return Format.TORCH_ZIP
    if archive.names and all(name.endswith(".npy") for name in archive.names):
        return Format.NUMPY
    return Format.ZIP


def _inspect_torch_zip(archive: Archive, seen: _Seen) -> Format:
    seen.facts["container"] = str(Format.TORCH_ZIP)
    pickle = saved.read_pickle(archive, seen.findings, foreign=may_be_named)
    if pickle is None:
        return Format.TORCH_ZIP
    seen.facts["globals"] = _globals(pickle)
    member = saved.pickle_member(archive)
    seen.note_foreign(pickle, member)
    format_, seen.layout = contents.judge_object(
        pickle,
        lambda _: contents.Held(saved.storages(archive), saved.positions(archive)),
        seen.findings,
        seen.facts,
        member=member,
    )
    return format_ or Format.TORCH_ZIP


def _inspect_legacy(file: BinaryIO, size: int, seen: _Seen) -> Format:
    """Five pickles (magic number, version, host facts, object, storage keys), then the storages, then nothing."""
    seen.facts["container"] = str(Format.TORCH_LEGACY)
    five: list[Pickle] = []
    for number in range(5):
        five.append(pickles.scan(file, seen.findings, foreign=may_be_named if number == _OBJECT else pickles.nothing_else))
        if not five[-1].steps:
            seen.facts["globals"] = sorted({name for pickle in five for name in _globals(pickle)})
            return taking.family(five[-1]) or Format.TORCH_LEGACY
        file.seek(five[-1].end)
    seen.facts["globals"] = sorted({name for pickle in five for name in _globals(pickle)})
    if not _little_endian(five[_OBJECT - 1]):
        said = "The numbers are written in the byte order of another kind of machine."
        seen.findings.note("byte_order", said, remedy=SAVE_WEIGHTS)
    seen.note_foreign(five[_OBJECT], "")
    format_, seen.layout = contents.judge_object(
        five[_OBJECT],
        lambda machine: contents.legacy_storages(file, five[4], size, machine, seen.findings),
        seen.findings,
        seen.facts,
        member="",
    )
    return format_ or Format.TORCH_LEGACY


def _little_endian(host: Pickle) -> bool:
    """Whether the machine that wrote the file put the small end of numbers first; torch writes so in every legacy file."""
    try:
        facts = Machine().run(host)
    except Misshapen:
        return False
    return isinstance(facts, dict) and facts.get("little_endian") is True


def _inspect_pickle(file: BinaryIO, outer: Format, seen: _Seen) -> Format:
    """A pickle outside torch's formats is refused; what it names is said all the same. Without a protocol byte, bytes count
    as a pickle if they can be read as one to its end, or name something on the way."""
    trial = Findings()
    pickle = pickles.scan(file, trial, opcodes=pickles.MOST_OPCODES if outer == Format.PICKLE else _TEXT_PICKLE_TRIAL)
    if outer == Format.UNKNOWN and not pickle.globals and not pickle.steps:
        return Format.UNKNOWN
    seen.facts["globals"] = _globals(pickle)
    seen.findings.extend(trial)
    return Format.PICKLE


def _globals(pickle: Pickle) -> list[str]:
    return sorted({f"{module}.{name}"[:200] for module, name, _ in pickle.globals})[:200]
