"""What torch.export writes into a program, as of its schema 8, less what would let the file's author run code.

Names become variables of Python source that torch generates and runs, so they are identifiers; numbers are numbers, because
torch checks no types itself. Arguments that hold graphs, operators or objects are left out.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import replace

from models_registry.inspection import operators
from models_registry.inspection.expressions import LEAF, SYMBOL, is_expression, is_guard, shape_of_arguments
from models_registry.inspection.pickles import DTYPES
from models_registry.inspection.schema import Maybe, OneOf, Record, Rows, Rule, Schema, Table

SCHEMA_VERSION = 8  # torch.export's own; another major number means another language
EXPORT_AGAIN = (
    "Export the model anew, from PyTorch 2.8 on, with free rows: "
    'program = torch.export.export(model.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("rows", min=1)},)); '
    'torch.export.save(program, "model.pt2").'
)
_WITHOUT_BRANCHES = (
    "Inline what branches or switches gradients off (torch.no_grad needs no place in forward): "
    "program = program.run_decompositions({}), then save it."
)
_ON_THE_CPU = "Move the model to the CPU before the export: model.cpu().eval()."
# torch's numbers for types of elements -> their names
ELEMENTS = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 10: "complex64",
    11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2", 34: "uint32",
    35: "uint64",
}  # fmt: skip
_STRIDED = 7
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,499}")
_PATH = re.compile(r"[A-Za-z0-9_-]{1,200}(\.[A-Za-z0-9_-]{1,200}){0,50}")
_DOTTED = re.compile(r"[\w.,;$<>\[\]]*", re.ASCII)
_RUNS_CODE = "torch would take it for Python source and run it"


def _text(value: object) -> bool:
    return isinstance(value, str)


def _is_empty(value: object) -> bool:
    return value == {}


def _whole(value: object) -> bool:
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value)) and not keyword.iskeyword(value) and value[:2] != "__"


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(_PATH.fullmatch(value)) and not any(p.startswith("__") for p in value.split("."))


def _is_arguments(value: object) -> bool:
    """The program takes exactly one tensor, by position or by name: a table of rows."""
    try:
        shape = shape_of_arguments(value)
    except ValueError:
        return False
    if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(shape[1], dict):
        return False
    positional, named = shape
    return (positional == (LEAF,) and not named) or (positional == () and len(named) == 1 and LEAF in named.values())


def _is_answer(value: object) -> bool:
    try:
        shape_of_arguments(value)
    except ValueError:
        return False
    return True


def _never(code: str, sentence: str, remedy: str = EXPORT_AGAIN) -> Rule:
    return Rule(lambda _: False, code, sentence, remedy)


_TEXT = Rule(_text)
_INT = Rule(_whole)
_COUNT = Rule(lambda value: type(value) is int and 0 <= value < 1 << 53)
_FLAG = Rule(lambda value: isinstance(value, bool))
_NUMBER = Rule(lambda value: type(value) in (int, float) or value in ("Infinity", "-Infinity", "NaN"))
_NAME_RULE = Rule(_is_name, "program_name", f"A name in the program is no plain name: {_RUNS_CODE}.", EXPORT_AGAIN)
_PATH_RULE = Rule(_is_path, "program_name", f"The name of a weight is no plain name: {_RUNS_CODE}.", EXPORT_AGAIN)
_SYMBOL = Rule(
    lambda value: isinstance(value, str) and bool(SYMBOL.fullmatch(value)),
    "program_expression",
    "The name of a size is not one that torch gives.",
    EXPORT_AGAIN,
)
_EXPRESSION = Rule(
    is_expression,
    "program_expression",
    f"An expression over sizes is more than sizes and arithmetic: {_RUNS_CODE}.",
    EXPORT_AGAIN,
)
_GUARD = Rule(
    is_guard, "program_guard", f"A condition on the inputs is more than a comparison of sizes: {_RUNS_CODE}.", EXPORT_AGAIN
)
_TARGET = Rule(
    operators.allowed,
    "forbidden_operator",
    "The program calls {value}, which is not on the list of operators that only compute on tensors.",
    f"Use operators of PyTorch itself, on dense tensors. {_WITHOUT_BRANCHES}",
)
_DEVICE = Rule(
    lambda value: value in ({"type": "cpu", "index": None}, {"type": "cpu"}),
    "program_device",
    "The program is bound to a device other than the CPU.",
    _ON_THE_CPU,
)
_LAYOUT = Rule(
    lambda value: type(value) is int and value == _STRIDED,
    "program_tensor",
    "The program uses tensors that are not dense.",
    EXPORT_AGAIN,
)
_DTYPE = Rule(
    lambda value: type(value) is int and ELEMENTS.get(value) in DTYPES,
    "program_tensor",
    "The program uses a type of numbers that is not known here.",
    EXPORT_AGAIN,
)
_ANSWER_SHAPE = Rule(
    _is_answer,
    "program_arguments",
    "What the program answers is more than tensors in tuples, lists and dictionaries: torch would import the class it names.",
    "Return a tensor, or a tuple or dictionary of tensors.",
)
_ARGUMENTS_SHAPE = Rule(
    _is_arguments,
    "program_arguments",
    "The program takes something else than one tensor of rows.",
    "Wrap the model in a module whose forward takes one tensor of rows, and export that.",
)
_BRANCH = _never("forbidden_operator", "The program carries programs of its own inside.", _WITHOUT_BRANCHES)
_OBJECT = _never(
    "foreign_object", "The program carries an object, not only tensors: rebuilding it would run code that its author chose."
)
_STATE = _never(
    "program_state",
    "The program changes its own weights or inputs while it runs, so that answers would depend on what was asked before.",
    "Export the model in evaluation mode, without buffers that forward writes to.",
)

_TENSOR = Record({"name": _NAME_RULE})
_HINT = Maybe(OneOf({"as_int": _INT, "as_bool": _FLAG, "as_float": _NUMBER}))
_BY_EXPRESSION = Record({"expr_str": _EXPRESSION, "hint": _HINT}, frozenset({"hint"}))
_SIZE = OneOf({"as_expr": _BY_EXPRESSION, "as_int": _INT})


def _tensor_meta(size: Schema) -> Record:
    return Record({
        "dtype": _DTYPE, "sizes": Rows(size), "requires_grad": _FLAG, "device": _DEVICE, "strides": Rows(size),
        "storage_offset": size, "layout": _LAYOUT,
    })  # fmt: skip


_SYM_INT = OneOf({"as_name": _NAME_RULE, "as_int": _INT})
_SYM_FLOAT = OneOf({"as_name": _NAME_RULE, "as_float": _NUMBER})
_SYM_BOOL = OneOf({"as_name": _NAME_RULE, "as_bool": _FLAG})
_MAYBE_TENSOR = OneOf({"as_tensor": _TENSOR, "as_none": _FLAG})
_ARGUMENT = OneOf({
    "as_none": _FLAG, "as_tensor": _TENSOR, "as_tensors": Rows(_TENSOR), "as_int": _INT, "as_ints": Rows(_INT),
    "as_float": _NUMBER, "as_floats": Rows(_NUMBER), "as_string": _TEXT, "as_strings": Rows(_TEXT), "as_sym_int": _SYM_INT,
    "as_sym_ints": Rows(_SYM_INT), "as_scalar_type": _DTYPE, "as_memory_format": _COUNT, "as_layout": _LAYOUT,
    "as_device": _DEVICE, "as_bool": _FLAG, "as_bools": Rows(_FLAG), "as_sym_bool": _SYM_BOOL, "as_sym_bools": Rows(_SYM_BOOL),
    "as_optional_tensors": Rows(_MAYBE_TENSOR), "as_optional_tensor": _MAYBE_TENSOR, "as_sym_float": _SYM_FLOAT,
    "as_sym_floats": Rows(_SYM_FLOAT), "as_complex": Record({"real": _NUMBER, "imag": _NUMBER}),
    "as_graph": _BRANCH, "as_operator": _BRANCH, "as_custom_obj": _OBJECT,
})  # fmt: skip
_RESULT = OneOf({
    "as_none": _FLAG, "as_tensor": _TENSOR, "as_tensors": Rows(_TENSOR), "as_sym_int": _SYM_INT, "as_sym_bool": _SYM_BOOL,
    "as_sym_float": _SYM_FLOAT, "as_custom_obj": _OBJECT,
})  # fmt: skip
_NOTES = ("stack_trace", "nn_module_stack", "torch_fn", "from_node", "custom")
_METADATA = Record(
    {**dict.fromkeys(_NOTES, _TEXT), "source_fn_stack": Rule(lambda v: isinstance(v, str) and bool(_DOTTED.fullmatch(v)))},
    frozenset({*_NOTES, "source_fn_stack"}),
)
_INPUT = Record(
    {"name": Rule(lambda value: value == "" or _is_name(value)), "arg": _ARGUMENT, "kind": Maybe(_COUNT)}, frozenset({"kind"})
)
_NODE = Record(
    {
        "target": _TARGET, "inputs": Rows(_INPUT), "outputs": Rows(_RESULT), "metadata": _METADATA,
        "is_hop_single_tensor_return": Maybe(_FLAG), "name": Maybe(_NAME_RULE),
    },
    frozenset({"is_hop_single_tensor_return", "name"}),
)  # fmt: skip
_GRAPH = Record(
    {
        "inputs": Rows(OneOf({"as_tensor": _TENSOR, "as_custom_obj": _OBJECT})),
        "outputs": Rows(OneOf({"as_tensor": _TENSOR, "as_none": _FLAG})),
        "nodes": Rows(_NODE),
        "tensor_values": Table(_NAME_RULE, _tensor_meta(_SIZE)),
        "sym_int_values": Table(_NAME_RULE, _SIZE),
        "sym_bool_values": Table(_NAME_RULE, OneOf({"as_expr": _BY_EXPRESSION, "as_bool": _FLAG})),
        "is_single_tensor_return": _FLAG,
        "custom_obj_values": replace(_OBJECT, holds=_is_empty),
        "sym_float_values": Table(_NAME_RULE, OneOf({"as_expr": _BY_EXPRESSION, "as_float": _NUMBER})),
    },
    frozenset({"is_single_tensor_return", "custom_obj_values", "sym_float_values"}),
)
_INPUT_SPEC = OneOf({
    "user_input": Record({"arg": OneOf({"as_tensor": _TENSOR})}),
    "parameter": Record({"arg": _TENSOR, "parameter_name": _PATH_RULE}),
    "buffer": Record({"arg": _TENSOR, "buffer_name": _PATH_RULE, "persistent": _FLAG}),
    "tensor_constant": Record({"arg": _TENSOR, "tensor_constant_name": _PATH_RULE}),
    "custom_obj": _OBJECT,
})  # fmt: skip
_OUTPUT_SPEC = OneOf(
    {"user_output": Record({"arg": OneOf({"as_tensor": _TENSOR, "as_none": _FLAG})})}
    | dict.fromkeys(("buffer_mutation", "parameter_mutation", "user_input_mutation", "token"), _STATE)
)
_SIGNATURE = Record(
    {
        "inputs": Rows(OneOf({"as_tensor": _TENSOR})), "outputs": Rows(OneOf({"as_tensor": _TENSOR})),
        "in_spec": _ARGUMENTS_SHAPE, "out_spec": _ANSWER_SHAPE, "forward_arg_names": Maybe(Rows(_NAME_RULE)),
    },
    frozenset({"forward_arg_names"}),
)  # fmt: skip
_CALL = Record({"fqn": Rule(lambda value: value == "" or _is_path(value)), "signature": Maybe(_SIGNATURE)})
PROGRAM = Record(
    {
        "graph_module": Record(
            {
                "graph": _GRAPH,
                "signature": Record({"input_specs": Rows(_INPUT_SPEC), "output_specs": Rows(_OUTPUT_SPEC)}),
                "module_call_graph": Rows(_CALL),
                "metadata": Record({"custom": _TEXT}, frozenset({"custom"})),
                "treespec_namedtuple_fields": replace(_ANSWER_SHAPE, holds=_is_empty),
            },
            frozenset({"metadata", "treespec_namedtuple_fields"}),
        ),
        "opset_version": Table(_NAME_RULE, _COUNT),
        "range_constraints": Table(_SYMBOL, Record({"min_val": Maybe(_INT), "max_val": Maybe(_INT)})),
        "schema_version": Record({"major": _COUNT, "minor": _COUNT}),
        "verifiers": Rows(Rule(lambda value: value in ("TRAINING", "ATEN"))),
        "torch_version": Rule(lambda value: isinstance(value, str) and bool(re.fullmatch(r"[\w.+<=-]{1,60}", value, re.ASCII))),
        "guards_code": Rows(_GUARD),
    },
    frozenset({"verifiers", "torch_version", "guards_code"}),
)  # fmt: skip
_NOT_PICKLED = Rule(
    lambda value: value is False,
    "pickled_weights",
    "Weights of the program are pickled: loading them would run what the pickle names.",
    "Save plain dense tensors: no tensor subclasses, no quantized weights.",
)


def payload(prefix: str) -> Record:
    """The table of weights (`prefix` "weight") or constants ("tensor"): which member holds which tensor, and how."""
    member = re.compile(rf"{prefix}_[0-9]{{1,9}}")
    return Record({
        "config": Table(_PATH_RULE, Record({
            "path_name": Rule(
                lambda value: isinstance(value, str) and bool(member.fullmatch(value)),
                "foreign_object",
                "A weight or constant of the program lies in a member that torch does not write for plain tensors.",
                EXPORT_AGAIN,
            ),
            "is_param": _FLAG,
            "use_pickle": _NOT_PICKLED,
            "tensor_meta": _tensor_meta(OneOf({"as_int": _COUNT})),
        })),
    })  # fmt: skip
