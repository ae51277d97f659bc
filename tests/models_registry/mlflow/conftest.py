"""A client that speaks MLflow's API, and what it has to speak about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body.get("error_code", "")


@dataclass
class Speaker:
    """`speaker("POST", "mlflow/runs/create", experiment_id="0")`: what MLflow's client would send, and what it would read."""

    client: Any
    root: str = ""

    def __call__(self, method: str, address: str, **given: Any) -> Answered:
        url = f"{self.root}/api/2.0/{address}"
        if method == "GET":
            answer = self.client.get(url, given)
        else:
            answer = getattr(self.client, method.lower())(url, given, format="json")
        return Answered(answer.status_code, answer.json() if answer.content else {})

    def good(self, method: str, address: str, **given: Any) -> Any:
        answered = self(method, address, **given)
        assert answered.status == 200, answered
        return answered.body

    def put(self, uri: str, path: str, data: bytes) -> Any:
        return self.client.put(self._file(uri, path), data, content_type="application/octet-stream")

    def fetch(self, uri: str, path: str) -> bytes:
        answer = self.client.get(self._file(uri, path))
        assert answer.status_code == 200, answer.content
        return b"".join(answer.streaming_content)

    def files(self, uri: str, path: str = "") -> list[dict[str, Any]]:
        below = f"{uri.removeprefix('mlflow-artifacts:/')}/{path}".rstrip("/")
        return self.good("GET", "mlflow-artifacts/artifacts", path=below)["files"]

    def start(self, **given: Any) -> dict[str, Any]:
        return self.good("POST", "mlflow/runs/create", **{"experiment_id": "0", **given})["run"]

    def run(self, run: dict[str, Any]) -> dict[str, Any]:
        return self.good("GET", "mlflow/runs/get", run_id=run["info"]["run_id"])["run"]

    def _file(self, uri: str, path: str) -> str:
        return f"{self.root}/api/2.0/mlflow-artifacts/artifacts/{uri.removeprefix('mlflow-artifacts:/')}/{path}"


@pytest.fixture
def speaker_of(api_of: Callable[..., Any]) -> Callable[..., Speaker]:
    """`speaker_of(person, *scopes, team="vision")`: with a real key, and below /teams/ where a team is named."""

    def make(person: Any = None, *scopes: str, team: str = "") -> Speaker:
        return Speaker(api_of(person, *scopes), f"/teams/{team}" if team else "")

    return make


@pytest.fixture
def speaker(speaker_of: Callable[..., Speaker], scientist: Any) -> Speaker:
    return speaker_of(scientist)


MLMODEL = b"""artifact_path: net
flavors:
  python_function:
    data: data
    loader_module: mlflow.pytorch
  pytorch:
    code: null
    model_data: data
    pytorch_version: 2.13.0
mlflow_version: 3.18.0
model_uuid: 0123
"""
FOLDER = {
    "MLmodel": MLMODEL,
    "data/model.pth": b"the weights",
    "data/pickle_module_info.txt": b"mlflow.pytorch.pickle_module",
    "requirements.txt": b"mlflow==3.18.0\ntorch==2.13.0  # the CPU build\nnumpy\n-r other.txt\n",
    "python_env.yaml": b"python: 3.11.7\nbuild_dependencies:\n- pip==26.0\n",
}


@pytest.fixture
def log_folder(speaker: Speaker) -> Callable[..., dict[str, Any]]:
    """`log_folder(files)`: a run that keeps these files below `net`, as MLflow 2 logs a model."""

    def log(files: dict[str, bytes] = FOLDER, *, by: Speaker | None = None) -> dict[str, Any]:
        who = by or speaker
        run = who.start(run_name="training")
        for path, data in files.items():
            assert who.put(run["info"]["artifact_uri"], f"net/{path}", data).status_code == 200
        return run

    return log


@pytest.fixture
def register(speaker: Speaker, log_folder: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """`register("digit-reader")`: version 1 of that model, from a run's folder."""

    def make(name: str = "digit-reader", files: dict[str, bytes] = FOLDER, **more: Any) -> dict[str, Any]:
        run = log_folder(files)
        speaker("POST", "mlflow/registered-models/create", name=name)
        source = {"source": f"{run['info']['artifact_uri']}/net", "run_id": run["info"]["run_id"]}
        return speaker.good("POST", "mlflow/model-versions/create", name=name, **{**source, **more})["model_version"]

    return make
