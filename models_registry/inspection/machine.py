"""Carries out the harmless instructions of a pickle on placeholders, to learn which tensors it describes.

Only pickles that `pickles.scan` let through come here. Nothing is imported or called: a rebuilt tensor is a record of its
storage, shape and strides, so that names, shapes and sizes are known, and lies about them found, before torch sees the file.
An object of a foreign class is a record as well: inert, whatever its class would have done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models_registry.inspection.inert import makes_an_object, modern
from models_registry.inspection.pickles import ALLOWED_GLOBALS, DTYPES, STORAGES, UNTYPED, Pickle
from models_registry.inspection.records import Inert, Named, Storage, Tensor, Thing

_MOST_DIMENSIONS = 64
_PLAIN_KEYS = (str, int, float, bool, type(None))  # hashing a deeply nested tuple would overflow the C stack


class Misshapen(ValueError):
    """The instructions do not fit together: no program that saves weights writes them so."""


class RunsCode(Misshapen):
    """A call that is more than the making of an object: to follow it, its author's code would have to run."""


@dataclass(slots=True)
class Machine:
    """A stack, a memo and the storages that were named. `inert`: tables may have keys of any kind, as in whole programs."""

    inert: bool = False
    at: int = 0  # the offset of the instruction that was carried out last
    storages: dict[str, Storage] = field(default_factory=dict)
    _stack: list[Any] = field(default_factory=list)
    _marks: list[list[Any]] = field(default_factory=list)
    _memo: dict[int, Any] = field(default_factory=dict)

    def run(self, pickle: Pickle) -> Any:
        """The placeholder of what the pickle describes. Raises Misshapen."""
        self._stack, self._marks, self._memo = [], [], {}
        try:
            for opcode, argument, self.at in pickle.steps:
                if opcode == "STOP":
                    return self._stack.pop()
                self._step(opcode, argument)
        except Misshapen:
            raise
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise Misshapen(str(error)[:200]) from error
        raise Misshapen("no end")

    def _step(self, opcode: str, argument: Any) -> None:
        if opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode])
        elif opcode in _VALUES:
            self._stack.append(argument)
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[argument])
        else:
            getattr(self, "_do_" + opcode.lower())(argument)

    def _to_mark(self) -> list[Any]:
        taken, self._stack = self._stack, self._marks.pop()
        return taken

    def _do_proto(self, _: Any) -> None:
        """The version of the format; nothing follows from it here."""

    def _do_mark(self, _: Any) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _do_empty_list(self, _: Any) -> None:
        self._stack.append([])

    def _do_empty_dict(self, _: Any) -> None:
        self._stack.append({})

    def _do_empty_set(self, _: Any) -> None:
        self._stack.append(Thing())

    def _do_tuple(self, _: Any) -> None:
        taken = tuple(self._to_mark())
        self._stack.append(taken)

    def _do_tuple1(self, _: Any) -> None:
        self._stack[-1:] = [(self._stack[-1],)]

    def _do_tuple2(self, _: Any) -> None:
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def _do_tuple3(self, _: Any) -> None:
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def _do_append(self, _: Any) -> None:
        value = self._stack.pop()
        self._list().append(value)

    def _do_appends(self, _: Any) -> None:
        values = self._to_mark()
        self._list().extend(values)

    def _do_setitem(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set(key, value)

    def _do_setitems(self, _: Any) -> None:
        values = self._to_mark()
        if len(values) % 2:
            raise Misshapen("a key without a value")
        for key, value in zip(values[::2], values[1::2], strict=True):
            self._set(key, value)

    def _do_global(self, argument: str) -> None:
        self._stack.append(Named(*argument.split(" ", 1)))

    def _do_newobj(self, _: Any) -> None:
        arguments, of = self._stack.pop(), self._stack.pop()
        if not isinstance(of, Named) or not isinstance(arguments, tuple):
            raise Misshapen("an object of nothing")
        self._stack.append(Inert(of, arguments) if _foreign(of) else Thing())

    def _do_build(self, _: Any) -> None:
        state, built = self._stack.pop(), self._stack[-1]
        if isinstance(built, Inert):
            built.attributes = state
        # else attributes, such as the versions a state_dict carries

    def _do_binpersid(self, _: Any) -> None:
        said = self._stack.pop()
        if len(said) == 4 and said[0] == "module" and isinstance(said[1], Named):
            self._stack.append(said[1])  # how the legacy form names a class of layers, with its source beside it
            return
        kind, of, key, _location, count, *view = said
        if (
            kind != "storage"
            or not isinstance(of, Named)
            or not isinstance(key, str)
            or not _count(count)
            or view not in ([], [None])
        ):
            raise Misshapen("a storage that is none")
        if (of.module, of.name) in UNTYPED:
            dtype, width = "", 1
        elif of.module == "torch" and of.name in STORAGES:
            dtype, width = STORAGES[of.name]
        else:
            raise Misshapen("a storage that is none")
        storage = Storage(key, dtype, count, width)
        known = self.storages.setdefault(key, storage)
        if known.size != storage.size:
            raise Misshapen("a storage of two sizes")
        self._stack.append(storage)

    def _do_reduce(self, _: Any) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        if isinstance(called, Inert):
            raise RunsCode(f"the object of {called.of.module}.{called.of.name} is called")
        if not isinstance(called, Named) or not isinstance(arguments, tuple):
            raise Misshapen("a call of nothing")
        self._stack.append(_make(called, arguments) if _foreign(called) else _call(called, arguments))

    def _list(self) -> list[Any]:
        target = self._stack[-1].items if isinstance(self._stack[-1], Inert) else self._stack[-1]
        if not isinstance(target, list):
            raise Misshapen("an item for what is no list")
        return target

    def _set(self, key: Any, value: Any) -> None:
        target = self._stack[-1].entries if isinstance(self._stack[-1], Inert) else self._stack[-1]
        if not isinstance(target, dict):
            raise Misshapen("an entry for what is no table")
        if not isinstance(key, _PLAIN_KEYS):
            if not self.inert:
                raise Misshapen("a key that is no name")
            key = Thing()  # whatever it is, no tensor is called by it
        target[key] = value


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = frozenset({"BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE", "SHORT_BINSTRING"})


def _foreign(named: Named) -> bool:
    return (named.module, named.name) not in ALLOWED_GLOBALS


def _make(called: Named, arguments: tuple[Any, ...]) -> Any:
    """What calling a foreign class would have made, as a record; containers of Python itself as what they are."""
    module = modern(called.module)
    if (module, called.name) in (("collections", "defaultdict"), ("collections", "Counter"), ("builtins", "dict")):
        return dict(arguments[0]) if arguments and isinstance(arguments[0], dict) else {}
    if (module, called.name) in (("builtins", "set"), ("builtins", "frozenset"), ("builtins", "list"), ("collections", "deque")):
        return list(arguments[0]) if arguments and isinstance(arguments[0], list) else []
    if (module, called.name) == ("copyreg", "_reconstructor") and arguments and isinstance(arguments[0], Named):
        return Inert(arguments[0], arguments[1:])
    if module == "torch.jit._pickle":  # which lets through names that only mark the type of a list
        return list(arguments[0]) if arguments and isinstance(arguments[0], (list, tuple)) else Thing()
    if not makes_an_object(called.module, called.name):
        raise RunsCode(f"{called.module}.{called.name} is called")
    return Inert(called, arguments)


def _call(called: Named, arguments: tuple[Any, ...]) -> Any:
    if called.name == "OrderedDict":
        if arguments:
            raise Misshapen("an OrderedDict that is made of something")
        return {}
    if called.name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        if not isinstance(arguments[0], Tensor):
            raise Misshapen("a parameter that is no tensor")
        return arguments[0]
    if called.name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"):
        return _tensor(called.name, arguments)
    if called.name == "Size":
        return tuple(arguments[0])
    return Thing()


def _tensor(how: str, arguments: tuple[Any, ...]) -> Tensor:
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise Misshapen("a tensor that is none")
    dtype = storage.dtype
    if how == "_rebuild_tensor_v3":
        given = arguments[6]
        if not isinstance(given, Named) or given.module != "torch" or given.name not in DTYPES:
            raise Misshapen("a tensor without a type")
        dtype = given.name
    if not dtype or len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        raise Misshapen("a tensor without a type or shape")
    if not all(_count(n) for n in (offset, *shape, *strides)):
        raise Misshapen("a tensor with sizes that are none")
    return Tensor(storage, dtype, offset, shape, strides)


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 53
