"""`countersign.submit` with a live module: what is saved on the client, what arrives, and what is refused before that."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

import countersign
from core import blobs
from countersign.capturing import code_facts, environment_facts
from models_registry.models import Version
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db(transaction=True)
ARCHITECTURE = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [4, 8], "classes": 3}}

READING = {"image": {"column": "file", "size": [8, 8], "mode": "L"}, "target": "digit"}


def small_cnn() -> nn.Module:
    model = nn.Sequential()
    model.add_module("features", nn.Sequential(*block(1, 4), *block(4, 8)))
    model.add_module("classifier", nn.Sequential(nn.Flatten(), nn.Linear(8 * 2 * 2, 3)))
    return model


def block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]


@pytest.fixture
def client(site: str, scientist: Any, key_of: Any, machine: Path, make_model: Any) -> countersign.Client:
    make_model()
    return countersign.Client(site, key_of(scientist))


@pytest.fixture
def data(make_data: Any) -> dict[str, Any]:
    return {"training": [str(make_data("train").pk)], "testing": str(make_data("hold-out", content=b"held out").pk)}


def test_a_module_of_a_known_architecture_arrives_as_its_weights(client: countersign.Client, data: Any) -> None:
    model = small_cnn()
    done = countersign.submit(
        model,
        model_name="digit-reader",
        data=data,
        card=CARD,
        architecture=ARCHITECTURE,
        reading=READING,
        curves={"loss": [1, 0.5]},
        params={"lr": 0.01},
        client=client,
    )
    version = Version.objects.with_parts().get(pk=done.id)
    assert version.reading == READING
    assert (version.state, version.checkpoint_name, version.architecture) == ("submitted", "model.safetensors", ARCHITECTURE)
    arrived = safetensors.torch.load(blobs.read(version.checkpoint_digest))
    assert {name: tuple(tensor.shape) for name, tensor in arrived.items()} == {
        name: tuple(tensor.shape) for name, tensor in model.state_dict().items()
    }
    assert all(torch.equal(arrived[name], tensor) for name, tensor in model.state_dict().items())
    assert done.review["state"] == "open"


def test_tied_weights_can_be_saved(client: countersign.Client, data: Any) -> None:
    model = small_cnn()
    model.register_parameter("again", model.classifier[1].weight)  # type: ignore[union-attr, index]  # a module's attributes
    done = countersign.submit(model, model_name="digit-reader", data=data, card=CARD, architecture=ARCHITECTURE, client=client)
    assert set(safetensors.torch.load(blobs.read(done.version["checkpoint_digest"]))) == set(model.state_dict())


def test_a_module_of_its_own_architecture_arrives_as_an_exported_program(client: countersign.Client, data: Any) -> None:
    model = small_cnn().train()
    done = countersign.submit(
        model, model_name="digit-reader", data=data, card=CARD, example_input=torch.zeros(2, 1, 8, 8), client=client
    )
    version = Version.objects.get(pk=done.id)
    assert (version.checkpoint_name, version.architecture) == ("model.pt2", None)
    assert blobs.read(version.checkpoint_digest).startswith(b"PK")
    assert model.training  # left as it was


def test_what_cannot_be_saved_leaves_nothing_on_the_site(client: countersign.Client, data: Any, story: Any) -> None:
    before = story()

    class Unexportable(nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows if float(rows.sum()) > 0 else -rows

    def submit(model: Any, **more: Any) -> Any:
        return countersign.submit(model, model_name="digit-reader", data=data, card=CARD, client=client, **more)

    with pytest.raises(countersign.CannotSave, match="Give example_input"):
        submit(small_cnn())
    with pytest.raises(countersign.CannotSave, match=r"cannot be exported .* Name the architecture"):
        submit(Unexportable(), example_input=torch.zeros(2, 3))
    with pytest.raises(countersign.CannotSave, match="There is no file absent"):
        submit("absent.safetensors")
    with pytest.raises(countersign.CannotSave, match=r"Give an nn\.Module"):
        submit({"weight": 1})
    assert story() == before


def test_the_commit_is_told_without_passwords_and_runs_nothing_of_the_repository(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    assert code_facts(tmp_path) == {}
    git("init", "-b", "main")
    git("config", "user.email", "a@example.org")
    git("config", "user.name", "A")
    (tmp_path / "train.py").write_text("epochs = 3\n")
    git("add", ".")
    git("commit", "-m", "First")
    git("remote", "add", "origin", "https://me:token@example.org/team/digits.git")
    clean = code_facts(tmp_path)
    assert (clean["repository"], clean["branch"], clean["dirty"], clean["patch_digest"]) == (
        "https://example.org/team/digits.git",
        "main",
        False,
        "",
    )
    (tmp_path / "train.py").write_text("epochs = 4\n")
    marker = tmp_path / "ran"
    git("config", "diff.external", f"touch {marker}")
    dirty = code_facts(tmp_path)
    assert dirty["dirty"] and dirty["patch_digest"].startswith("sha256:")
    assert not marker.exists()


def test_installed_packages_are_told() -> None:
    facts = environment_facts()
    assert any(one.startswith("requests==") for one in facts["packages"])
    assert facts["packages"] == sorted(facts["packages"], key=str.lower)
