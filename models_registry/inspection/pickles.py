"""Reads a pickle's instructions without carrying any out. What is not on a list is refused: default deny.

The lists are what rebuilding dense tensors in plain containers needs. Sparse, quantized and nested tensors, and tensor
subclasses, are left out on purpose: torch's own checks on loading them have been incomplete (a sparse tensor could crash it).
"""

from __future__ import annotations

import io
import pickletools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from models_registry.inspection.report import Findings

MOST_OPCODES = 1_000_000  # forty thousand tensors
MOST_BYTES = 64 << 20
SAVE_WEIGHTS = (
    'Save the weights alone: torch.save(model.state_dict(), "model.pt"), '
    'or safetensors.torch.save_file(model.state_dict(), "model.safetensors").'
)

# torch's storage classes -> the dtype and bytes of one element
STORAGES = {
    "FloatStorage": ("float32", 4), "DoubleStorage": ("float64", 8), "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1), "BoolStorage": ("bool", 1),
    "ComplexFloatStorage": ("complex64", 8), "ComplexDoubleStorage": ("complex128", 16),
}  # fmt: skip
DTYPES = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1,
    "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1,
}  # fmt: skip
UNTYPED = {("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage")}
REBUILDERS = {
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
}
ALLOWED_GLOBALS = (
    {("collections", "OrderedDict"), ("torch", "Size"), ("torch", "device"), ("_codecs", "encode")}
    | {("torch._utils", name) for name in REBUILDERS}
    | {("torch", name) for name in (*STORAGES, *DTYPES)}
    | UNTYPED
)
# What torch's restricted unpickler understands; anything else it would refuse as well.
ALLOWED_OPCODES = frozenset({
    "PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "BINPERSID", "APPEND", "APPENDS", "SETITEM", "SETITEMS",
    "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWFALSE", "NEWTRUE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT",
    "EMPTY_SET", "BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE", "SHORT_BINSTRING", "BINGET", "LONG_BINGET",
    "BINPUT", "LONG_BINPUT",
})  # fmt: skip
# For the wording only; the decision is the lists above.
_RUNS_CODE = frozenset({
    "os", "posix", "nt", "subprocess", "sys", "builtins", "__builtin__", "importlib", "runpy", "pty", "socket", "shutil",
    "ctypes", "code", "codeop", "pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "types", "operator",
    "functools", "commands", "pydoc", "timeit", "cProfile", "profile", "pdb", "bdb", "webbrowser", "asyncio",
    "multiprocessing", "threading", "signal", "tempfile", "pathlib", "io", "_io", "codecs", "sqlite3", "logging", "platform",
    "distutils", "setuptools", "pip", "venv", "site", "idlelib", "pkgutil", "imp", "inspect",
})  # fmt: skip
_PLAIN_BUILTINS = frozenset({"set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bool", "str", "slice"})


@dataclass(slots=True)
class Pickle:
    """What one pickle stream holds. `steps` is empty where the stream was refused."""

    globals: list[tuple[str, str, int]] = field(default_factory=list)  # module, name, offset
    foreign: list[tuple[str, str, int]] = field(default_factory=list)  # those of them that were let through as mere names
    strings: set[str] = field(default_factory=set)  # the first of them, for telling formats apart
    steps: list[tuple[str, Any, int]] = field(default_factory=list)  # opcode, argument, offset
    end: int = 0  # offset behind its last byte


class Window:
    """A file from where it stands, of which no reader may take more than `limit` bytes, whatever length the bytes claim."""

    def __init__(self, file: BinaryIO, limit: int = MOST_BYTES) -> None:
        self._file, self._left = file, limit

    def read(self, count: int = -1) -> bytes:
        if count < 0 or count > self._left:
            raise ValueError("a length beyond the limit")
        self._left -= count
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline(min(self._left, 1 << 16) + 1)
        if len(line) > min(self._left, 1 << 16):
            raise ValueError("a line beyond the limit")
        self._left -= len(line)
        return line

    def tell(self) -> int:
        return self._file.tell()


def nothing_else(module: str, name: str) -> bool:
    """No name beyond the list."""
    del module, name
    return False


def scan(
    source: BinaryIO | bytes,
    findings: Findings,
    *,
    member: str = "",
    opcodes: int = MOST_OPCODES,
    foreign: Callable[[str, str], bool] = nothing_else,
) -> Pickle:
    """Read one pickle up to its STOP; note every name and opcode in it that is not allowed, with its offset. Names that
    `foreign` lets through are told apart in the answer: whoever carries the pickle out must not look them up."""
    stream: Any = io.BytesIO(source) if isinstance(source, bytes) else Window(source)
    found, names = Pickle(), _Names()
    denied: list[tuple[str, int]] = []
    broken = ""
    try:
        for opcode, argument, at in pickletools.genops(stream):
            offset = at or 0
            if len(found.steps) >= opcodes:
                broken = f"more than {opcodes:,} instructions"
                break
            names.follow(opcode.name, argument)
            if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL"):
                module, name = names.of_stack() if opcode.name == "STACK_GLOBAL" else _split(argument)
                found.globals.append((module, name, offset))
            if opcode.name not in ALLOWED_OPCODES:
                denied.append((opcode.name, offset))
            if isinstance(argument, str) and len(argument) < 200 and len(found.strings) < 1000:
                found.strings.add(argument)
            found.steps.append((opcode.name, argument, offset))
        found.end = stream.tell()
    except Exception as error:  # pickletools raises what it likes on bytes that are no pickle
        broken = f"{type(error).__name__}: {error}"[:200]
    last = found.steps[-1][2] if found.steps else 0

    def refuse(code: str, sentence: str, offset: int, what: str) -> None:
        findings.note(code, sentence, member=member, offset=offset, found=what, remedy=SAVE_WEIGHTS)

    beyond = [one for one in found.globals if one[:2] not in ALLOWED_GLOBALS]
    found.foreign = [one for one in beyond if foreign(one[0], one[1])]
    forbidden = [one for one in beyond if not foreign(one[0], one[1])]
    if not _judge(forbidden, denied, broken, last, refuse):
        found.steps = []
    return found


def _judge(
    forbidden: list[tuple[str, str, int]],
    denied: list[tuple[str, int]],
    broken: str,
    last: int,
    refuse: Callable[[str, str, int, str], None],
) -> bool:
    """Whether everything in the pickle is allowed; what is not is refused, the telling things first."""
    for module, name, at in forbidden:
        full = f"{module}.{name}"[:200]
        if module.split(".", 1)[0] in _RUNS_CODE and not (module in ("builtins", "__builtin__") and name in _PLAIN_BUILTINS):
            said = f"The pickle names {full}: loading it would run code that its author chose."
        else:
            said = f"The pickle names {full}, which weights do not need; loading it would import and call it."
        refuse("forbidden_global", said, at, full)
    if denied:
        kinds = ", ".join(dict.fromkeys(name for name, _ in denied))
        said = "The pickle holds instructions that torch.save does not write for weights (with its default pickle protocol)."
        refuse("forbidden_opcode", said, denied[0][1], kinds[:200])
    if broken:
        refuse("pickle_broken", "The pickle cannot be read to its end.", last, broken)
    return not (forbidden or denied or broken)


def _split(argument: object) -> tuple[str, str]:
    module, _, name = str(argument).partition(" ")
    return module, name


class _Names:
    """Follows texts through stack and memo far enough to say what STACK_GLOBAL loads. It informs; it decides nothing."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(maxlen=2)
        self._memo: dict[int, str] = {}
        self._top: str | None = None

    def follow(self, opcode: str, argument: object) -> None:
        if opcode == "MEMOIZE" and self._top is not None:
            self._memo[len(self._memo)] = self._top
        elif opcode == "MEMOIZE":
            self._memo[len(self._memo)] = "?"
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._top or "?"  # type: ignore[index]  # these opcodes carry a number
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self._push(self._memo.get(argument, "?"))  # type: ignore[call-overload]  # as above
        elif isinstance(argument, str) and opcode not in ("GLOBAL", "INST"):
            self._push(argument)
        else:
            self._top = None

    def of_stack(self) -> tuple[str, str]:
        module, name = ["?", "?", *self._last][-2:]
        return module, name

    def _push(self, text: str) -> None:
        self._top = text
        self._last.append(text)
