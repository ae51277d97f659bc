"""What a pickle that may be followed describes: dense tensors by name, or something else that is named and refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from models_registry.inspection.formats import Format
from models_registry.inspection.headers import fit_to_be_a_name
from models_registry.inspection.inert import modern
from models_registry.inspection.machine import Machine, Misshapen, RunsCode
from models_registry.inspection.pickles import SAVE_WEIGHTS, Pickle
from models_registry.inspection.records import Tensor
from models_registry.inspection.report import Findings
from models_registry.inspection.taking import MOST_LISTED, Ambiguous, Taken, family, take

MOST_TENSORS_LISTED = 10_000
_CONTIGUOUS = "Make the tensors contiguous before saving: {k: v.contiguous() for k, v in model.state_dict().items()}."
MOST_LAYERS = 2_000


@dataclass(frozen=True)
class Layout:
    """Where the tensors lie in the file: each tensor's place in its storage, and each storage's place in the file (bytes)."""

    tensors: Mapping[str, Tensor]
    positions: Mapping[str, int]


@dataclass(frozen=True)
class Held:
    """The storages that the file holds: their bytes, and where they begin."""

    sizes: Mapping[str, int]
    positions: Mapping[str, int]


def judge_object(
    pickle: Pickle, held: Callable[[Machine], Held], findings: Findings, facts: dict[str, Any], *, member: str
) -> tuple[Format | None, Layout | None]:
    """Add the tensors to `facts`, or say in `findings` why the object holds no weights. `held` answers which storages the
    file has. Returns a more telling format where there is one, and where the tensors lie."""
    if not pickle.steps:
        return family(pickle), None
    machine = Machine(inert=bool(pickle.foreign))
    try:
        top = machine.run(pickle)
        taken = take(top, pickle)
    except RunsCode as error:
        said = f"The pickle does more than make objects: {error}. Following it would run code that its author chose."
        findings.note("forbidden_call", said, member=member, offset=machine.at, found=str(error)[:200], remedy=SAVE_WEIGHTS)
        return family(pickle), None
    except Misshapen as error:
        said = "The pickle's instructions do not fit together."
        findings.note("pickle_misshapen", said, member=member, offset=machine.at, found=str(error), remedy=SAVE_WEIGHTS)
        return family(pickle), None
    except Ambiguous as error:
        said = f"Several tables in the file could be the weights: {error}."
        remedy = 'Save the one that counts alone: torch.save(checkpoint["…"], "model.pt").'
        findings.note("nested_checkpoint", said, member=member, found=str(error), remedy=remedy)
        return family(pickle), None
    if taken is None:
        findings.note("not_weights", "The file holds something else than a table of tensors.", member=member, remedy=SAVE_WEIGHTS)
        return family(pickle), None
    judge_entries(taken.tensors, findings, member)
    storages = held(machine)
    judge_storages(machine, storages.sizes, findings)
    facts |= _facts(taken, pickle)
    return taken.format, None if findings else Layout(taken.tensors, storages.positions)


def _facts(taken: Taken, pickle: Pickle) -> dict[str, Any]:
    facts = facts_of(taken.tensors, taken.buffers)
    if not taken.whole:
        facts |= {"taken_from": taken.source, "left_out": taken.left_out[:MOST_LISTED], "left_out_count": len(taken.left_out)}
    if taken.layers:
        facts["layers"] = taken.layers[:MOST_LAYERS]
    if pickle.foreign:
        facts["classes"] = sorted({f"{modern(module)}.{name}"[:200] for module, name, _ in pickle.foreign})[:MOST_LISTED]
    return facts


def facts_of(tensors: Mapping[Any, Any], buffers: frozenset[str] | None) -> dict[str, Any]:
    """What is known of the tensors before any of their numbers is read; `buffers` names those that are no parameters."""
    known = {name: one for name, one in tensors.items() if isinstance(name, str) and isinstance(one, Tensor)}
    shared: dict[str, list[str]] = {}
    for name, tensor in known.items():
        shared.setdefault(tensor.storage.key, []).append(name)
    listed = [
        {"name": name, "dtype": t.dtype, "shape": list(t.shape), "parameters": t.elements, "bytes": t.size}
        | ({"buffer": name in buffers} if buffers is not None else {})
        for name, t in known.items()
    ]
    return summary({"tensors": listed}) | {"tied": [names for names in shared.values() if len(names) > 1][:1000]}


def summary(header: Mapping[str, Any]) -> dict[str, Any]:
    """Counts over all tensors, and the list of the first MOST_TENSORS_LISTED. Where the file tells buffers from parameters,
    they are counted apart; else "parameters" counts the numbers in both."""
    if "tensors" not in header:
        return {}
    tensors = header["tensors"]
    counts = {"parameters": sum(tensor["parameters"] for tensor in tensors if not tensor.get("buffer"))}
    if any("buffer" in tensor for tensor in tensors):
        counts["buffers"] = sum(tensor["parameters"] for tensor in tensors if tensor.get("buffer"))
    return {
        **header,
        "tensors": tensors[:MOST_TENSORS_LISTED],
        "tensor_count": len(tensors),
        **counts,
        "tensor_bytes": sum(tensor["bytes"] for tensor in tensors),
    }


def legacy_storages(file: BinaryIO, keys: Pickle, size: int, machine: Machine, findings: Findings) -> Held:
    """The storages of a legacy file: behind the pickles, in the order of the last one, each after
    its count of elements. Whatever does not add up to the end of the file is noted."""

    def refuse(sentence: str, **where: Any) -> Held:
        findings.note("storage_size", sentence, remedy=SAVE_WEIGHTS, **where)
        return Held(held, positions)

    held: dict[str, int] = {}
    positions: dict[str, int] = {}
    position = keys.end
    try:
        names = Machine().run(keys)
    except Misshapen:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return refuse("The list of storages is none.", offset=position)
    for name in names:
        if name in held or name not in machine.storages:
            return refuse("A storage is listed that no tensor uses, or twice.", offset=position, found=name[:200])
        file.seek(position)
        count = int.from_bytes(file.read(8), "little", signed=True)
        held[name] = count * machine.storages[name].width
        positions[name] = position + 8
        position += 8 + held[name]
        if count < 0 or position > size:
            return refuse("A storage claims more bytes than the file has.", offset=position, found=f"{count:,} elements")
    if position != size:
        refuse("Bytes stand behind the last storage.", offset=position)
    return Held(held, positions)


def judge_entries(top: Mapping[Any, Any], findings: Findings, member: str, *, empty: bool = False) -> None:
    """Every entry is a tensor with a name, within its storage; `empty`: there may be none."""

    def refuse(code: str, sentence: str, remedy: str = SAVE_WEIGHTS, found: str = "") -> None:
        findings.note(code, sentence, member=member, found=found, remedy=remedy)

    if not top and not empty:
        refuse("not_weights", "There is no tensor in it.")
    for name, value in top.items():
        shown = name[:200] if isinstance(name, str) else type(name).__name__
        if not isinstance(name, str) or not fit_to_be_a_name(name):
            refuse("not_weights", "A tensor's name is not a text of 1 to 512 characters.", found=shown)
        elif not isinstance(value, Tensor):
            refuse("not_weights", f"The entry {shown!r} is not a tensor.", found=shown)
        elif flaw := value.flaw():
            refuse("lying_tensor", f"The tensor {shown!r} is not what it says: {flaw}.", _CONTIGUOUS, found=shown)


def judge_storages(machine: Machine, sizes: Mapping[str, int], findings: Findings) -> None:
    """Each storage has exactly the bytes that the pickle claims, and none lies in the file unclaimed."""
    for key, storage in machine.storages.items():
        if sizes.get(key) != storage.size:
            said = f"A storage claims {storage.size:,} bytes and the file holds {sizes.get(key, 0):,} for it."
            findings.note("storage_size", said, member=f"data/{key}"[:200], remedy=SAVE_WEIGHTS)
    for key in sizes:
        if key not in machine.storages:
            said = "Bytes lie in the file as a storage that no tensor uses."
            findings.note("hidden_bytes", said, member=f"data/{key}"[:200], remedy=SAVE_WEIGHTS)
