"""Finds the weights in what a pickle describes: a table of tensors, the same with the state of a training around it, or the
tensors of a whole module. Works on the records that `machine` made, so nothing of what is left behind was ever alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from models_registry.inspection.formats import Format
from models_registry.inspection.headers import LONGEST_NAME
from models_registry.inspection.pickles import ALLOWED_GLOBALS, Pickle
from models_registry.inspection.records import Inert, Tensor

HOLDERS = ("state_dict", "model_state_dict", "model", "net", "module", "weights")
_PARTS = frozenset({"_parameters", "_buffers", "_modules"})
_MOST_MODULES = 100_000
MOST_LISTED = 100  # names of what was left out
_SELF = ""


class Ambiguous(ValueError):
    """Several tables could be the weights; the message names them."""


@dataclass(slots=True)
class Taken:
    """The weights by name, and what is known of the rest."""

    tensors: dict[Any, Any]  # of a plain table also what is no tensor, to be refused
    format: Format | None = None  # where it is more telling than the container's
    source: str = _SELF  # the name under which they lay
    buffers: frozenset[str] | None = None  # names; None where the file does not tell them from parameters
    layers: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the table is all that the file holds."""
        return self.source == _SELF and self.format is None


def take(top: object, pickle: Pickle) -> Taken | None:
    """The weights in `top`, or None where there are none. Raises Ambiguous."""
    if _is_module(top):
        return _of_module(top)
    if not isinstance(top, dict):
        return None
    if "state_dict" in top and is_lightning(top, pickle):
        return _inner(top, "state_dict", Format.LIGHTNING)
    if set(top) == {"model", "opt"}:
        return _inner(top, "model", Format.FASTAI)
    held = [key for key in HOLDERS if _is_module(top.get(key)) or _is_table(top.get(key))]
    if len(held) > 1:
        raise Ambiguous(", ".join(held))
    return _inner(top, held[0], None) if held else Taken(top)


def is_lightning(top: dict[Any, Any], pickle: Pickle) -> bool:
    """Whether the table carries Lightning's mark."""
    return "pytorch-lightning_version" in top or "pytorch-lightning_version" in pickle.strings


def family(pickle: Pickle) -> Format | None:
    """The library or habit whose names a refused pickle carries, where it is more than weights."""
    modules = {module for module, name, _ in pickle.globals if (module, name) not in ALLOWED_GLOBALS}
    if any(module.split(".")[0] in ("fastai", "fastcore") for module in modules):
        return Format.FASTAI
    if "pytorch-lightning_version" in pickle.strings:
        return Format.LIGHTNING
    if any(module.startswith("torch.nn.modules") for module in modules):
        return Format.TORCH_MODULE
    return None


def _inner(top: dict[Any, Any], key: str, format_: Format | None) -> Taken | None:
    inner = top[key]
    if _is_module(inner):
        taken = _of_module(inner)
    elif isinstance(inner, dict) and inner:
        taken = Taken({name: value for name, value in inner.items() if isinstance(value, Tensor)})
        taken.left_out = [f"{key}.{name}"[:200] for name in inner if name not in taken.tensors]
    else:
        return None
    taken.format, taken.source = format_ or taken.format, key
    taken.left_out = [*taken.left_out, *(str(name)[:200] for name in top if name != key)]
    return taken


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(one, Tensor) for one in value.values())


def _is_module(value: object) -> bool:
    return isinstance(value, Inert) and isinstance(value.attributes, dict) and value.attributes.keys() >= _PARTS


def _of_module(module: Any) -> Taken:
    """What `module.state_dict()` would have given, name by name."""
    taken = Taken({}, Format.TORCH_MODULE)
    buffers: set[str] = set()
    for prefix, one in _modules(module, taken.left_out):
        taken.layers.append({"name": prefix.removesuffix("."), "type": one.of.name[:200]})
        passing = one.attributes.get("_non_persistent_buffers_set")
        for part in ("_parameters", "_buffers"):
            for name, value in one.attributes[part].items() if isinstance(one.attributes[part], dict) else ():
                full = f"{prefix}{name}"
                if not isinstance(value, Tensor):
                    taken.left_out += [] if value is None else [full[:200]]
                elif part == "_parameters":
                    taken.tensors[full] = value
                elif not isinstance(passing, list) or name not in passing:
                    taken.tensors[full] = value
                    buffers.add(full)
    taken.buffers = frozenset(buffers)
    return taken


def _modules(top: Any, left_out: list[str]) -> Iterator[tuple[str, Any]]:
    """Each module with what stands before the names in it; a module that holds itself is followed once, and names that no
    tensor could have are not followed at all."""
    waiting: list[tuple[str, Any, frozenset[int]]] = [("", top, frozenset())]
    for _ in range(_MOST_MODULES):
        if not waiting:
            return
        prefix, module, above = waiting.pop()
        yield prefix, module
        inner = module.attributes["_modules"]
        found = [(name, one) for name, one in inner.items() if _is_module(one)] if isinstance(inner, dict) else []
        below = above | {id(module)}
        for name, one in reversed(found):
            if len(prefix) + len(str(name)) > LONGEST_NAME:
                left_out.append(f"{prefix}{name}"[:200])
            elif id(one) not in below:
                waiting.append((f"{prefix}{name}.", one, below))
