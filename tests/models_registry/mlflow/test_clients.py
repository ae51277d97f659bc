"""The real clients of both majors, unmodified, against the site as it runs: their programs, in environments of their own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from config.setup.clients import ROOT
from models_registry.models import RegisteredFile, RegisteredModel, Version
from tracking.models import TrainingRun
from tracking.services import start_run

pytestmark = [pytest.mark.clients, pytest.mark.django_db(transaction=True)]
PROGRAMS = Path(__file__).parent / "programs"
MAJORS = ["mlflow3", "mlflow2"]
# What the client would otherwise ask of the machine or of others: it is the same client.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture
def site(transactional_db: None, folder: Path) -> Iterator[str]:
    """The address of the web process, as the site starts it, on the database of the test."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = urlsplit(settings.DATABASE_URL)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "PYTEST_"))}
    own |= {
        "DATABASE_URL": urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}")),
        "COUNTERSIGN_DATA": str(folder),
        "COUNTERSIGN_DEBUG": "yes",
        "COUNTERSIGN_SITE_URL": f"http://127.0.0.1:{port}",
    }
    words = ["-m", "gunicorn", "config.wsgi", "-c", "python:config.services.gunicorn_settings", "--threads", "4"]
    with (folder / "web.log").open("ab") as log:
        web = subprocess.Popen([sys.executable, *words, "-b", f"127.0.0.1:{port}"], cwd=ROOT, env=own, stdout=log, stderr=log)
    try:
        _await(port, web)
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait(timeout=30)


def _await(port: int, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while True:
        assert web.poll() is None and time.monotonic() < deadline, "the web process does not answer"
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as asked:
                asked.request("GET", "/health")
                if asked.getresponse().status == http.HTTPStatus.OK:
                    return
        except OSError:
            time.sleep(0.1)


@pytest.fixture
def play(run_client: Callable[..., Any], site: str, key_of: Callable[..., str], scientist: Any) -> Callable[..., Any]:
    """`play("mlflow3", "journey", "argument")`: what the program found."""

    def run(name: str, program: str, *words: str) -> Any:
        variables = {"MLFLOW_TRACKING_URI": site, "MLFLOW_TRACKING_TOKEN": key_of(scientist), **QUIET}
        said = run_client(name, (PROGRAMS / f"{program}.py").read_text(), *words, **variables).stdout
        return json.loads(said.split("FOUND ", 1)[1])

    return run


@pytest.mark.parametrize("major", MAJORS)
def test_a_whole_journey(major: str, play: Callable[..., Any], make_team: Any, make_person: Any) -> None:
    foreign = make_team("speech")
    secret = start_run(foreign, by=make_person("Eve", ("data_scientist", foreign)))
    found = play(major, "journey", str(secret.pk))
    assert found["version"].startswith({"mlflow3": "3.", "mlflow2": "2."}[major])
    status, name, params, metrics, note = found["run"]
    assert (status, name, params, note) == ("FINISHED", "first", {"lr": "0.01", "layers": "[3, 2]"}, "ünïcode ✓")
    assert metrics == {"loss": pytest.approx(1 / 3), "accuracy": pytest.approx(2 / 3)}
    assert found["history"] == [[0, "nan"], [1, "1.0"], [2, "0.5"], [3, str(1 / 3)]]
    assert found["inputs"] == [["rows", ["training"]]] and found["parent"] is True
    assert found["search"] == ["child", "first"]
    assert found["artifacts"] == ["kept/deep", "kept/empty"]
    assert found["downloaded"] == {"deep/a.txt": "alpha", "empty": ""} and found["dict"] == {"classes": ["no", "yes"]}
    assert found["versions"] == ["1", "2", "READY", "None", True] and found["best"] == "1"
    assert found["registered"] == ["Reads digits.", {"best": "1"}]
    assert found["searched"] == ["1", "2"] and found["left"] == ["1"]
    assert (found["described"], found["tags"]) == ("The second.", {"a": "b", "checked": "yes"})
    assert found["bit_equal"] == [True, True, True]
    kept = Version.objects.get(model__name="digit-reader", number=1)
    weights = RegisteredFile.objects.get(version=kept, path="data/model.pth")
    assert (kept.state, kept.checkpoint_digest, kept.training_run.origin) == ("draft", weights.digest, "mlflow")
    assert found["protected"][0] == "PERMISSION_DENIED" and kept.get_absolute_url() in found["protected"][1]
    assert found["not_live"][0] == "INVALID_PARAMETER_VALUE" and "is live in production" in found["not_live"][1]
    assert found["others_run"][0] == "RESOURCE_DOES_NOT_EXIST"
    assert found["again"][0] == "INVALID_PARAMETER_VALUE" and found["traces"][0] == "PERMISSION_DENIED"


@pytest.mark.parametrize("major", MAJORS)
def test_trainings_that_log_themselves(major: str, play: Callable[..., Any]) -> None:
    found = play(major, "autologging")
    of_sklearn, of_torch = found["sklearn"], found["torch"]
    assert of_sklearn["status"] == of_torch["status"] == "FINISHED" and of_sklearn["params"]["C"] == "2.0"
    assert "training_accuracy_score" in of_sklearn["metrics"] and of_sklearn["data"] == ["dataset"]
    assert "estimator.html" in of_sklearn["files"]
    assert of_torch["params"]["lr"] == "0.02" and "train_loss" in of_torch["metrics"] and of_torch["history"] == 3
    version = Version.objects.get(model__name="churn")
    assert found["status"] == "READY" and version.checkpoint_digest == "" and "sklearn" in version.note
    assert RegisteredModel.objects.get().risk_tier == "" and TrainingRun.objects.count() == 2


def test_a_wrong_token_is_said_at_once(run_client: Callable[..., Any], site: str) -> None:
    program = "import mlflow\ntry:\n    mlflow.set_experiment('a')\nexcept Exception as e:\n    print('FOUND', e)"
    variables = {"MLFLOW_TRACKING_URI": site, "MLFLOW_TRACKING_TOKEN": "cs_wrong", **QUIET}
    assert "UNAUTHENTICATED: This key opens nothing" in run_client("mlflow3", program, **variables).stdout
