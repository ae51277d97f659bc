"""The static policy for exported programs (.pt2): what may be loaded as a program, decided by reading it. Default deny.

`torch.export.load` trusts its file: it falls back to unrestricted unpickling, evaluates expressions, looks functions up by
name, imports classes, and turns names into Python source that it runs. So nothing is let through but what `torch.export.save`
writes for dense tensors and operators that compute on them. What is accepted is a program all the same, which may loop or
fill memory: it is loaded inside the sandbox only, at level L2 or better.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import Any

from models_registry.inspection import contents, pickles, saved
from models_registry.inspection.archives import Archive
from models_registry.inspection.expressions import SYMBOL, shape_of_arguments, symbol_of
from models_registry.inspection.machine import Machine, Misshapen
from models_registry.inspection.operators import in_words
from models_registry.inspection.program_schema import ELEMENTS, EXPORT_AGAIN, PROGRAM, SCHEMA_VERSION, payload
from models_registry.inspection.records import Tensor
from models_registry.inspection.report import Findings
from models_registry.inspection.schema import Schema

_MODEL = "models/model.json"
_SAMPLE = "data/sample_inputs/model.pt"
# The tables of weights and constants -> how the members that hold them begin.
TABLES = {"data/weights/model_weights_config.json": "weight", "data/constants/model_constants_config.json": "tensor"}
_MARKERS = {"archive_format": b"pt2", "archive_version": b"0", "byteorder": b"little"}
_KNOWN = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)|\.format_version|\.storage_alignment"
    r"|models/model\.json|data/(weights/model_weights|constants/model_constants)_config\.json|data/sample_inputs/model\.pt"
    r"|data/(weights/weight|constants/tensor)_[0-9]{1,9}"
)
_FORBIDDEN = {
    "data/executorch/": ("compiled_code", "The program carries compiled code."),
    "data/mtia/": ("compiled_code", "The program carries compiled code."),
    "xl_model_weights/": ("foreign_object", "The program names weights that lie outside of it."),
    "data/constants/custom_obj_": ("foreign_object", "The program carries a pickled object: rebuilding it would run code."),
    "data/constants/opaque_obj_": ("foreign_object", "The program carries a pickled object: rebuilding it would run code."),
    "extra/": ("extra_files", "Files that are no part of the program lie beside it."),
}
_PICKLED = re.compile(r"data/(weights|constants)/[^/]+\.pt")
_MOST_JSON = 32 << 20  # bytes; the largest models that are exported whole need a few MiB
_MOST_SAMPLE = 64 << 20  # bytes
_SMALLER_SAMPLE = "Export with an example of a few rows: no more is needed to trace the model. " + EXPORT_AGAIN
_TRAINING = (
    "The program was exported in training mode, so that its answers would depend on chance or on the other rows of a batch."
)


def judge_program(archive: Archive, findings: Findings, facts: dict[str, Any]) -> None:
    """Add what the program holds to `facts`, or say in `findings` why it must not be loaded."""
    if "serialized_exported_program.json" in archive.names:
        said = "The program is in the form that torch.export wrote before PyTorch 2.8, where its weights are pickled."
        findings.note("program_version", said, remedy=EXPORT_AGAIN)
        return
    _judge_members(archive, findings)
    if findings:
        return
    program = _read(archive, _MODEL, PROGRAM, findings)
    tables = {name: _read(archive, name, payload(prefix), findings) for name, prefix in TABLES.items()}
    _judge_sample(archive, findings)
    if findings or program is None:
        return
    tensors = [tensor for name, table in tables.items() for tensor in _tensors(archive, name, table or {}, findings)]
    facts |= contents.summary({"tensors": tensors})
    facts["program"] = _judge_program(program, findings)


def _judge_members(archive: Archive, findings: Findings) -> None:
    """Exactly the members that torch.export.save writes for one program, unpacked, each spelled as it writes it."""
    for name, info in archive.members.items():
        where = {"member": name[:200], "offset": info.header_offset, "remedy": EXPORT_AGAIN}
        forbidden = next((why for start, why in _FORBIDDEN.items() if name.lower().startswith(start)), None)
        if forbidden:
            findings.note(forbidden[0], forbidden[1], **where)
        elif _PICKLED.fullmatch(name):
            findings.note("pickled_weights", "Weights of the program are pickled: loading them would run code.", **where)
        elif not _KNOWN.fullmatch(name):
            findings.note("unexpected_member", "A member stands in the archive that torch.export.save never writes.", **where)
        elif info.compress_type:
            findings.note("packed_weights", "A member is packed: it would be read as it stands.", **where)
    for name in (_MODEL, _SAMPLE, *TABLES, *_MARKERS):
        if name not in archive.members:
            findings.note("missing_member", "A part of the program is missing.", member=name, remedy=EXPORT_AGAIN)
        elif name in _MARKERS and archive.read(name, 64) != _MARKERS[name]:
            said = "The program is in a form that is not known here."
            findings.note("program_version", said, member=name, remedy=EXPORT_AGAIN)


def _read(archive: Archive, member: str, schema: Schema, findings: Findings) -> dict[str, Any] | None:
    """The JSON in `member` if it is as `schema` says; each departure is noted with the place where its value stands."""
    data = archive.read(member, _MOST_JSON + 1)
    if len(data) > _MOST_JSON:
        findings.note("program_misshapen", "The description is larger than 32 MiB.", member=member, remedy=EXPORT_AGAIN)
        return None
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        said = "The program's description is not JSON."
        findings.note("program_misshapen", said, member=member, found=type(error).__name__, remedy=EXPORT_AGAIN)
        return None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if member == _MODEL and isinstance(version, dict) and version.get("major") != SCHEMA_VERSION:
        said = f"The program is not written in version {SCHEMA_VERSION} of torch.export's language."
        findings.note("program_version", said, member=member, found=str(version.get("major"))[:20], remedy=EXPORT_AGAIN)
        return None
    sound = True
    for departure in schema.departures(value):
        sound = False
        rule, text = departure.rule, json.dumps(departure.value)  # escaped: what is shown must not break where it is shown
        at = data.find(text.encode()) if isinstance(departure.value, str) else -1
        findings.note(
            rule.code, rule.sentence.replace("{value}", text.strip('"')[:100]), member=member, offset=at if at >= 0 else None,
            found=f"{json.dumps(departure.path)[1:-1]}: {text[:100]}"[-200:], remedy=rule.remedy or EXPORT_AGAIN,
        )  # fmt: skip
        if len(findings) >= 20:  # enough to see what it is
            break
    return value if sound else None


def _judge_sample(archive: Archive, findings: Findings) -> None:
    """The example inputs, which torch unpickles without restriction where the restricted way fails: one dense tensor."""
    data = archive.read(_SAMPLE, _MOST_SAMPLE + 1)
    if not data:
        return  # exported without; torch reads nothing then
    if len(data) > _MOST_SAMPLE:
        findings.note("sample_inputs", "The example inputs are larger than 64 MiB.", member=_SAMPLE, remedy=_SMALLER_SAMPLE)
        return
    inner = Findings()
    nested = Archive(io.BytesIO(data), len(data), inner)
    pickle = saved.read_pickle(nested, inner) if not inner else None
    machine, top = Machine(), None
    if pickle is not None and pickle.steps:
        try:
            top = machine.run(pickle)
        except Misshapen as error:
            inner.note("pickle_misshapen", "The pickle's instructions do not fit together.", found=str(error))
        else:
            contents.judge_storages(machine, saved.storages(nested), inner)
    if not inner:
        nested.check_contents()
    if not inner and not _one_tensor(top):
        inner.note("sample_inputs", "The example inputs are something else than one tensor of rows.")
    for reason in inner:
        where = f"{_SAMPLE}/{reason.member}".rstrip("/")[:200]
        said = f"In the example inputs: {reason.sentence[:1].lower()}{reason.sentence[1:]}"
        findings.note(reason.code, said, member=where, offset=reason.offset, found=reason.found, remedy=EXPORT_AGAIN)


def _one_tensor(top: object) -> bool:
    match top:
        case (tuple(positional), dict(named)):
            values = [*positional, *named.values()]
            plain = all(isinstance(name, str) and name.isascii() and name.isidentifier() for name in named)
            return plain and len(values) == 1 and isinstance(values[0], Tensor) and not values[0].flaw()
    return False


def _tensors(archive: Archive, table: str, entries: dict[str, Any], findings: Findings) -> list[dict[str, Any]]:
    """The tensors of a table that was read; each lies within the bytes of its member, and no member is unclaimed."""
    folder = table.rsplit("/", 1)[0] + "/"
    held = {name.removeprefix(folder): info.file_size for name, info in archive.members.items() if name.startswith(folder)}
    del held[table.removeprefix(folder)]
    tensors: list[dict[str, Any]] = []
    types: dict[str, int] = {}
    for name, entry in entries.get("config", {}).items():
        member, meta = entry["path_name"], entry["tensor_meta"]
        shape = [size["as_int"] for size in meta["sizes"]]
        storage_type = types.setdefault(member, meta["dtype"])
        width = pickles.DTYPES[ELEMENTS[meta["dtype"]]]
        tensor = saved.tensor(
            member, ELEMENTS[meta["dtype"]], shape, [size["as_int"] for size in meta["strides"]],
            offset=meta["storage_offset"]["as_int"], held=held.get(member, 0),
        )  # fmt: skip
        if tensor is None or member not in held or held[member] % width or storage_type != meta["dtype"] or tensor.flaw():
            said = f"The tensor {name[:200]!r} is not what it says: the bytes that it names do not hold it."
            findings.note("lying_tensor", said, member=folder + member, found=name[:200], remedy=EXPORT_AGAIN)
            continue
        tensors.append({
            "name": name, "dtype": tensor.dtype, "shape": shape, "parameters": tensor.elements, "bytes": tensor.size,
            "buffer": not entry["is_param"],
        })  # fmt: skip
    for member in held.keys() - types.keys():
        said = "Bytes lie in the file as weights that the program does not use."
        findings.note("hidden_bytes", said, member=folder + member, remedy=EXPORT_AGAIN)
    return tensors


def _judge_program(program: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """What the program says of itself; refused where it cannot be measured on rows of any number."""
    module = program["graph_module"]
    graph, signature, calls = module["graph"], module["signature"], module["module_call_graph"]
    if not calls or calls[0]["fqn"] or not calls[0]["signature"] or any(call["signature"] for call in calls[1:]):
        said = "The program does not say how it is called, or parts of it are called on their own."
        findings.note("program_arguments", said, member=_MODEL, remedy=EXPORT_AGAIN)
        return {}
    for node in graph["nodes"]:
        if flag := _training(node):
            found, remedy = f"{in_words(node['target'])}: {flag}", "Call model.eval() before the export. " + EXPORT_AGAIN
            findings.note("training_mode", _TRAINING, member=_MODEL, found=found, remedy=remedy)
    asked = [spec["user_input"]["arg"]["as_tensor"]["name"] for spec in signature["input_specs"] if "user_input" in spec]
    meta = graph["tensor_values"].get(asked[0]) if len(asked) == 1 else None
    if meta is None:
        said = "The program takes something else than one tensor of rows."
        findings.note("program_arguments", said, member=_MODEL, found=", ".join(asked)[:200], remedy=EXPORT_AGAIN)
        return {}
    shape = [size["as_int"] if "as_int" in size else size["as_expr"]["expr_str"] for size in meta["sizes"]]
    rows = _judge_rows(shape, program["range_constraints"], findings)
    keyword = next(iter(shape_of_arguments(calls[0]["signature"]["in_spec"])[1]), "")
    return {
        "input": {
            "dtype": ELEMENTS[meta["dtype"]],
            "shape": ["rows", *(_in_words(size) for size in shape[1:])],
            "keyword": keyword,
        },
        "rows": rows,
        "operators": dict(sorted(Counter(in_words(node["target"]) for node in graph["nodes"]).items())),
        "layers": sum(1 for call in calls if call["fqn"]),
        "exported_by": f"torch {program.get('torch_version', '')}".strip(),
    }


def _training(node: dict[str, Any]) -> str:
    """The argument that says that the node behaves as in training; normalising without kept statistics does so always."""
    arguments = {given["name"]: given["arg"] for given in node["inputs"]}
    if "batch_norm" in node["target"] and "as_tensor" not in arguments.get("running_mean", {}):
        return ""
    return next((name for name in ("train", "training") if arguments.get(name) == {"as_bool": True}), "")


def _judge_rows(shape: list[Any], ranges: dict[str, Any], findings: Findings) -> dict[str, int | None]:
    """The fewest and most rows that the program takes at once: any number from 2, or from 1, is what measuring needs."""
    symbol = symbol_of(shape[0]) if shape else ""
    bounds = ranges.get(symbol, {})
    fewest, most = bounds.get("min_val"), bounds.get("max_val")
    if not symbol or (fewest or 0) > 2 or (most is not None and most < 2):
        how = (
            f"exactly {shape[0]}"
            if shape and isinstance(shape[0], int)
            else f"{fewest} to {most}"
            if symbol
            else "some numbers of"
        )
        said = (
            f"The program takes {how} rows at a time; its first axis must be free, so that any number can be measured in batches."
        )
        findings.note("fixed_rows", said, member=_MODEL, found=str(shape)[:200], remedy=EXPORT_AGAIN)
    return {"fewest": fewest, "most": most}


def _in_words(size: int | str) -> int | str:
    """A fixed size as it is; a free one as its symbol."""
    if isinstance(size, int):
        return size
    return symbol_of(size) or " · ".join(dict.fromkeys(SYMBOL.findall(size))) or "free"
