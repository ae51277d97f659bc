"""Logged models of MLflow 3: begun, filled, declared complete, found, hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.models_registry.mlflow.conftest import Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def begin(speaker: Speaker) -> Callable[..., Any]:
    def make(name: str = "net", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        run = speaker.start()
        given = {"experiment_id": run["info"]["experiment_id"], "source_run_id": run["info"]["run_id"], "name": name, **more}
        return run, speaker.good("POST", "mlflow/logged-models", **given)["model"]

    return make


def test_a_logged_model_grows_and_is_complete(
    speaker: Speaker, begin: Callable[..., Any], story: Callable[[], list[str]]
) -> None:
    run, model = begin(params=[{"key": "C", "value": "1"}], tags=[{"key": "a", "value": "b"}], model_type="classifier")
    info = model["info"]
    pk = info["model_id"]
    assert pk.startswith("m-") and info["status"] == "LOGGED_MODEL_PENDING" and info["model_type"] == "classifier"
    speaker.put(info["artifact_uri"], "data/model.pth", b"weights")
    speaker.good("POST", f"mlflow/logged-models/{pk}/params", params=[{"key": "D", "value": "2"}])
    speaker.good("PATCH", f"mlflow/logged-models/{pk}/tags", tags=[{"key": "c", "value": "d"}])
    speaker.good("DELETE", f"mlflow/logged-models/{pk}/tags/a")
    metric = {"key": "acc", "value": 0.5, "timestamp": 7, "step": 0, "dataset_name": "digits", "dataset_digest": "1"}
    speaker.good("POST", "mlflow/runs/log-batch", run_id=run["info"]["run_id"], metrics=[{**metric, "model_id": pk}])
    done = speaker.good("PATCH", f"mlflow/logged-models/{pk}", status="LOGGED_MODEL_READY")["model"]
    found = speaker.good("GET", f"mlflow/logged-models/{pk}")["model"]
    assert found == done and found["info"]["status"] == "LOGGED_MODEL_READY"
    assert found["info"]["tags"] == [{"key": "c", "value": "d"}]
    assert found["data"]["params"] == [{"key": "C", "value": "1"}, {"key": "D", "value": "2"}]
    assert found["data"]["metrics"] == [{**metric, "run_id": run["info"]["run_id"], "model_id": pk}]
    assert speaker.run(run)["data"]["metrics"][0]["value"] == 0.5
    assert speaker.fetch(info["artifact_uri"], "data/model.pth") == b"weights"
    listed = speaker.good("GET", f"mlflow/logged-models/{pk}/artifacts/directories", artifact_directory_path="data")
    assert [one["path"] for one in listed["files"]] == ["data/model.pth"] and listed["root_uri"] == info["artifact_uri"]
    assert story() == ["experiment.made", "training_run.started", "logged_model.begun"]


def test_a_run_names_what_it_made_and_what_it_began_with(speaker: Speaker, begin: Callable[..., Any]) -> None:
    run, model = begin()
    pk, of_run = model["info"]["model_id"], {"run_id": run["info"]["run_id"]}
    speaker.good("POST", "mlflow/runs/outputs", **of_run, models=[{"model_id": pk, "step": 3}])
    speaker.good("POST", "mlflow/runs/outputs", **of_run, models=[{"model_id": pk, "step": 4}])
    speaker.good("POST", "mlflow/runs/log-inputs", **of_run, models=[{"model_id": pk}])
    found = speaker.run(run)
    assert found["outputs"]["model_outputs"] == [{"model_id": pk, "step": 4}]
    assert found["inputs"]["model_inputs"] == [{"model_id": pk}]


def test_logged_models_are_searched(speaker: Speaker, begin: Callable[..., Any]) -> None:
    run, model = begin("net", params=[{"key": "C", "value": "1"}])
    begin("other")
    home = run["info"]["experiment_id"]

    def names(**given: Any) -> list[str]:
        found = speaker.good("POST", "mlflow/logged-models/search", experiment_ids=[home], **given)
        return [one["info"]["name"] for one in found["models"]]

    assert names() == ["other", "net"] and names(filter="name = 'net'") == ["net"]
    assert names(filter=f"source_run_id = '{run['info']['run_id']}'") == ["net"] and names(filter="params.C = '1'") == ["net"]
    assert names(filter="status = 'PENDING'", order_by=[{"field_name": "name", "ascending": True}]) == ["net", "other"]
    first = speaker.good("POST", "mlflow/logged-models/search", experiment_ids=[home], max_results=1)
    assert names(page_token=first["next_page_token"]) == ["net"]
    speaker.good("DELETE", f"mlflow/logged-models/{model['info']['model_id']}")
    assert names() == ["other"]
    for wrong in (
        {"filter": "metrics.a > 1"},
        {"order_by": [{"field_name": "metrics.a"}]},
        {"datasets": [{"dataset_name": "a"}]},
    ):
        answered = speaker("POST", "mlflow/logged-models/search", experiment_ids=[home], **wrong)
        assert answered.refusal == (400, "INVALID_PARAMETER_VALUE")


def test_a_deleted_model_is_hidden(speaker: Speaker, begin: Callable[..., Any]) -> None:
    _run, model = begin()
    address = f"mlflow/logged-models/{model['info']['model_id']}"
    speaker.good("DELETE", address)
    assert speaker("GET", address).refusal == (404, "RESOURCE_DOES_NOT_EXIST")
    assert speaker.good("GET", address, allow_deleted="true")["model"]["info"]["name"] == "net"
    assert speaker.put(model["info"]["artifact_uri"], "a", b"1").status_code == 404


def test_what_is_wrong_with_a_logged_model_is_said(speaker: Speaker, begin: Callable[..., Any]) -> None:
    run, model = begin()
    pk, home = model["info"]["model_id"], run["info"]["experiment_id"]
    wrong = (400, "INVALID_PARAMETER_VALUE")
    assert speaker("POST", "mlflow/logged-models", experiment_id=home, name="a/b").refusal == wrong
    assert speaker("PATCH", f"mlflow/logged-models/{pk}", status="DONE").refusal == wrong
    assert speaker("PATCH", f"mlflow/logged-models/{pk}").refusal == wrong
    assert speaker("GET", "mlflow/logged-models/m-1").refusal == (404, "RESOURCE_DOES_NOT_EXIST")
    assert speaker("POST", "mlflow/runs/log-model", run_id=run["info"]["run_id"], model_json="[").refusal == wrong


def test_mlflow_2_keeps_a_history_of_models_as_a_tag(speaker: Speaker) -> None:
    run = speaker.start()
    for path in ("a", "b"):
        speaker.good(
            "POST", "mlflow/runs/log-model", run_id=run["info"]["run_id"], model_json=json.dumps({"artifact_path": path})
        )
    tags = {tag["key"]: tag["value"] for tag in speaker.run(run)["data"]["tags"]}
    assert tags["mlflow.log-model.history"] == '[{"artifact_path": "a"}, {"artifact_path": "b"}]'
