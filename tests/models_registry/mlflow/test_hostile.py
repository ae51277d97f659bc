"""What a hostile client sends: it is told so in a sentence, and nobody's hands on a version are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import WrongState
from governance.permissions import contributors
from ledger.acts import act
from models_registry.mlflow import metrics
from models_registry.models import Version
from models_registry.services import submission_gaps
from tests.models_registry.mlflow.conftest import FOLDER, Speaker
from tracking.models import TrainingRun
from tracking.services import fix_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["--5", "-", "٣", 20 * "9", "1e3", " 5"])
def test_no_text_passes_for_a_whole_number_that_is_none(speaker: Speaker, text: str) -> None:
    run = speaker.start()["info"]["run_id"]
    point = {"key": "loss", "value": 1.0, "timestamp": 0, "step": text}
    assert speaker("POST", "mlflow/runs/log-metric", run_id=run, **point).refusal == (400, "INVALID_PARAMETER_VALUE")
    asked = {"run_id": run, "metric_key": "loss", "max_results": text}
    assert speaker("GET", "mlflow/metrics/get-history", **asked).refusal == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("text", ["[" * 30_000, "{}", "1" * 9_000, "no JSON"])
def test_a_history_of_models_that_is_none_is_begun_anew(speaker: Speaker, text: str) -> None:
    run = speaker.start()
    of_run = {"run_id": run["info"]["run_id"]}
    speaker.good("POST", "mlflow/runs/set-tag", **of_run, key="mlflow.log-model.history", value=text)
    speaker.good("POST", "mlflow/runs/log-model", **of_run, model_json='{"a": 1}')
    tags = {one["key"]: one["value"] for one in speaker.run(run)["data"]["tags"]}
    assert tags["mlflow.log-model.history"] == '[{"a": 1}]'


def test_a_model_of_any_depth_is_answered(speaker: Speaker) -> None:
    """Somewhere on the way lies what can be read and not be written again."""
    run = speaker.start()["info"]["run_id"]
    for depth in range(700, 980, 2):
        model = '{"a":' + depth * "[" + depth * "]" + "}"
        answered = speaker("POST", "mlflow/runs/log-model", run_id=run, model_json=model)
        assert answered.status in (200, 400)
        if answered.status == 400 and "nested" in answered.body["message"]:
            return
    raise AssertionError("no depth was refused while it was written")


def test_a_model_that_is_named_twice_is_used_once(speaker: Speaker) -> None:
    run = speaker.start()
    home, of_run = run["info"]["experiment_id"], {"run_id": run["info"]["run_id"]}
    model = speaker.good("POST", "mlflow/logged-models", experiment_id=home, name="net")["model"]["info"]["model_id"]
    speaker.good("POST", "mlflow/runs/outputs", **of_run, models=[{"model_id": model, "step": step} for step in (1, 2)])
    speaker.good("POST", "mlflow/runs/log-inputs", **of_run, models=2 * [{"model_id": model}])
    found = speaker.run(run)
    assert found["outputs"]["model_outputs"] == [{"model_id": model, "step": 2}]
    assert found["inputs"]["model_inputs"] == [{"model_id": model}]


def test_curves_of_many_runs_are_written_only_as_far_as_they_are_asked_for(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred curves of a million points each would fill the memory before they were cut."""
    written: list[int] = []
    write = metrics._written
    monkeypatch.setattr(metrics, "_written", lambda name, points: written.append(len(points)) or write(name, points))
    runs = [speaker.start()["info"]["run_id"] for _ in range(3)]
    for run in runs:
        points = [{"key": "loss", "value": 1.0, "timestamp": 0, "step": step} for step in range(20)]
        speaker.good("POST", "mlflow/runs/log-batch", run_id=run, metrics=points)
    asked = {"run_id": runs, "metric_key": "loss", "max_results": 30}
    found = speaker.good("GET", "mlflow/metrics/get-history-bulk", **asked)["metrics"]
    assert len(found) == 30 and written == [20, 10]


def test_a_hidden_run_is_not_fixed_and_so_can_be_shown_again(
    speaker: Speaker, register: Callable[..., Any], scientist: Any
) -> None:
    run = register()["run_id"]
    speaker.good("POST", "mlflow/runs/update", run_id=run, status="FINISHED")
    speaker.good("POST", "mlflow/runs/delete", run_id=run)
    one = TrainingRun.objects.get(pk=run)
    assert any("is hidden" in gap for gap in submission_gaps(Version.objects.get(training_run=one)))
    with act(scientist, attempt="submit", on=one) as this, pytest.raises(WrongState, match="show it again"):
        fix_run(one, within=this)
    speaker.good("POST", "mlflow/runs/restore", run_id=run)


def test_whoever_sent_the_files_of_a_logged_model_does_not_sign_its_version(
    speaker: Speaker, speaker_of: Callable[..., Speaker], validator: Any, scientist: Any
) -> None:
    """Nor a version that was registered again from that one."""
    run = speaker.start()
    of_run = {"experiment_id": run["info"]["experiment_id"], "source_run_id": run["info"]["run_id"]}
    model = speaker.good("POST", "mlflow/logged-models", **of_run, name="net")["model"]["info"]
    for path, data in FOLDER.items():
        assert speaker_of(validator).put(model["artifact_uri"], path, data).status_code == 200
    for name, source in (("digit-reader", f"models:/{model['model_id']}"), ("digit-reader-2", "models:/digit-reader/1")):
        speaker.good("POST", "mlflow/registered-models/create", name=name)
        speaker.good("POST", "mlflow/model-versions/create", name=name, source=source)
        made = Version.objects.get(model__name=name)
        assert contributors(made) == {str(scientist.pk), str(validator.pk)}
