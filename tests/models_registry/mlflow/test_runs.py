"""Experiments and runs: made, logged to, ended, hidden and shown, and read back as they were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.acts import act
from tests.models_registry.mlflow.conftest import Speaker
from tracking.models import Experiment, TrainingRun
from tracking.services import fix_run

pytestmark = pytest.mark.django_db
MISSING = "01890a5d-ac96-774b-bcce-b302099a8057"


# -- experiments -------------------------------------------------------------------------------------------------------------


def test_an_experiment_is_made_found_renamed_tagged_hidden_and_shown(speaker: Speaker, story: Callable[[], list[str]]) -> None:
    made = speaker.good("POST", "mlflow/experiments/create", name="digits", tags=[{"key": "a", "value": "b"}])["experiment_id"]
    one = speaker.good("GET", "mlflow/experiments/get-by-name", experiment_name="digits")["experiment"]
    assert one["experiment_id"] == made and one["lifecycle_stage"] == "active" and one["tags"] == [{"key": "a", "value": "b"}]
    speaker.good("POST", "mlflow/experiments/update", experiment_id=made, new_name="letters")
    speaker.good("POST", "mlflow/experiments/set-experiment-tag", experiment_id=made, key="c", value="d")
    speaker.good("POST", "mlflow/experiments/delete-experiment-tag", experiment_id=made, key="a")
    speaker.good("POST", "mlflow/experiments/delete", experiment_id=made)
    one = speaker.good("GET", "mlflow/experiments/get", experiment_id=made)["experiment"]
    assert (one["name"], one["lifecycle_stage"], one["tags"]) == ("letters", "deleted", [{"key": "c", "value": "d"}])
    speaker.good("POST", "mlflow/experiments/restore", experiment_id=made)
    assert speaker.good("GET", "mlflow/experiments/get", experiment_id=made)["experiment"]["lifecycle_stage"] == "active"
    assert story() == ["experiment.made", "experiment.renamed", "experiment.hidden", "experiment.shown"]


def test_a_name_that_is_taken_has_mlflows_own_code(speaker: Speaker) -> None:
    speaker.good("POST", "mlflow/experiments/create", name="digits")
    assert speaker("POST", "mlflow/experiments/create", name="digits").refusal == (400, "RESOURCE_ALREADY_EXISTS")
    assert speaker("GET", "mlflow/experiments/get-by-name", experiment_name="none").refusal == (404, "RESOURCE_DOES_NOT_EXIST")


def test_experiments_are_searched_filtered_ordered_and_paged(speaker: Speaker) -> None:
    for name in ("b", "a", "c", "other"):
        speaker.good("POST", "mlflow/experiments/create", name=name, tags=[{"key": "kind", "value": name}])

    def names(**given: Any) -> list[str]:
        return [one["name"] for one in speaker.good("POST", "mlflow/experiments/search", **given)["experiments"]]

    assert names() == ["other", "c", "a", "b"]  # the newest first
    assert names(order_by=["name ASC"], filter="name LIKE '_'") == ["a", "b", "c"]
    assert names(filter="tags.kind = 'a'") == ["a"] and names(filter="name ILIKE 'OTH%' AND tags.kind != 'a'") == ["other"]
    first = speaker.good("POST", "mlflow/experiments/search", max_results=3, order_by=["name DESC"])
    rest = speaker.good("POST", "mlflow/experiments/search", order_by=["name DESC"], page_token=first["next_page_token"])
    assert [one["name"] for one in first["experiments"] + rest["experiments"]] == ["other", "c", "b", "a"]
    for wrong in ({"filter": "name = "}, {"filter": "nmae = 'a'"}, {"order_by": ["size"]}, {"page_token": "x"}):
        assert speaker("POST", "mlflow/experiments/search", **wrong).refusal == (400, "INVALID_PARAMETER_VALUE")


# -- runs --------------------------------------------------------------------------------------------------------------------


def test_a_run_begins_logs_ends_and_is_read_back(speaker: Speaker, story: Callable[[], list[str]]) -> None:
    tags = {"mlflow.source.name": "train.py", "mlflow.source.git.commit": 40 * "a", "mlflow.source.git.branch": "main"}
    run = speaker.start(run_name="first", user_id="sora", start_time=1_795_000_000_000, tags=[
        {"key": key, "value": value} for key, value in tags.items()
    ])  # fmt: skip
    pk = run["info"]["run_id"]
    speaker.good("POST", "mlflow/runs/log-parameter", run_id=pk, key="lr", value="0.01")
    speaker.good("POST", "mlflow/runs/log-metric", run_uuid=pk, key="loss", value="NaN", timestamp=5, step=1)
    speaker.good("POST", "mlflow/runs/log-metric", run_id=pk, key="loss", value="Infinity", timestamp=6, step=2)
    speaker.good("POST", "mlflow/runs/set-tag", run_id=pk, key="k", value="v")
    speaker.good(
        "POST", "mlflow/runs/log-batch", run_id=pk,
        metrics=[
            {"key": "acc", "value": 0.5, "timestamp": 7, "step": 0}, {"key": "acc", "value": 0.75, "timestamp": 8, "step": 1},
        ],
        params=[{"key": "n", "value": "3"}], tags=[{"key": "gone", "value": "x"}],
    )  # fmt: skip
    speaker.good("POST", "mlflow/runs/delete-tag", run_id=pk, key="gone")
    ended = speaker.good("POST", "mlflow/runs/update", run_id=pk, status="FINISHED", end_time=1_795_000_009_000)["run_info"]
    found = speaker.run(run)
    assert ended == found["info"] and ended["status"] == "FINISHED" and ended["end_time"] == 1_795_000_009_000
    assert (ended["run_name"], ended["user_id"], ended["start_time"]) == ("first", "sora", 1_795_000_000_000)
    assert found["data"]["params"] == [{"key": "lr", "value": "0.01"}, {"key": "n", "value": "3"}]
    assert found["data"]["metrics"] == [
        {"key": "acc", "value": 0.75, "timestamp": 8, "step": 1},
        {"key": "loss", "value": "Infinity", "timestamp": 6, "step": 2},
    ]
    assert {"key": "k", "value": "v"} in found["data"]["tags"] and {"key": "mlflow.runName", "value": "first"} in found["data"][
        "tags"
    ]
    kept = TrainingRun.objects.get(pk=pk)
    assert kept.code == {
        "repository": "", "remote": "", "branch": "main", "commit": 40 * "a", "tree": "", "patch_digest": "",
        "entry": "train.py", "dirty": None, "untracked": 0,
    }  # fmt: skip
    assert kept.origin == "mlflow" and kept.environment["user"] == "sora"
    assert story() == ["experiment.made", "training_run.started", "training_run.ended"]


def test_the_experiment_of_those_who_chose_none_is_made_with_its_first_run(speaker: Speaker) -> None:
    assert speaker("GET", "mlflow/experiments/get", experiment_id="0").refusal == (404, "RESOURCE_DOES_NOT_EXIST")
    home = speaker.start()["info"]["experiment_id"]
    assert speaker.good("GET", "mlflow/experiments/get", experiment_id="0")["experiment"]["experiment_id"] == home
    assert Experiment.objects.get().name == "Default"


def test_nested_runs_know_their_parent(speaker: Speaker, speaker_of: Callable[..., Speaker], stranger: Any) -> None:
    parent = speaker.start()
    child = speaker.start(tags=[{"key": "mlflow.parentRunId", "value": parent["info"]["run_id"]}])
    assert {"key": "mlflow.parentRunId", "value": parent["info"]["run_id"]} in speaker.run(child)["data"]["tags"]
    assert str(TrainingRun.objects.get(pk=child["info"]["run_id"]).parent_id) == parent["info"]["run_id"]
    unknown = speaker("POST", "mlflow/runs/create", experiment_id="0", tags=[{"key": "mlflow.parentRunId", "value": MISSING}])
    assert unknown.refusal == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_parameter_keeps_its_value(speaker: Speaker) -> None:
    run = speaker.start()["info"]["run_id"]
    speaker.good("POST", "mlflow/runs/log-parameter", run_id=run, key="lr", value="1")
    speaker.good("POST", "mlflow/runs/log-parameter", run_id=run, key="lr", value="1")
    again = speaker("POST", "mlflow/runs/log-parameter", run_id=run, key="lr", value="2")
    assert again.refusal == (400, "INVALID_PARAMETER_VALUE") and "keeps its value" in again.body["message"]
    twice = speaker("POST", "mlflow/runs/log-batch", run_id=run, params=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])
    assert twice.refusal == (400, "INVALID_PARAMETER_VALUE")


def test_a_deleted_run_is_hidden_and_restored(speaker: Speaker) -> None:
    run = speaker.start()["info"]["run_id"]
    speaker.good("POST", "mlflow/runs/delete", run_id=run)
    assert speaker.good("GET", "mlflow/runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert speaker("POST", "mlflow/runs/log-metric", run_id=run, key="a", value=1).refusal == (409, "RESOURCE_CONFLICT")
    speaker.good("POST", "mlflow/runs/restore", run_id=run)
    speaker.good("POST", "mlflow/runs/log-metric", run_id=run, key="a", value=1)


def test_a_run_goes_on_fails_is_renamed_and_ends_again(speaker: Speaker) -> None:
    run = speaker.start(run_name="one")["info"]["run_id"]
    for status in ("FAILED", "RUNNING", "KILLED", "FINISHED"):
        info = speaker.good("POST", "mlflow/runs/update", run_id=run, status=status, run_name="two")["run_info"]
        assert (info["status"], info["run_name"]) == (status, "two")
    speaker.good("POST", "mlflow/runs/set-tag", run_id=run, key="mlflow.runName", value="three")
    assert speaker.good("GET", "mlflow/runs/get", run_id=run)["run"]["info"]["run_name"] == "three"
    assert speaker("POST", "mlflow/runs/update", run_id=run, status="DONE").refusal == (400, "INVALID_PARAMETER_VALUE")


def test_a_fixed_run_takes_nothing_more(speaker: Speaker, scientist: Any) -> None:
    started = speaker.start()
    run = started["info"]["run_id"]
    with act(scientist) as this:
        fix_run(TrainingRun.objects.get(pk=run), within=this)
    conflict = (409, "RESOURCE_CONFLICT")
    assert speaker("POST", "mlflow/runs/log-metric", run_id=run, key="a", value=1).refusal == conflict
    assert speaker("POST", "mlflow/runs/set-tag", run_id=run, key="a", value="1").refusal == conflict
    assert speaker("POST", "mlflow/runs/delete", run_id=run).refusal == conflict
    assert speaker.put(started["info"]["artifact_uri"], "x", b"x").status_code == 409


def test_limits_are_said_in_a_sentence(speaker: Speaker) -> None:
    run = speaker.start()["info"]["run_id"]
    many = [{"key": f"p{number}", "value": "1"} for number in range(100_000)]
    for wrong, says in (
        ({"params": many}, "at most 100"),
        ({"metrics": [{"key": "m", "value": 1, "timestamp": 0, "step": 0}] * 10_001}, "at most 10,000"),
        ({"metrics": [{"key": "m", "value": "many"}]}, "metrics[0].value"),
        ({"metrics": [{"key": "m"}]}, "metrics[0].value"),
        ({"metrics": [{"value": 1}]}, "metrics[0].key"),
        ({"params": [{"key": "k" * 251, "value": "1"}]}, "at most 250"),
        ({"params": [{"key": "a", "value": "x" * 100_001}]}, "at most 100,000"),
        ({"tags": "none"}, "must be a list"),
    ):
        answered = speaker("POST", "mlflow/runs/log-batch", run_id=run, **wrong)
        assert answered.refusal == (400, "INVALID_PARAMETER_VALUE") and says in answered.body["message"], answered
    assert speaker("POST", "mlflow/runs/log-batch", params=[]).refusal == (400, "INVALID_PARAMETER_VALUE")


def test_the_whole_curve_is_given_back_in_pages(speaker: Speaker) -> None:
    run = speaker.start()["info"]["run_id"]
    points = [{"key": "loss", "value": 1 / (step + 1), "timestamp": step * 10, "step": step} for step in range(50)]
    speaker.good("POST", "mlflow/runs/log-batch", run_id=run, metrics=points)
    ask = {"run_id": run, "metric_key": "loss"}
    assert speaker.good("GET", "mlflow/metrics/get-history", **ask)["metrics"] == points
    first = speaker.good("GET", "mlflow/metrics/get-history", **ask, max_results=30)
    rest = speaker.good("GET", "mlflow/metrics/get-history", **ask, page_token=first["next_page_token"])
    assert first["metrics"] + rest["metrics"] == points and "next_page_token" not in rest
    assert speaker.good("GET", "mlflow/metrics/get-history", run_id=run, metric_key="none") == {"metrics": []}
    assert speaker("GET", "mlflow/metrics/get-history", **ask, page_token="x").refusal == (400, "INVALID_PARAMETER_VALUE")


def test_curves_of_several_runs_come_at_once(speaker: Speaker) -> None:
    runs = [speaker.start()["info"]["run_id"] for _ in range(2)]
    for run in runs:
        points = [{"key": "loss", "value": step, "timestamp": 0, "step": step} for step in range(100)]
        speaker.good("POST", "mlflow/runs/log-batch", run_id=run, metrics=points)
    bulk = speaker.good("GET", "mlflow/metrics/get-history-bulk", run_id=runs, metric_key="loss")["metrics"]
    assert [one["run_id"] for one in bulk] == [runs[0]] * 100 + [runs[1]] * 100
    ask = {"run_ids": runs, "metric_key": "loss", "start_step": 10, "end_step": 60, "max_results": 11}
    chosen = speaker.good("GET", "mlflow/metrics/get-history-bulk-interval", **ask)["metrics"]
    assert [one["step"] for one in chosen if one["run_id"] == runs[0]] == [*range(10, 61, 6), 60][:10]
    assert speaker("GET", "mlflow/metrics/get-history-bulk-interval", **{**ask, "start_step": 61}).status == 400
    assert speaker("GET", "mlflow/metrics/get-history-bulk-interval", metric_key="loss").status == 400


def test_a_point_that_is_sent_again_counts_once(speaker: Speaker) -> None:
    """MLflow's client sends a batch again when no answer came, and a model's metrics a second time under the model's id."""
    run = speaker.start()["info"]["run_id"]
    points = [{"key": "loss", "value": value, "timestamp": 5, "step": step} for step, value in enumerate(["NaN", 1.0, 0.5])]
    for sent in (points, points, points[:1], [*points, {**points[2], "value": 0.25}], [{**points[0], "key": "other"}]):
        speaker.good("POST", "mlflow/runs/log-batch", run_id=run, metrics=sent)
    history = speaker.good("GET", "mlflow/metrics/get-history", run_id=run, metric_key="loss")["metrics"]
    assert [one["value"] for one in history] == ["NaN", 1.0, 0.5, 0.25]


def test_inputs_are_kept_with_their_context(speaker: Speaker) -> None:
    run = speaker.start()
    data = {
        "name": "digits",
        "digest": "c42e9dfe",
        "source_type": "code",
        "source": "{}",
        "schema": "{}",
        "profile": '{"rows": 2}',
    }
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    ask = {"run_id": run["info"]["run_id"], "datasets": [{"tags": tags, "dataset": data}]}
    speaker.good("POST", "mlflow/runs/log-inputs", **ask)
    speaker.good("POST", "mlflow/runs/log-inputs", **ask)
    assert speaker.run(run)["inputs"]["dataset_inputs"] == [{"tags": tags, "dataset": data}]


def test_runs_are_searched_by_the_one_grammar(speaker: Speaker) -> None:
    for number in range(5):
        run = speaker.start(run_name=f"r{number}")["info"]["run_id"]
        speaker.good(
            "POST", "mlflow/runs/log-batch", run_id=run,
            metrics=[{"key": "acc", "value": number / 10, "timestamp": 0, "step": 0}],
            params=[{"key": "lr", "value": str(number)}],
        )  # fmt: skip

    def names(**given: Any) -> list[str]:
        return [
            one["info"]["run_name"] for one in speaker.good("POST", "mlflow/runs/search", experiment_ids=["0"], **given)["runs"]
        ]

    assert names() == ["r4", "r3", "r2", "r1", "r0"]
    assert names(filter="metrics.acc > 0.1 and params.lr != '3'", order_by=["metrics.acc ASC"]) == ["r2", "r4"]
    assert names(filter="attributes.run_name LIKE 'r_' and status = 'RUNNING'", order_by=["params.lr DESC"])[0] == "r4"
    speaker.good("POST", "mlflow/runs/delete", run_id=run)
    assert names(run_view_type="DELETED_ONLY") == ["r4"] and len(names(run_view_type="ALL")) == 5
    first = speaker.good("POST", "mlflow/runs/search", experiment_ids=["0"], max_results=3, order_by=["metrics.acc DESC"])
    rest = names(order_by=["metrics.acc DESC"], page_token=first["next_page_token"])
    assert [one["info"]["run_name"] for one in first["runs"]] + rest == ["r3", "r2", "r1", "r0"]
    assert speaker.good("POST", "mlflow/runs/search", experiment_ids=[MISSING])["runs"] == []
    wrong = speaker("POST", "mlflow/runs/search", experiment_ids=["0"], filter="metrics.acc >")
    assert wrong.refusal == (400, "INVALID_PARAMETER_VALUE") and "character" in wrong.body["message"]


def test_a_page_of_runs_costs_the_same_for_one_and_for_ten(
    speaker: Speaker, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    def grow() -> None:
        run = speaker.start()["info"]["run_id"]
        speaker.good("POST", "mlflow/runs/log-metric", run_id=run, key="a", value=1)

    for _ in range(2):
        with django_assert_max_num_queries(12):
            speaker.good("POST", "mlflow/runs/search", experiment_ids=["0"])
        for _run in range(9):
            grow()
