"""Changes to an honest program, one for each rule of the policy: none of these files may be loaded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.inspection import attacks
from tests.inspection.programs_cast import MODEL, SAMPLE, WEIGHTS, Change, Members, edit, in_model, node, object_in_constants


def _target(program: dict[str, Any], marker: Path) -> None:
    node(program, 1)["target"] = "torch.os.system"
    node(program, 1)["inputs"] = [{"name": "", "arg": {"as_string": attacks.touch(marker)}, "kind": 1}]


def _graph(change: Callable[[dict[str, Any]], object]) -> Change:
    return in_model(lambda program, marker: change(program["graph_module"]["graph"]))


def _first_node(**fields: Any) -> Change:
    return in_model(lambda program, marker: node(program).update(fields))


def _argument(argument: dict[str, Any]) -> Change:
    return in_model(lambda program, marker: node(program)["inputs"][0].update(arg=argument))


def _program(**fields: Any) -> Change:
    return in_model(lambda program, marker: program.update(fields))


def _module(**fields: Any) -> Change:
    return in_model(lambda program, marker: program["graph_module"].update(fields))


def _input_meta(**fields: Any) -> Change:
    return _graph(lambda graph: graph["tensor_values"]["input"].update(fields))


def _in_weights(change: Callable[[dict[str, Any]], object]) -> Change:
    return lambda members, marker: edit(WEIGHTS, change, of=members)


def _weight(**fields: Any) -> Change:
    return _in_weights(lambda table: table["config"]["1.weight"]["tensor_meta"].update(fields))


def _member(name: str, data: bytes | None) -> Change:
    """The member with other bytes, or without it."""

    def change(members: Members, marker: Path) -> None:
        del marker
        if data is None:
            del members[name]
        else:
            members[name] = data

    return change


def _samples(value: Any) -> Change:
    stream = io.BytesIO()
    torch.save(value, stream)
    return _member(SAMPLE, stream.getvalue())


def _sample_with(name: str) -> Change:
    def change(members: Members, marker: Path) -> None:
        del marker
        stream = io.BytesIO(members[SAMPLE])
        with zipfile.ZipFile(stream, "a") as nested:
            nested.writestr(name, b"")
        members[SAMPLE] = stream.getvalue()

    return change


def _flip_a_sample(members: Members, marker: Path) -> None:
    """One byte of the example's numbers, whose checksum stays as it was."""
    del marker
    data = bytearray(members[SAMPLE])
    with zipfile.ZipFile(io.BytesIO(data)) as nested:
        info = nested.getinfo("archive/data/0")
    data[info.header_offset + 30 + len(info.filename) + int.from_bytes(data[info.header_offset + 28 :][:2], "little")] ^= 1
    members[SAMPLE] = bytes(data)


def _one_member_two_types(table: dict[str, Any]) -> None:
    """The second entry reads the bytes of the first as other numbers."""
    first = table["config"]["1.weight"]
    meta = {**first["tensor_meta"], "dtype": 5, "sizes": [{"as_int": 4}], "strides": [{"as_int": 1}]}
    table["config"]["again"] = {**first, "tensor_meta": meta}


def _weight_of_pythons_own(members: Members, marker: Path) -> None:
    del marker
    for member in (MODEL, WEIGHTS):
        members[member] = members[member].replace(b'"1.weight"', b'"1.__dict__"')


def _only_range(program: dict[str, Any]) -> dict[str, Any]:
    (found,) = program["range_constraints"].values()
    return found


def _calls(change: Callable[[list[dict[str, Any]]], object]) -> Change:
    return in_model(lambda program, marker: change(program["graph_module"]["module_call_graph"]))


def _call(**fields: Any) -> Change:
    return _module(module_call_graph=[{"fqn": "", "signature": None, **fields}])


_SHAPE_LEAF: dict[str, Any] = {"type": None, "context": None, "children_spec": []}


def _tuple(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "builtins.tuple", "context": "null", "children_spec": list(parts)}


def _named(*names: str) -> dict[str, Any]:
    return {"type": "builtins.dict", "context": json.dumps(names), "children_spec": [_SHAPE_LEAF for _ in names]}


def _in(parts: list[dict[str, Any]]) -> Change:
    text = json.dumps([1, _tuple(*parts)])
    return in_model(lambda p, marker: p["graph_module"]["module_call_graph"][0]["signature"].update(in_spec=text))


def _out(kind: str, context: Any) -> Change:
    text = json.dumps([1, {"type": kind, "context": context, "children_spec": []}])
    return in_model(lambda p, marker: p["graph_module"]["module_call_graph"][0]["signature"].update(out_spec=text))


_ROWS = torch.zeros(2, 1, 8, 8)
_GRAPH_INSIDE = {"as_graph": {"name": "inner", "graph": {}}}

# One for each rule: name -> the reason that must be given, and the change
REFUSED: dict[str, tuple[str, Change]] = {
    "a function of the system": ("forbidden_operator", in_model(_target)),
    "an operator that reads files": ("forbidden_operator", _first_node(target="torch.ops.aten.from_file.default")),
    "an operator on raw memory": ("forbidden_operator", _first_node(target="torch.ops.aten.as_strided.default")),
    "an operator of another library": ("forbidden_operator", _first_node(target="torch.ops.own.relu.default")),
    "an attribute of an operator": ("forbidden_operator", _first_node(target="torch.ops.aten.relu.__class__")),
    "a method of an operator": ("forbidden_operator", _first_node(target="torch.ops.aten.relu.overloads")),
    "a function of Python": ("forbidden_operator", _first_node(target="_operator.attrgetter")),
    "an extension": ("forbidden_operator", _first_node(target="#own:relu")),
    "a target that is no text": ("forbidden_operator", _first_node(target=["torch.ops.aten.relu.default"])),
    "a program inside": ("forbidden_operator", _argument(_GRAPH_INSIDE)),
    "an operator as an argument": ("forbidden_operator", _argument({"as_operator": "torch.os.system"})),
    "an object as an argument": ("foreign_object", _argument({"as_custom_obj": {"name": "a", "class_fqn": "b"}})),
    "an unknown kind of argument": ("program_misshapen", _argument({"as_code": "1"})),
    "two kinds of one argument": ("program_misshapen", _argument({"as_int": 1, "as_float": 1.0})),
    "a text for a number": ("program_misshapen", _argument({"as_int": "1); print(1"})),
    "a list for a number": ("program_misshapen", _argument({"as_int": [1]})),
    "a truth for a number": ("program_misshapen", _argument({"as_int": True})),
    "a number for a truth": ("program_misshapen", _argument({"as_bool": 1})),
    "a number for a text": ("program_misshapen", _argument({"as_string": 1})),
    "a text for a kind": ("program_misshapen", in_model(lambda program, marker: node(program)["inputs"][0].update(kind="1"))),
    "an argument by a name that is code": (
        "program_misshapen",
        in_model(lambda program, marker: node(program)["inputs"][0].update(name="self=1, other")),
    ),
    "a text for a float": ("program_misshapen", _argument({"as_float": "1e5"})),
    "another device": ("program_device", _argument({"as_device": {"type": "cuda", "index": 0}})),
    "a sparse layout": ("program_tensor", _argument({"as_layout": 1})),
    "an unknown field of a node": ("program_misshapen", _first_node(more=1)),
    "unknown notes": ("program_misshapen", _first_node(metadata={"more": ""})),
    "notes that name functions by code": ("program_misshapen", _first_node(metadata={"source_fn_stack": "a,torch.x()"})),
    "a node without outputs": ("program_misshapen", in_model(lambda program, marker: node(program).pop("outputs"))),
    "nodes in a table": ("program_misshapen", _graph(lambda graph: graph.update(nodes={}))),
    "a keyword as a name": ("program_name", _first_node(name="lambda")),
    "a name of Python's own": ("program_name", _first_node(name="__import__")),
    "an input on another device": ("program_device", _input_meta(device={"type": "cuda", "index": None})),
    "an input of no known type": ("program_tensor", _input_meta(dtype=9)),
    "an input that is sparse": ("program_tensor", _input_meta(layout=2)),
    "a hint that is code": (
        "program_misshapen",
        _input_meta(sizes=[{"as_expr": {"expr_str": "Symbol('s1')", "hint": {"as_int": "2"}}}]),
    ),
    "rows in a fixed number": ("fixed_rows", _input_meta(sizes=[{"as_int": 2}])),
    "rows in pairs": ("fixed_rows", _input_meta(sizes=[{"as_expr": {"expr_str": "Mul(Integer(2), Symbol('s1'))"}}])),
    "an input without an axis": ("fixed_rows", _input_meta(sizes=[])),
    "many rows at least": ("fixed_rows", in_model(lambda program, marker: _only_range(program).update(min_val=5))),
    "one row at most": ("fixed_rows", in_model(lambda program, marker: _only_range(program).update(max_val=1))),
    "a range of no symbol": ("program_expression", _program(range_constraints={"u0=1": {"min_val": 0, "max_val": None}})),
    "objects beside the tensors": ("foreign_object", _graph(lambda graph: graph.update(custom_obj_values={"a": {}}))),
    "a constant as input": ("program_misshapen", _graph(lambda graph: graph["inputs"].append({"as_string": "' or 1 or '"}))),
    "a graph that changes a buffer": (
        "program_state",
        in_model(
            lambda p, marker: p["graph_module"]["signature"]["output_specs"].append(
                {"buffer_mutation": {"arg": {"name": "a"}, "buffer_name": "b"}}
            )
        ),
    ),
    "an input too many": (
        "program_arguments",
        in_model(
            lambda p, marker: p["graph_module"]["signature"]["input_specs"].append(
                {"user_input": {"arg": {"as_tensor": {"name": "input"}}}}
            )
        ),
    ),
    "arguments in a list": ("program_arguments", _in([_SHAPE_LEAF])),
    "two arguments": ("program_arguments", _in([_tuple(_SHAPE_LEAF, _SHAPE_LEAF), _named()])),
    "arguments in a tuple for names": ("program_arguments", _in([_tuple(_SHAPE_LEAF), _tuple()])),
    "a tuple by name": ("program_arguments", _in([_tuple(), {**_named("a"), "children_spec": [_tuple()]}])),
    "no argument": ("program_arguments", _in([_tuple(), _named()])),
    "a list of tensors as argument": ("program_arguments", _in([_tuple(_tuple(_SHAPE_LEAF)), _named()])),
    "two arguments by name": ("program_arguments", _in([_tuple(), _named("a", "b")])),
    "an argument by place and one by name": ("program_arguments", _in([_tuple(_SHAPE_LEAF), _named("a")])),
    "a part by a name that is code": (
        "program_misshapen",
        _calls(lambda calls: calls[1].update(fqn='a"b')),
    ),
    "a version that is a letter": ("program_misshapen", _program(torch_version="2.13\nimport os")),
    "no call": ("program_arguments", _module(module_call_graph=[])),
    "a call without a signature": ("program_arguments", _call()),
    "a first call of a part": ("program_arguments", _calls(lambda calls: calls[0].update(fqn="1"))),
    "a part that is called on its own": (
        "program_arguments",
        _calls(lambda calls: calls[1].update(signature=calls[0]["signature"])),
    ),
    "a call of a part": ("program_arguments", _call(fqn="1")),
    "an answer of a foreign class": ("program_arguments", _out("torch.Size", "null")),
    "an answer with a factory": (
        "program_arguments",
        _out("collections.defaultdict", {"default_factory_module": "os", "default_factory_name": "system", "dict_context": []}),
    ),
    "an answer with named fields": ("program_arguments", _module(treespec_namedtuple_fields={"a.B": {"field_names": []}})),
    "another language": ("program_version", _program(schema_version={"major": 9, "minor": 0})),
    "an unknown verifier": ("program_misshapen", _program(verifiers=["OWN"])),
    "no description": ("program_misshapen", _member(MODEL, b"{not json")),
    "a description too deep": ("program_misshapen", _member(MODEL, b"[" * 200_000)),
    "a description that is a list": ("program_misshapen", _member(MODEL, b"[]")),
    "a description cut off": ("missing_member", _member(MODEL, None)),
    "another form of archive": ("program_version", _member("archive_version", b"1")),
    "numbers the other way round": ("program_version", _member("byteorder", b"big")),
    "no example inputs": ("missing_member", _member(SAMPLE, None)),
    "no weights": ("missing_member", _member(WEIGHTS, None)),
    "compiled code": ("compiled_code", _member("data/executorch/model.pte", b"")),
    "weights elsewhere": ("foreign_object", _member("xl_model_weights/a", b"")),
    "a scripted object": ("foreign_object", object_in_constants("custom")),
    "files beside the program": ("extra_files", _member("extra/notes.txt", b"")),
    "a second program": ("unexpected_member", _member("models/other.json", b"{}")),
    "a pickle beside the program": ("unexpected_member", _member("data.pkl", b"")),
    "constants of the old form": ("pickled_weights", _member("data/constants/model.pt", b"")),
    "a name of a weight that leads away": (
        "foreign_object",
        _in_weights(lambda table: table["config"]["1.weight"].update(path_name="../../models/model.json")),
    ),
    "a weight that is larger than its bytes": ("lying_tensor", _weight(sizes=[{"as_int": 9}, {"as_int": 64}])),
    "a weight that repeats one number": ("lying_tensor", _weight(sizes=[{"as_int": 1 << 40}], strides=[{"as_int": 0}])),
    "a weight of two shapes": ("lying_tensor", _weight(strides=[{"as_int": 1}])),
    "bytes that two weights take for different numbers": ("lying_tensor", _in_weights(_one_member_two_types)),
    "a weight by a name of Python's own": ("program_name", _weight_of_pythons_own),
    "a weight of another type": ("lying_tensor", _weight(dtype=8)),
    "a weight without its bytes": ("lying_tensor", _member("data/weights/weight_0", None)),
    "a weight with a few bytes more": ("lying_tensor", _member("data/weights/weight_0", bytes(8 * 64 * 4 + 1))),
    "a weight of free size": (
        "program_misshapen",
        _weight(sizes=[{"as_expr": {"expr_str": "Symbol('s1')", "hint": None}}, {"as_int": 64}]),
    ),
    "bytes that no weight claims": ("hidden_bytes", _member("data/weights/weight_9", b"1234")),
    "two example inputs": ("sample_inputs", _samples(((_ROWS, _ROWS), {}))),
    "an example input that is none": ("sample_inputs", _samples((("text",), {}))),
    "an example input by a name that is code": ("sample_inputs", _samples(((), {"a\"b": _ROWS}))),
    "example inputs in a list": ("sample_inputs", _samples([_ROWS])),
    "a sparse example input": ("forbidden_global", _samples(((_ROWS.to_sparse(),), {}))),
    "example inputs that are no archive": ("zip_end", _member(SAMPLE, b"\x80\x02}.")),
    "an example input that repeats one number": ("sample_inputs", _samples(((torch.zeros(1).expand(1 << 40),), {}))),
    "an example input with a changed byte": ("bad_checksum", _flip_a_sample),
    "bytes beside the example input": ("hidden_bytes", _sample_with("archive/data/7")),
    "a script among the example inputs": ("unexpected_member", _sample_with("archive/constants.pkl")),
}  # fmt: skip
