"""TorchScript programs for the tests: honest ones by torch, and ones that touch files when they are loaded or asked.

`RUNS_CODE` are files that do touch the marker when they are loaded and asked without protection (a test proves it).
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.inspection import attacks
from tests.inspection.programs_cast import Residual, members_of, perceptron
from tests.inspection.programs_cast import write as pack

Members = dict[str, bytes]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.last = nn.LSTM(8, 12, 2, batch_first=True, bidirectional=True), nn.Linear(24, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.lstm(images.squeeze(1))[0][:, -1])


class Attentive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        self.last = nn.Linear(8, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.encoder(images.squeeze(1)).mean(1))


class Branching(nn.Module):
    """Loops, branches, lists, a method and a submodule that is used twice: what only scripting keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.step, self.last, self.times = nn.Linear(64, 64), nn.Linear(64, 10), 3

    def once(self, x: torch.Tensor, again: bool = True) -> torch.Tensor:
        x = torch.relu(self.step(x))
        if again and x.sum() > 0:
            x = self.once_more(x)
        return x

    def once_more(self, x: torch.Tensor) -> torch.Tensor:
        return self.step(x) * 0.5

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen: list[torch.Tensor] = []
        x = images.flatten(1)
        for _ in range(self.times):
            x = self.once(x)
            seen.append(x)
        return self.last(torch.stack(seen).mean(0))


def _made(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make().eval()


HONEST: dict[str, tuple[Callable[[], nn.Module], bool]] = {
    # the model, and whether it is traced
    "residual, traced": (Residual, True),
    "residual": (Residual, False),
    "perceptron": (perceptron, False),
    "recurrent": (Recurrent, False),
    "recurrent, traced": (Recurrent, True),
    "attentive": (Attentive, False),
    "branching": (Branching, False),
}


def live(kind: str) -> nn.Module:
    return _made(HONEST[kind][0])


def save(model: nn.Module, path: Path, *, traced: bool = False, **more: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against TorchScript
        script = torch.jit.trace(model, torch.rand(2, 1, 8, 8), check_trace=False) if traced else torch.jit.script(model)
        torch.jit.save(script, path, **more)
    return path


# -- hostile ------------------------------------------------------------------------------------------------------------------


class Writes(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x


class Creates(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file(self.path, shared=True, size=16)


class Reads(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file(self.path, size=16, dtype=torch.uint8)


class AtLoading(nn.Module):
    """Its state is set by its own code, which torch runs as soon as the file is opened."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path, self.training = state[0], state[1]
        torch.save(torch.zeros(1), self.path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Prints(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(1_000_000):
            print("flood")  # noqa: T201 - the attack itself
        return x


class Forks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(torch.relu, x))


def _script(make: Callable[[str], nn.Module]) -> Callable[[Path, Path], Path]:
    return lambda path, marker: save(make(str(marker)), path)


def edited(old: str, new: str) -> Callable[[Path, Path], Path]:
    """The small program with that change to its source; MARKER in `new` is the marker's path."""

    def build(path: Path, marker: Path) -> Path:
        members = members_of(save(Small().eval(), path))
        source = source_of(members)
        text = members[source].decode()
        assert old in text, text
        members[source] = text.replace(old, new.replace("MARKER", f'"{marker}"'), 1).encode()
        return pack(members, path)

    return build


def source_of(members: Members) -> str:
    """The member that holds the source of the model itself."""
    return next(name for name, data in members.items() if name.endswith(".py") and b"def forward" in data and b"self.l" in data)


class Small(nn.Module):
    """The program that the changes below are made to."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def helper(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.helper(self.layer(x)))


RELU = "torch.relu("
RUNS_CODE: dict[str, tuple[str, Callable[[Path, Path], Path]]] = {
    "a file is written": ("forbidden_operator", _script(Writes)),
    "a file is made": ("forbidden_operator", _script(Creates)),
    "a file is written when it is loaded": ("program_hook", _script(AtLoading)),
    "an operator in a function of the file": (
        "forbidden_operator", edited("    return torch.add(x, 1)", "    _9 = torch.save(x, MARKER)\n    return torch.add(x, 1)")
    ),
    "an operator as an argument": (
        "forbidden_operator", edited(RELU, "torch.relu(annotate(Tensor, torch.from_file(MARKER, True, 16))) + torch.relu(")
    ),
    "an operator in its full name": (
        "forbidden_operator", edited("    return torch.relu(", "    _9 = ops.aten.save(x, MARKER)\n    return torch.relu(")
    ),
}  # fmt: skip


def _member(name: str, data: Callable[[Path], bytes]) -> Callable[[Path, Path], Path]:
    def build(path: Path, marker: Path) -> Path:
        members = members_of(save(Small().eval(), path))
        members[name] = data(marker)
        return pack(members, path)

    return build


def _without(name: str) -> Callable[[Path, Path], Path]:
    def build(path: Path, marker: Path) -> Path:
        del marker
        members = members_of(save(Small().eval(), path))
        del members[name]
        return pack(members, path)

    return build


def _call(marker: Path) -> bytes:
    return attacks.call("os", "system", attacks.touch(marker))


def _packed(path: Path, marker: Path) -> Path:
    del marker
    return pack(members_of(save(Small().eval(), path)), path, compression=zipfile.ZIP_DEFLATED)


def _two_inputs(path: Path, marker: Path) -> Path:
    del marker
    return save(nn.Bilinear(2, 2, 2), path)


def _in_training(path: Path, marker: Path) -> Path:
    del marker
    return save(nn.Sequential(nn.Flatten(), nn.Dropout(0.5)).train(), path, traced=True)


def _normalised_by_the_batch(path: Path, marker: Path) -> Path:
    del marker
    return save(nn.Sequential(nn.BatchNorm2d(1)).train(), path, traced=True)


def _quantized(path: Path, marker: Path) -> Path:
    """A layer in native code, whose packed weights are an object of a class that torch registers."""
    del marker
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear})
    return save(model, path)


REFUSED: dict[str, tuple[str, Callable[[Path, Path], Path]]] = {
    "a file is read": ("forbidden_operator", _script(Reads)),
    "it prints": ("forbidden_operator", _script(lambda _: Prints())),
    "it forks": ("forbidden_operator", _script(lambda _: Forks())),
    "quantized layers": ("forbidden_operator", _quantized),
    "two inputs": ("program_arguments", _two_inputs),
    "dropout of training": ("training_mode", _in_training),
    "normalised by the batch": ("training_mode", _normalised_by_the_batch),
    "an alias of an operator": ("forbidden_operator", edited("    return torch.relu(", "    f = torch.save\n    return f(")),
    "an operator by the name of a method": (
        "forbidden_operator", edited("    return torch.relu(", "    _9 = (x).save(MARKER, )\n    return torch.relu(")
    ),
    "an unknown operator": ("forbidden_operator", edited(RELU, "torch.read_everything(")),
    "an operator of another library": ("forbidden_operator", edited(RELU, "ops.other.relu(")),
    "a communication": ("forbidden_operator", edited(RELU, "ops._c10d_functional.all_reduce(")),
    "a remote call": ("forbidden_operator", edited(RELU, "ops.prim.rpc_sync(")),
    "another part of prim": ("forbidden_operator", edited(RELU, "ops.prim.Print(")),
    "a class in native code": ("forbidden_operator", edited("  training : bool", "  training : __torch__.torch.classes.x.Y")),
    "a method that is not declared": ("forbidden_operator", edited(".forward(x, )", ".forwards(x, )")),
    "a method of a tensor": ("forbidden_operator", edited(RELU, "x.relu(")),
    "an attribute that is not declared": ("forbidden_operator", edited("self.layer", "self.layers")),
    "an attribute by a made name": ("forbidden_operator", edited("self.layer", "getattr(self, x)")),
    "a call hidden behind a type": ("forbidden_operator", edited(RELU, "uninitialized(Tensor, y=torch.save(x, x)) or (")),
    "a call in a default": ("forbidden_operator", edited("x: Tensor) ->", "x: Tensor, y: int=torch.save(1, MARKER)) ->")),
    "a call in the body of a class": ("program_source", edited("  training : bool", "  training : bool\n  y = torch.save(1, M)")),
    "a statement of the file": ("program_source", edited("class Small", "torch.save(1, MARKER)\nclass Small")),
    "an import": ("program_source", edited("class Small", "import os\nclass Small")),
    "a function in a function": (
        "program_source", edited("    return torch.relu(", "    def f():\n      torch.save(1, MARKER)\n    return torch.relu(")
    ),
    "a lambda": ("program_source", edited(RELU, "(lambda: torch.save(1, MARKER)) or torch.relu(")),
    "a comprehension": ("program_source", edited(RELU, "[torch.save(1, MARKER) for i in x] or torch.relu(")),
    "a decorator": ("program_source", edited("  def forward", "  @torch.save(1, MARKER)\n  def forward")),
    "another kind of class": ("program_source", edited("(Module)", "(Interface)")),
    "no Python": ("program_source", edited("class Small", "class class Small")),
    "a depth that no parser survives": ("program_source", edited(RELU, "torch.relu(" + "(" * 5_000)),
    "a pickle that calls": ("forbidden_global", _member("data.pkl", _call)),
    "constants that call": ("forbidden_global", _member("constants.pkl", _call)),
    "notes that call": ("forbidden_global", _member("code/__torch__/notes.py.debug_pkl", _call)),
    "an object in native code": (
        "forbidden_global", _member("constants.pkl", lambda _: b"\x80\x02(c__torch__.torch.classes.quantized\nY\n)\x81t."),
    ),
    "a class that has no source": ("program_source", _member("data.pkl", lambda _: b"\x80\x02c__torch__\nOther\n)\x81}b.")),
    "weights that nobody names": ("hidden_bytes", _member("data/99", lambda _: b"\0" * 8)),
    "a file beside it": ("extra_files", _member("extra/readme", lambda _: b"x")),
    "a member of its own": ("unexpected_member", _member("code/run.sh", lambda _: b"x")),
    "no model of its own": ("missing_member", _without("data.pkl")),
    "packed weights": ("packed_weights", _packed),
}  # fmt: skip
