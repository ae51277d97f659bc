"""Architectures for weights: the built-in ones as their documentation says, and those that an operator installs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from torch import nn

import sandbox
from models_registry.inspection import architectures, child, loading
from models_registry.inspection.gate import inspect_file

ROOT = Path(__file__).parent.parent.parent

RESIDUAL = {"input": [3, 16, 16], "stages": [4, 8], "blocks": 2, "classes": 5}
LSTM = {"cell": "lstm", "features": 8, "hidden": 6, "layers": 2, "bidirectional": True, "classes": 3}
GRU = {"cell": "gru", "features": 8, "hidden": 6, "classes": 3}
ENCODER = {"features": 8, "length": 8, "width": 12, "heads": 3, "layers": 2, "feedforward": 20, "classes": 3}
CNN = {"input": [1, 8, 8], "channels": [16, 32], "hidden": [7], "classes": 10}


class Block(nn.Module):
    """The residual block of the documentation, written again."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        changes = stride > 1 or inputs != channels
        way = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.shortcut = way if changes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + self.shortcut(x)).relu()


class Whole(nn.Module):
    """Parts by name, and how they are asked."""

    def __init__(self, ask: Any, **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.ask = ask

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ask(self, x)


def _lstm(model: Any, x: torch.Tensor) -> torch.Tensor:
    _, (hidden, _) = model.rnn(x)
    return model.classifier(torch.cat([hidden[-2], hidden[-1]], 1))  # torch's own last states, forward and backward


def _encoder(model: Any, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(model.encoder(model.embed(x) + model.position[:, : x.shape[1]]).mean(1))


# name, settings, the same module by hand, and the shape of one row
BY_HAND: dict[str, tuple[str, dict[str, Any], Any, tuple[int, ...]]] = {
    "mlp": (
        "mlp", {"input": [8, 8], "hidden": [5], "classes": 3},
        lambda: Whole(lambda m, x: m.layers(x), layers=nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 3))),
        (8, 8),
    ),
    "small-cnn": (
        "small-cnn", CNN,
        lambda: Whole(
            lambda m, x: m.classifier(m.features(x)),
            features=nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            ),
            classifier=nn.Sequential(nn.Flatten(), nn.Linear(128, 7), nn.ReLU(), nn.Linear(7, 10)),
        ),
        (1, 8, 8),
    ),
    "residual-cnn": (
        "residual-cnn", RESIDUAL,
        lambda: Whole(
            lambda m, x: m.head(m.stages(m.stem(x))),
            stem=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
            stages=nn.Sequential(
                nn.Sequential(Block(4, 4, 1), Block(4, 4, 1)), nn.Sequential(Block(4, 8, 2), Block(8, 8, 1))
            ),
            head=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
        ),
        (3, 16, 16),
    ),
    "lstm": (
        "recurrent", LSTM,
        lambda: Whole(_lstm, rnn=nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True), classifier=nn.Linear(12, 3)),
        (5, 8),
    ),
    "gru": (
        "recurrent", GRU,
        lambda: Whole(lambda m, x: m.classifier(m.rnn(x)[1][-1]), rnn=nn.GRU(8, 6, batch_first=True), classifier=nn.Linear(6, 3)),
        (5, 8),
    ),
    "transformer-encoder": (
        "transformer-encoder", ENCODER,
        lambda: Whole(
            _encoder, embed=nn.Linear(8, 12), position=nn.Parameter(torch.rand(1, 8, 12)), classifier=nn.Linear(12, 3),
            encoder=nn.TransformerEncoder(nn.TransformerEncoderLayer(12, 3, 20, batch_first=True), 2),
        ),
        (6, 8),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # the encoder by hand is torch's plainest
@pytest.mark.parametrize("kind", BY_HAND)
def test_weights_of_the_same_module_written_by_hand_fit_and_answer_alike(tmp_path: Path, kind: str) -> None:
    name, config, make, row = BY_HAND[kind]
    torch.manual_seed(3)
    model = make()
    for module in model.modules():  # statistics that matter
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    model.eval()
    torch.save(model.state_dict(), tmp_path / "model.pt")
    loaded = loading.load_model(tmp_path / "model.pt", "torch-zip", {"name": name, "config": config})
    rows = torch.rand(4, *row)
    with torch.no_grad():
        assert torch.allclose(loaded(rows), model(rows), atol=1e-6)
    facts = child.main({"architecture": {"name": name, "config": config}}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)[
        "facts"
    ]
    assert facts["architecture"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert facts["architecture"]["buffers"] == sum(buffer.numel() for buffer in model.buffers())
    assert (facts["parameters"], facts["buffers"]) == (facts["architecture"]["parameters"], facts["architecture"]["buffers"])


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # as above
def test_sequences_may_come_as_flat_rows_or_images(tmp_path: Path) -> None:
    for kind in ("gru", "transformer-encoder"):
        name, config, make, _ = BY_HAND[kind]
        torch.save(make().state_dict(), tmp_path / "model.pt")
        loaded = loading.load_model(tmp_path / "model.pt", "torch-zip", {"name": name, "config": config})
        rows = torch.rand(2, 1, 8, 8)
        assert torch.allclose(loaded(rows), loaded(rows.flatten(1)), atol=1e-6)


def test_every_built_in_architecture_is_built_without_memory_from_what_its_schema_allows() -> None:
    assert {name for name, *_ in BY_HAND.values()} == set(architectures.BUILT_IN)
    for name, config, *_ in BY_HAND.values():
        schema = architectures.BUILT_IN[name].schema
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(config, schema)
        model = architectures.build_empty({"name": name, "config": config})
        assert all(parameter.is_meta for parameter in model.parameters())
        for key in schema["required"]:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({k: v for k, v in config.items() if k != key}, schema)
            with pytest.raises(architectures.CannotBuild, match=f"'{key}'"):
                architectures.build_empty({"name": name, "config": {k: v for k, v in config.items() if k != key}})


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("small-cnn", {"input": [1, 8], "channels": [4], "classes": 2}, "'input' must be a list of 3"),
        ("small-cnn", {"input": [1, 8, 8], "channels": [], "classes": 2}, "'channels' must be a list"),
        ("small-cnn", {"input": [1, 8, 8], "channels": [4] * 4, "classes": 2}, "to nothing"),
        ("small-cnn", {"input": [1, 8, 8], "channels": [4], "classes": True}, "'classes' must be a whole number"),
        ("small-cnn", {"input": [1, 8, 8], "channels": [4], "classes": 1 << 20}, "'classes' must be a whole number"),
        ("small-cnn", {"input": [1, 8, 8], "channels": [4], "classes": 2, "klasses": 2}, "'klasses' is not known"),
        ("residual-cnn", RESIDUAL | {"stages": [4] * 6}, "to nothing"),
        ("residual-cnn", RESIDUAL | {"blocks": 65}, "'blocks' must be at most 64"),
        ("recurrent", LSTM | {"cell": "rnn"}, "'cell' must be one of lstm, gru"),
        ("recurrent", LSTM | {"bidirectional": 1}, "'bidirectional' must be true or false"),
        ("recurrent", LSTM | {"layers": 100}, "'layers' must be at most 64"),
        ("transformer-encoder", ENCODER | {"heads": 5}, "12 cannot be shared among 5"),
        ("transformer-encoder", ENCODER | {"dropout": 0.1}, "'dropout' is not known"),
    ],
)
def test_settings_that_do_not_fit_are_named(name: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(architectures.CannotBuild, match=words):
        architectures.build_empty({"name": name, "config": config})


# -- installed by the operator ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the distribution beside this test into."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(Path(__file__).parent / "plugin", folder / "source")
    target = folder / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", target, folder / "source"], check=True, capture_output=True)
    return target


WIDE = {"name": "wide-net", "config": {"factor": 3}}


def test_an_installed_architecture_is_found_in_the_sandbox(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    torch.save(nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 2)).state_dict(), tmp_path / "model.pt")
    with sandbox.run(
        "models_registry.inspection.child",
        inputs={"checkpoint": tmp_path / "model.pt"},
        job={"architecture": WIDE},
        roots=[ROOT / "models_registry" / "inspection"],
        limits=sandbox.Limits(wall=60, cpu=60, memory=1 << 30),
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        found = outcome.result
    assert (found["verdict"], found["reasons"]) == ("accepted", [])
    assert (found["facts"]["architecture"]["name"], found["facts"]["architecture"]["version"]) == ("wide-net", "2.1")


def test_a_plug_in_replaces_nothing_and_a_broken_one_takes_nobody_down(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "wide-net" not in architectures.registered()
    monkeypatch.syspath_prepend(str(installed))
    known = architectures.registered()
    assert (known["wide-net"].version, "broken-net" in known) == ("2.1", False)
    assert known["mlp"] is architectures.BUILT_IN["mlp"]
    with pytest.raises(architectures.CannotBuild, match=r"'broken-net' is not installed; there are .*wide-net"):
        architectures.build_empty({"name": "broken-net"})
    with pytest.raises(architectures.CannotBuild, match="cannot be built from its settings: the factor is at most 8"):
        architectures.build_empty({"name": "wide-net", "config": {"factor": 9}})


def test_keys_that_do_not_fit_are_told_for_a_plug_in_too(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    torch.save({"0.weight": torch.zeros(12, 4), "0.bias": torch.zeros(11), "more": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(loading.DoesNotFit) as refusal:
        loading.put_into(
            architectures.build_empty(WIDE), loading.load_state(tmp_path / "model.pt", inspect_file(tmp_path / "model.pt"))
        )
    assert [(one["key"], one["kind"]) for one in refusal.value.differences] == [
        ("0.bias", "mismatched"), ("2.weight", "missing"), ("2.bias", "missing"), ("more", "unexpected"),
    ]  # fmt: skip
