"""The architectures that a checkpoint of weights can be put into: built in, or installed by the operator, never uploaded.

A plug-in is any object with the attributes of `Architecture`, named in the entry point group `countersign.architectures`.
This package imports torch only when a module is built, so that any process may ask which architectures there are.

The built-in ones are written so that anyone can write the same module without this package; each module says its own keys.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from models_registry.inspection.architectures.settings import (
    LIST,
    POSITIVE,
    Architecture,
    CannotBuild,
    nothing_else,
    table,
)

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BUILT_IN", "GROUP", "Architecture", "CannotBuild", "build_empty", "find", "registered"]
GROUP = "countersign.architectures"


def registered() -> dict[str, Architecture]:
    """Every architecture by name; a built-in one cannot be replaced. A plug-in that fails to load is left out."""
    found: dict[str, Architecture] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        with contextlib.suppress(Exception):  # a broken plug-in must not take the others down; asked for, it is unknown
            found[entry.name] = entry.load()
    return found | BUILT_IN


def find(name: str) -> Architecture:
    """The architecture called `name`. Raises CannotBuild if there is none."""
    known = BUILT_IN.get(name) or registered().get(name)
    if known is None:
        names = ", ".join(sorted(registered()))
        raise CannotBuild(
            f"The architecture {name!r} is not installed; there are {names}. Ask the operator to install its plug-in."
        )
    return known


def build_empty(architecture: Mapping[str, Any]) -> nn.Module:
    """The module that `{"name", "config"}` describes, on the meta device: shapes without memory. Raises CannotBuild."""
    import torch  # noqa: PLC0415 - only the sandboxed child builds

    name, config = architecture.get("name"), architecture.get("config", {})
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise CannotBuild("An architecture is given as a name and a table of settings.")
    try:
        with torch.device("meta"):
            return find(name).build(config)
    except (CannotBuild, MemoryError):
        raise
    except Exception as error:  # a plug-in may raise anything on settings it did not expect
        raise CannotBuild(f"The architecture {name!r} cannot be built from its settings: {str(error)[:300]}") from error


def _built_in(name: str, summary: str, schema: dict[str, Any], *, module: str, function: str) -> Architecture:
    """An architecture of this package, whose module (and torch with it) is imported when it is first built."""

    def build(config: Mapping[str, Any]) -> nn.Module:
        nothing_else(config, schema)
        make: Callable[[Mapping[str, Any]], nn.Module] = getattr(importlib.import_module(f"{__name__}.{module}"), function)
        return make(config)

    return Architecture(name=name, version="1", summary=summary, schema=schema, build=build)


_IMAGE = LIST | {"minItems": 3, "maxItems": 3}
_LAYERS = POSITIVE | {"maximum": LIST["maxItems"]}
BUILT_IN = {
    one.name: one
    for one in (
        _built_in(
            "mlp",
            "Linear layers with ReLU between them",
            table({"input": LIST | {"minItems": 1}, "classes": POSITIVE}, {"hidden": LIST}),
            module="plain",
            function="mlp",
        ),
        _built_in(
            "small-cnn",
            "Convolutions of 3 × 3 with pooling by 2, then linear layers",
            table({"input": _IMAGE, "channels": LIST | {"minItems": 1}, "classes": POSITIVE}, {"hidden": LIST}),
            module="plain",
            function="small_cnn",
        ),
        _built_in(
            "residual-cnn",
            "Residual blocks of two convolutions in stages that halve the image",
            table({"input": _IMAGE, "stages": LIST | {"minItems": 1}, "blocks": _LAYERS, "classes": POSITIVE}),
            module="residual",
            function="residual_cnn",
        ),
        _built_in(
            "recurrent",
            "LSTM or GRU over the steps of a row, answering from its last output",
            table(
                {"cell": {"enum": ["lstm", "gru"]}, "features": POSITIVE, "hidden": POSITIVE, "classes": POSITIVE},
                {"layers": _LAYERS, "bidirectional": {"type": "boolean"}},
            ),
            module="sequences",
            function="recurrent",
        ),
        _built_in(
            "transformer-encoder",
            "Transformer encoder over the steps of a row, with learned positions, answering from the mean",
            table({
                "features": POSITIVE, "length": POSITIVE, "width": POSITIVE, "heads": POSITIVE, "layers": _LAYERS,
                "feedforward": POSITIVE, "classes": POSITIVE,
            }),
            module="sequences",
            function="transformer_encoder",
        ),
    )
}  # fmt: skip
