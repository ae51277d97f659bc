"""A run's page lists the models that its training logged, each with its latest figures."""

from __future__ import annotations

import pytest

from tracking import logged, services
from tracking.services.logged_models import begin_logged_model, hide_logged_model, keep_model_file, log_to_model, use_models


@pytest.fixture
def run(team, scientist):
    return services.start_run(team, by=scientist, name="digits cnn")


def metric(key: str, value: float, step: int = 0, data: str = "") -> dict[str, object]:
    return {"key": key, "value": value, "timestamp": 1, "step": step, "run_id": "", "dataset_name": data, "dataset_digest": ""}


def test_logged_models_stand_on_the_page_with_their_latest_figures(run, scientist, auditor, client_of):
    made = begin_logged_model(run.experiment, by=scientist, name="net <b>", run=run, kind="pytorch")
    keep_model_file(made, by=scientist, path="MLmodel", chunks=[b"flavors:\n"])
    log_to_model(made, by=scientist, upload="ready", metrics=[metric("acc", 0.5, 1), metric("acc", 0.75, 2, "holdout")])
    log_to_model(made, by=scientist, metrics=[metric("loss", float("inf")) | {"value": 0.125}])
    use_models(run, by=scientist, models=[(made, 7)], made=True)
    alone = begin_logged_model(run.experiment, by=scientist, name="unused", run=run)
    gone = begin_logged_model(run.experiment, by=scientist, name="taken back", run=run)
    hide_logged_model(gone, by=scientist)
    shown = client_of(auditor).get(run.get_absolute_url()).content.decode()
    card = shown[shown.index('id="logged-models"') :] if 'id="logged-models"' in shown else shown
    assert "net &lt;b&gt;" in card and "made at step 7" in card and "pytorch" in card and "Complete" in card
    assert "acc 0.75" in card and "on holdout" in card and "loss 0.125" in card
    assert alone.name in card and "taken back" not in card


def test_a_run_without_logged_models_has_no_such_card(run, auditor, client_of):
    assert "Logged models" not in client_of(auditor).get(run.get_absolute_url()).content.decode()


def test_many_logged_models_cost_the_same_and_the_rest_is_said(run, scientist, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(logged, "MOST", 3)
    for place in range(5):
        begin_logged_model(run.experiment, by=scientist, name=f"m{place}", run=run)
    with django_assert_max_num_queries(2):
        found = logged.logged_models_of(run)
    assert [one.model.name for one in found["rows"]] == ["m4", "m3", "m2"] and found["note"] == "the latest 3"
