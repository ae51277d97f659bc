"""What the real MLflow writes, of the current and of the previous major version, is read as MLflow itself reads it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from countersign.importing.mlflow import open_source
from countersign.importing.mlflow.records import Artifact, Head

pytestmark = pytest.mark.clients

QUIET = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}

# Writes two runs and a child, then says what MLflow itself reads. Its arguments: the store's address, and where artifacts go.
PROGRAM = """
import json, sys
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
    }
print(json.dumps(found))
"""


def write(run_client: Callable[..., Any], environment: str, store: str, artifacts: Path) -> dict[str, Any]:
    done = run_client(environment, PROGRAM, store, artifacts.as_uri(), **QUIET)
    return json.loads(done.stdout.splitlines()[-1])


def read(source: str) -> tuple[dict[str, Any], dict[str, dict[str, bytes]]]:
    """What our reader says, in the form that the program above prints; and the artifacts."""
    found, files = {}, {}
    reader = open_source(source)
    for head in reader.heads(only=frozenset({"Vision / day"})):
        assert isinstance(head, Head), head
        assert head.experiment.tags == {"team": "vision"}
        run = reader.load(head)
        assert run.notes == ()
        curves = {key: [[step, repr(value), at] for step, value, at in points.rows()] for key, points in run.series.items()}
        data = [[one.name, one.digest, one.context, one.source_type, one.source, one.schema, one.profile] for one in run.data]
        found[head.run_id] = {
            "name": head.name,
            "status": head.state.upper(),
            "started": head.started,
            "ended": head.ended,
            "user": head.user,
            "deleted": head.deleted,
            "params": run.params,
            "tags": run.tags,
            "curves": curves,
            "data": data,
        }
        for one in reader.artifacts(head):
            assert isinstance(one, Artifact), one
            with one.file(1000) as path:
                files.setdefault(head.name, {})[one.path] = path.read_bytes()
    assert reader.models() == ["reader"]
    return found, files


@contextmanager
def server(python: Path, folder: Path) -> Iterator[str]:
    """The address of a real MLflow server on the SQLite file in the folder; it and all that it started ends with the test."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DJANGO_", "PYTEST_"))}
    words = [str(python), "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    words += [
        "--default-artifact-root",
        str(folder / "mlartifacts"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with (folder / "server.log").open("w") as log:
        running = subprocess.Popen(words, env=own | QUIET, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(600):
                with suppress(requests.ConnectionError):
                    if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                        break
                time.sleep(0.25)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(timeout=30)


def infinite(curves: dict[str, Any]) -> dict[str, Any]:
    """As it was logged: MLflow's database stores say the largest number for an infinity."""
    said = {"1.7976931348623157e+308": "inf", "-1.7976931348623157e+308": "-inf"}
    return {key: sorted([step, said.get(value, value), at] for step, value, at in rows) for key, rows in curves.items()}


def agrees(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert len(theirs) == 4
    for run_id, run in theirs.items():
        own = ours[run_id]
        assert infinite(own.pop("curves")) == infinite(run.pop("curves"))
        assert own == run
    assert set(ours) == set(theirs)


@pytest.mark.parametrize("environment", ["mlflow2", "mlflow3"])
def test_a_folder_is_read_as_mlflow_reads_it(run_client: Callable[..., Any], tmp_path: Path, environment: str) -> None:
    root = tmp_path / "mlruns"
    theirs = write(run_client, environment, root.as_uri(), root / "art")
    ours, files = read(str(root))
    agrees(ours, theirs)
    assert files == {"parent \"x\": 'y' # z": {"notes/a.txt": b"hello"}}
    (curves,) = [one["curves"] for one in read(str(root))[0].values() if one["name"].startswith("parent")]
    assert [value for _, value, _ in curves["odd"]] == ["nan", "inf", "-inf", "0.1"]


def test_a_sqlite_file_and_a_server_are_read_as_mlflow_reads_them(
    run_client: Callable[..., Any], client_python: Callable[[str], Path], tmp_path: Path
) -> None:
    theirs = write(run_client, "mlflow-server", f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlartifacts")
    ours, files = read(f"sqlite:///{tmp_path}/mlflow.db")
    with server(client_python("mlflow-server"), tmp_path) as address:
        ours_over_rest, files_over_rest = read(address)
    assert files == files_over_rest == {"parent \"x\": 'y' # z": {"notes/a.txt": b"hello"}}
    assert {key: infinite(run["curves"]) for key, run in ours.items()} == {
        key: infinite(run["curves"]) for key, run in ours_over_rest.items()
    }
    agrees(ours_over_rest, json.loads(json.dumps(theirs)))
    agrees(ours, theirs)
