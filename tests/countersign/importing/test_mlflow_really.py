"""What the real MLflow writes, of the current and of the previous major version, is read as MLflow itself reads it."""

from __future__ import annotations

import hashlib
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
from tests.countersign.importing.mlflow_writes import QUIET, infinite, write

pytestmark = pytest.mark.clients


def read(source: str) -> dict[str, Any]:
    """What our reader says, in the form that MLflow's program prints."""
    found = {}
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
            "artifacts": {},
        }
        for one in reader.artifacts(head):
            assert isinstance(one, Artifact), one
            with one.file(2 << 20) as path:
                found[head.run_id]["artifacts"][one.path] = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert reader.models() == ["reader"]
    return found


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
                with suppress(requests.ConnectionError, requests.Timeout):  # a busy machine starts it slowly
                    if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                        break
                time.sleep(0.25)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(timeout=30)


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
    theirs = write(run_client, environment, root.as_uri(), root / "art" / "kept")
    ours = read(str(root))
    (parent,) = [one for one in ours.values() if one["name"].startswith("parent")]
    assert [value for _, value, _ in parent["curves"]["odd"]] == ["nan", "inf", "-inf", "0.1"]
    assert parent["artifacts"].keys() == {"notes/a.txt", "deep/er/weights.bin"}
    agrees(ours, theirs)


def test_a_sqlite_file_and_a_server_are_read_as_mlflow_reads_them(
    run_client: Callable[..., Any], client_python: Callable[[str], Path], tmp_path: Path
) -> None:
    theirs = write(run_client, "mlflow-server", f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlartifacts")
    ours = read(f"sqlite:///{tmp_path}/mlflow.db")
    with server(client_python("mlflow-server"), tmp_path) as address:
        ours_over_rest = read(address)
    assert {key: infinite(run["curves"]) for key, run in ours.items()} == {
        key: infinite(run["curves"]) for key, run in ours_over_rest.items()
    }
    agrees(ours_over_rest, json.loads(json.dumps(theirs)))
    agrees(ours, theirs)
