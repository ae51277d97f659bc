"""Exported programs for the tests: honest models of several kinds, and files that were changed by hand to run a payload.

`RUNS_CODE` are changes that do run their payload when the file is loaded, made a module and asked without protection (a test
proves it). Each payload touches a marker file, and nothing else.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.inspection import attacks

MODEL, SAMPLE = "models/model.json", "data/sample_inputs/model.pt"
WEIGHTS, CONSTANTS = "data/weights/model_weights_config.json", "data/constants/model_constants_config.json"
Members = dict[str, bytes]
Change = Callable[[Members, Path], None]  # what the archive holds, and which marker a payload touches


class Residual(nn.Module):
    """A small network of its own: no built-in architecture has its shape."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.block = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1), nn.Dropout(0.3))
        self.last = nn.Linear(32, 10)
        self.scale = torch.full((10,), 2.0)  # a plain constant, which is no parameter

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.first(images)
        x = nn.functional.max_pool2d(x + self.block(x), 4)
        return self.last(x.flatten(1)) * self.scale


class Recurrent(nn.Module):
    """Reads an image row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.last = nn.LSTM(8, 12, 2, batch_first=True, bidirectional=True), nn.Linear(24, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.lstm(images.squeeze(1))[0][:, -1])


class Attentive(nn.Module):
    """A transformer encoder over the rows of an image; it answers with a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.embed, self.position = nn.Linear(8, 16), nn.Parameter(torch.zeros(1, 8, 16))
        self.encoder, self.last = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 10)

    def forward(self, *, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.last(self.encoder(self.embed(images.squeeze(1)) + self.position).mean(1))}


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.GELU(), nn.Linear(8, 10))


HONEST: dict[str, Callable[[], nn.Module]] = {
    "residual": Residual,
    "perceptron": perceptron,
    "recurrent": Recurrent,
    "attentive": Attentive,
}


def made(kind: str) -> nn.Module:
    """The model of that kind, with the same numbers each time, in evaluation mode."""
    torch.manual_seed(0)
    return HONEST[kind]().eval()


def export(model: nn.Module, path: Path, *, least: int = 1, most: int | None = None, free: bool = True) -> Path:
    """`model` as torch.export writes it for images of 8 by 8, for `least` to `most` rows, or for exactly two."""
    images = torch.zeros(2, 1, 8, 8)
    rows = {0: torch.export.Dim("rows", min=least, max=most)} if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own LSTM's attributes
        if isinstance(model, Attentive):
            program = torch.export.export(model, (), {"images": images}, dynamic_shapes={"images": rows})
        else:
            program = torch.export.export(model, (images,), dynamic_shapes=(rows,))
    torch.export.save(program, path)
    return path


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def write(members: Members, path: Path, *, root: str = "model/", compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(root + name, data)
    return path


def edit(member: str, change: Callable[[Any], object], *, of: Members) -> None:
    """The JSON in `member` as `change` leaves it."""
    value = json.loads(of[member])
    change(value)
    of[member] = json.dumps(value).encode()


def node(program: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return program["graph_module"]["graph"]["nodes"][index]


def in_model(change: Callable[[dict[str, Any], Path], Any]) -> Change:
    return lambda members, marker: edit(MODEL, lambda program: change(program, marker), of=members)


def _pickle(marker: Path) -> bytes:
    return attacks.call("os", "system", attacks.touch(marker))


def _torch_pickle(marker: Path) -> bytes:
    stream = io.BytesIO()
    attacks.as_torch_stream(stream, _pickle(marker))
    return stream.getvalue()


def _calls(marker: Path) -> str:
    """The payload as a Python expression without double quotes."""
    return f"__import__('os').system('{attacks.touch(marker)}')"


def _sample(members: Members, marker: Path) -> None:
    members[SAMPLE] = _torch_pickle(marker)


def _use_pickle(members: Members, marker: Path) -> None:
    def change(table: dict[str, Any]) -> None:
        entry = next(iter(table["config"].values()))
        entry["use_pickle"] = True
        members["data/weights/" + entry["path_name"]] = _torch_pickle(marker)

    edit(WEIGHTS, change, of=members)


def object_in_constants(kind: str) -> Change:
    def change(members: Members, marker: Path) -> None:
        members[f"data/constants/{kind}_obj_0"] = _pickle(marker)
        entry = {"path_name": f"{kind}_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
        edit(CONSTANTS, lambda table: table["config"].update(extra=entry), of=members)

    return change


def _old_weights(members: Members, marker: Path) -> None:
    members["data/weights/model.pt"] = _torch_pickle(marker)


def _expression(program: dict[str, Any], marker: Path) -> None:
    meta = program["graph_module"]["graph"]["tensor_values"]["input"]
    meta["sizes"][0]["as_expr"]["expr_str"] = _calls(marker)


def _guard(program: dict[str, Any], marker: Path) -> None:
    program["guards_code"] = [_calls(marker) + " == 0"]


def _name_of_an_input(program: dict[str, Any], marker: Path) -> None:
    """The name of an input becomes a parameter in generated source, so it can bring a default that is evaluated."""
    name = f"input={_calls(marker)}"
    text = json.dumps(program).replace('{"as_tensor": {"name": "input"}}', json.dumps({"as_tensor": {"name": name}}))
    program.update(json.loads(text))
    values = program["graph_module"]["graph"]["tensor_values"]
    values[name] = values.pop("input")


def _name_of_a_weight(members: Members, marker: Path) -> None:
    """A name that is no identifier is put between double quotes in generated source; names must not hold dots."""
    payload = f"getattr(__import__('os'), 'system')('{attacks.touch(marker)}')"
    name = json.dumps(f'1.training"), {payload}, ("')
    for member in (MODEL, WEIGHTS):
        members[member] = members[member].replace(b'"1.weight"', name.encode())


def _shape_of_the_answer(program: dict[str, Any], marker: Path) -> None:
    """A class to look up; its module, `payload`, is imported for it."""
    del marker
    leaf = {"type": None, "context": None, "children_spec": []}
    context = json.dumps([{"__enum__": True, "fqn": "payload:Enum", "name": "a"}])
    call = program["graph_module"]["module_call_graph"][0]["signature"]
    call["out_spec"] = json.dumps([1, {"type": "builtins.dict", "context": context, "children_spec": [leaf]}])


# name -> the reason that must be given, and the change
RUNS_CODE: dict[str, tuple[str, Change]] = {
    "sample_inputs": ("forbidden_global", _sample),
    "use_pickle": ("pickled_weights", _use_pickle),
    "opaque_object": ("foreign_object", object_in_constants("opaque")),
    "weights_of_the_old_form": ("pickled_weights", _old_weights),
    "expression": ("program_expression", in_model(_expression)),
    "guard": ("program_guard", in_model(_guard)),
    "name_of_an_input": ("program_name", in_model(_name_of_an_input)),
    "name_of_a_weight": ("program_name", _name_of_a_weight),
    "shape_of_the_answer": ("program_arguments", in_model(_shape_of_the_answer)),
}
