"""A program for the real MLflow client: it logs runs of every kind into a store, and says what MLflow itself reads of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUIET = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}

# Writes three runs and a child, deletes one, then says what MLflow itself reads. Its arguments: the store's address, and where
# artifacts go.
PROGRAM = """
import hashlib, json, sys
from pathlib import Path

import numpy
import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

store, artifacts = sys.argv[1:]
mlflow.set_tracking_uri(store)
client = MlflowClient()
experiment = client.create_experiment("Vision / day", artifact_location=artifacts, tags={"team": "vision"})
client.create_experiment("x" * 100 + ": " + "y" * 100)
mlflow.set_experiment("Vision / day")
with mlflow.start_run(run_name="parent \\"x\\": 'y' # z", tags={"note": "line 1\\nline 2", "language": "한국어"}) as parent:
    mlflow.log_params({"lr": 0.01, "optim/name": "adam", "long": "y" * 300, "flag": True})
    for step in range(5):
        mlflow.log_metric("train/loss", 1 / (step + 1), step=step)
    for step, value in ((1, "nan"), (2, "inf"), (-3, "-inf"), (2, "0.1")):
        mlflow.log_metric("odd", float(value), step=step)
    rows = numpy.arange(6).reshape(3, 2)
    data = mlflow.data.from_numpy(rows, name="rows of digits", source="https://example.org/digits.npz")
    mlflow.log_input(data, context="training")
    mlflow.log_input(mlflow.data.from_numpy(rows + 1, name="tests", source="https://example.org/tests.npz"))
    mlflow.log_text("hello", "notes/a.txt")
    Path("weights.bin").write_bytes(bytes(range(256)) * 4096)
    mlflow.log_artifact("weights.bin", "deep/er")
    if hasattr(mlflow, "initialize_logged_model"):
        model = mlflow.initialize_logged_model(name="net")
        mlflow.log_metric("with_model", 0.5, step=0, model_id=model.model_id)
        mlflow.finalize_logged_model(model.model_id, "READY")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("acc", 0.5)
try:
    with mlflow.start_run(run_name="broken"):
        raise RuntimeError
except RuntimeError:
    pass
client.delete_run(client.create_run(experiment, run_name="gone").info.run_id)
client.create_registered_model("reader")


def digests(run_id, folder=None):
    for one in client.list_artifacts(run_id, folder):
        if one.is_dir:
            yield from digests(run_id, one.path)
        else:
            content = Path(client.download_artifacts(run_id, one.path)).read_bytes()
            yield one.path, "sha256:" + hashlib.sha256(content).hexdigest()


found = {}
for run in client.search_runs([experiment], run_view_type=ViewType.ALL):
    info = run.info
    found[info.run_id] = {
        "name": info.run_name, "status": info.status, "started": info.start_time, "ended": info.end_time, "user": info.user_id,
        "deleted": info.lifecycle_stage == "deleted", "params": run.data.params, "tags": run.data.tags,
        "curves": {key: [(one.step, repr(one.value), one.timestamp) for one in client.get_metric_history(info.run_id, key)]
                   for key in run.data.metrics},
        "data": sorted(
            [one.dataset.name, one.dataset.digest, dict((tag.key, tag.value) for tag in one.tags).get("mlflow.data.context", ""),
             one.dataset.source_type, one.dataset.source, one.dataset.schema or "", one.dataset.profile or ""]
            for one in run.inputs.dataset_inputs
        ),
        "artifacts": dict(digests(info.run_id)),
    }
print(json.dumps(found))
"""


def write(run_client: Callable[..., Any], environment: str, store: str, artifacts: Path) -> dict[str, Any]:
    done = run_client(environment, PROGRAM, store, artifacts.as_uri(), **QUIET)
    return json.loads(done.stdout.splitlines()[-1])


def infinite(curves: dict[str, Any]) -> dict[str, Any]:
    """As it was logged: MLflow's database stores say the largest number for an infinity."""
    said = {"1.7976931348623157e+308": "inf", "-1.7976931348623157e+308": "-inf"}
    return {key: sorted([step, said.get(value, value), at] for step, value, at in rows) for key, rows in curves.items()}
