"""The example of the guide as it stands there: real digits, a real network for each fold, the real sandbox."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from sklearn.datasets import load_digits
from torch import nn

import countersign
from evaluations.resampling import jobs
from evaluations.resampling.models import Combination, Fold, Resampling
from tests.plugins_versions import CARD, PROVENANCE

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cross-validate.md"
ARCHITECTURE = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [8], "classes": 10}}


@pytest.fixture
def digits() -> dict[str, torch.Tensor]:
    found = load_digits()
    images = torch.tensor(found.images[:600, None] / 16.0, dtype=torch.float32)
    return {"inputs": images.contiguous(), "targets": torch.tensor(found.target[:600], dtype=torch.int64)}


@pytest.fixture
def guide(site: str, machine: Path, scientist: Any, key_of: Any, digits: Any, monkeypatch: Any) -> Any:
    """The guide's code, run on this machine against the site, with the version that it speaks of."""
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))
    save_file(digits, machine / "digits-train.safetensors")
    torch.set_num_threads(1)
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    training, submitting = code.split("submitted = ")
    names: dict[str, Any] = {}
    exec(training, names)  # noqa: S102 - our own guide
    names["rest"] = "submitted = " + submitting
    return names


@pytest.fixture
def version(guide: Any, team: Any, scientist: Any, machine: Path) -> Any:
    """digit-reader:1, trained on all rows, submitted."""
    from data_registry import services as data  # noqa: PLC0415 - plug-ins load before the settings do
    from governance import services as governance  # noqa: PLC0415 - as above
    from models_registry import services as registry  # noqa: PLC0415 - as above

    def registered(name: str, content: bytes) -> Any:
        dataset = data.register_dataset(team, by=scientist, name=name)
        draft = data.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="safetensors")
        data.receive_content(draft, by=scientist, chunks=[content])
        return data.register_version(draft, by=scientist)

    train = registered("digits-train", (machine / "digits-train.safetensors").read_bytes())
    classes = [str(digit) for digit in range(10)]
    model = registry.register_model(
        by=scientist, team=team, name="digit-reader", task="multiclass", risk_tier="low", classes=classes
    )
    links = [("training", train), ("testing", registered("digits-test", b"held out"))]
    made = registry.draft_version(model, by=scientist, card=CARD, data=links, architecture=ARCHITECTURE)
    weights = guide["train"](list(range(600))).state_dict()
    registry.receive_checkpoint(made, [save({**weights})], name="model.safetensors", by=scientist)
    governance.submit(made, by=scientist)
    return made


def work(made: Any) -> Any:
    """What the workers do, in this process; the sandbox is the real one."""
    rows = Fold.objects.filter(resampling=made["id"]).select_related("resampling__version__model", "resampling__dataset_version")
    for fold in rows:
        jobs.measure(fold)
    jobs.combine(Combination.objects.get(resampling=made["id"]))
    return Resampling.objects.with_parts().get(pk=made["id"])


def test_the_guides_example_is_measured_out_of_fold(version: Any, guide: Any, digits: Any) -> None:
    exec(guide["rest"], guide)  # noqa: S102 - as above
    made = work(guide["submitted"])
    assert made.standing == "completed", made.combination.error
    split = countersign.split("digits-train.safetensors", method="kfold", seed=7, folds=3, stratify="targets")
    folds = {fold.number: fold for fold in made.folds.all()}
    values = []
    for number, part in enumerate(split.parts, start=1):  # the oracle: the same training, measured here
        model, held = guide["train"](list(part.train)).eval(), torch.tensor(part.held_out)
        with torch.inference_mode():
            right = (model(digits["inputs"][held]).argmax(1) == digits["targets"][held]).double().mean()
        found = next(one for one in folds[number].metrics if one["name"] == "accuracy")
        assert (found["n"], found["value"]) == (len(held), pytest.approx(float(right)))
        values.append(float(right))
    accuracy = next(one for one in made.combination.metrics if one["name"] == "accuracy")
    assert accuracy["value"] == pytest.approx(sum(values) / 3) and 0.85 < accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert folds[1].sandbox["level"] in {"L1", "L2", "L3"}
    assert {fold.facts["format"] for fold in folds.values()} == {"safetensors"}


def test_refits_are_measured_out_of_bag_and_the_same_weights_again_are_noticed(version: Any, guide: Any, machine: Path) -> None:
    """A bootstrap through the client; one refit is the version itself, saved otherwise."""
    trained: list[nn.Module] = []

    def train(rows: list[int]) -> Any:
        trained.append(guide["train"](rows if len(trained) < 2 else list(range(600))))
        if len(trained) < 3:
            return trained[-1]
        save_file(trained[-1].state_dict(), machine / "again.safetensors", {"saved": "once more"})
        return machine / "again.safetensors"

    told: list[Any] = []
    made = countersign.cross_validate(
        train, "digits-train.safetensors", version="digit-reader:1", method="bootstrap", replicates=3, seed=1,
        architecture=ARCHITECTURE, tell=lambda number, of, name: told.append((number, of, name)),
    )  # fmt: skip
    assert told == [(1, 3, "replicate-1"), (2, 3, "replicate-2"), (3, 3, "replicate-3")]
    found = work(made)
    assert found.standing == "errored"
    assert "the version on its training rows and replicate-3 hold the same weights" in found.combination.error
    assert {fold.state for fold in found.folds.all()} == {"completed"}
    measured = {fold.number: fold.facts["row_losses"] for fold in found.folds.all()}
    assert measured[0]["rows"] == 600 and 180 < measured[1]["rows"] < 260


def test_nothing_is_trained_where_the_site_would_refuse(version: Any, guide: Any, machine: Path) -> None:
    (machine / "other.csv").write_text("x\n" + "\n".join(map(str, range(20))))

    def train(rows: Any) -> Any:
        raise AssertionError("trained for nothing")

    with pytest.raises(countersign.Refused, match="none of the training data of digit-reader v1"):
        countersign.cross_validate(train, "other.csv", version="digit-reader:1")
    split = countersign.split("other.csv", method="kfold", seed=1)
    with pytest.raises(countersign.CannotSplit, match="drawn from other bytes"):
        countersign.cross_validate(train, "digits-train.safetensors", version="digit-reader:1", split=split)


def test_the_command_hands_checkpoints_in(version: Any, guide: Any, command: Any, machine: Path) -> None:
    assert command("split", "digits-train.safetensors", "--method", "kfold", "--folds", "2", "--seed", "3").code == 0
    for number, part in enumerate(countersign.load_split("split.json").parts, start=1):
        save_file(guide["train"](part.train).state_dict(), machine / f"{number}.safetensors")
    said = command("cross-validate", "digit-reader:1", "split.json", "1.safetensors")
    assert said.code == 64 and "has 2 parts: give one checkpoint for each" in said.err
    said = command("cross-validate", "digit-reader:1", "split.json", "1.safetensors", "1.safetensors")
    assert said.code == 1 and "leakage, not cross-validation" in said.err
    said = command("cross-validate", "digit-reader:1", "split.json", "1.safetensors", "2.safetensors", "--json")
    assert (said.code, said.json["state"], said.json["parts"]) == (0, "queued", 2)


def test_the_command_waits_for_the_numbers(version: Any, guide: Any, command: Any, machine: Path, monkeypatch: Any) -> None:
    answers = iter(
        [
            {"state": "running"},
            {
                "state": "completed",
                "metrics": [
                    {
                        "name": "accuracy",
                        "label": "",
                        "value": 0.9,
                        "low": 0.8,
                        "high": 0.95,
                        "confidence": 0.95,
                        "n": 20,
                        "method": "corrected t, 2 folds",
                    }
                ],
            },
            {"state": "errored", "error": "1 of 3 parts could not be measured.", "metrics": []},
        ]
    )
    monkeypatch.setattr(countersign.Client, "resampling", lambda self, pk: next(answers))
    monkeypatch.setattr(countersign.client.time, "sleep", lambda seconds: None)
    command("split", "digits-train.safetensors", "--method", "kfold", "--folds", "2", "--seed", "3")
    for number in (1, 2, 3, 4):
        (machine / str(number)).write_bytes(b"weights %d" % number)
    said = command("cross-validate", "digit-reader:1", "split.json", "1", "2", "--wait")
    assert said.code == 0
    assert "accuracy: 0.9000 (95 % interval 0.8000 to 0.9500, n = 20; corrected t, 2 folds)" in said.out
    said = command("cross-validate", "digit-reader:1", "split.json", "3", "4", "--wait")
    assert said.code == 3 and "could not be measured" in said.out
