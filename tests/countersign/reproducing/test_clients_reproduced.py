"""Trainings that report with MLflow's own client, and weights that depend on torch's seed, are reproduced too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.reproducing import running
from countersign.reproducing.problem import TrainingFailed
from countersign.reproducing.recorded import Recorded
from tests.countersign.capturing.conftest import Repository
from tests.countersign.conftest import Said

RUN = Recorded(id="1", name="with mlflow", commit="0" * 40, remote="", script="train.py", seeds={"hash": "5"})
MLFLOW = """
import mlflow, os
mlflow.set_experiment("digits")
with mlflow.start_run(run_name="another"):
    mlflow.log_metric("loss", 9.0)
with mlflow.start_run(run_name="with mlflow"):
    mlflow.log_params({"lr": 0.1, "hash": os.environ["PYTHONHASHSEED"]})
    for step in (0, 2, 1):
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
    mlflow.log_text("weights", "model/weights.txt")
"""


@pytest.mark.clients
@pytest.mark.parametrize("name", ["mlflow3", "mlflow2"])
def test_what_mlflows_own_client_writes_is_collected(
    name: str, client_python: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")  # the person's own server, which must not hear of it
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(MLFLOW)
    python = client_python(name)
    command = running.command_of(RUN, python, code, known=None)
    running.train(RUN, command, tmp_path, python=python, cwd=code, log=tmp_path / "log")
    made = running.collect(RUN, tmp_path)
    assert made.metrics == {"loss": pytest.approx(1 / 3)}
    assert made.params == {"lr": "0.1", "hash": "5"}
    assert made.files["model/weights.txt"].read_text() == "weights"


def test_an_empty_or_broken_record_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    with pytest.raises(TrainingFailed, match="recorded with MLflow cannot be read"):
        running.collect(RUN, tmp_path)
    spool = tmp_path / "recorded-here" / "x"
    spool.mkdir(parents=True)
    (spool / "run.jsonl").write_text("{broken\n")
    with pytest.raises(TrainingFailed, match="What the training recorded cannot be read"):
        running.collect(RUN, tmp_path)


TORCH = """
import torch, countersign
from safetensors.torch import save_file
weights = torch.randn(4, 3)
run = countersign.start_run("torch")
run.log(loss=float(weights.sum()))
save_file({"layer.weight": weights, "layer.bias": torch.zeros(3)}, "model.safetensors")
run.log_artifact("model.safetensors", "model/model.safetensors")
run.end(wait=60)
"""


@pytest.mark.django_db(transaction=True)
def test_weights_drawn_with_torchs_own_seed_are_the_same_again(
    record: Any, command: Callable[..., Said], repository: Repository, machine: Path
) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    repository.write("torch_train.py", TORCH)
    repository.commit("With torch")
    repository.git("push", "-q", "origin", "main")
    run = record(script="torch_train.py")
    assert run.code["entry"] == "torch_train.py" and run.training["seeds"]["torch"]
    words = ("reproduce", str(run.pk), "--environment", "current", "--yes")
    said = command(*words, "--json")
    assert said.code == 0, said.out + said.err
    assert [(one["path"], one["equal"]) for one in said.json["checkpoints"]] == [("model/model.safetensors", True)]
    TrainingRun.objects.filter(pk=run.pk).update(training={})
    other = command(*words, "--folder", "other")
    assert other.code == 3
    assert "model/model.safetensors: other bytes; 1 of 2 tensors are equal" in other.out
    assert "layer.weight [4, 3]: largest difference" in other.out
