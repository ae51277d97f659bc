"""What the real MLflow logged stands on the site after `countersign import mlflow`, as the site's API tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.conftest import Said
from tests.countersign.importing.mlflow_writes import infinite, write

pytestmark = [pytest.mark.clients, pytest.mark.django_db(transaction=True)]

MARK = "countersign.import"  # the import's own tag
PARENT = "mlflow.parentRunId"
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@pytest.fixture
def ask(api_of: Callable[..., Any], scientist: Any) -> Callable[[str], Any]:
    """`ask("runs/")`: what the site's API answers the scientist."""
    client = api_of(scientist)

    def get(address: str) -> Any:
        answer = client.get(f"/api/v1/{address}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return get


def number(said: Any) -> float:
    return NUMBERS[said] if isinstance(said, str) else float(said)


def milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def stands(ask: Callable[[str], Any]) -> dict[str, Any]:
    """Every run by the id that MLflow gave it, in the form that MLflow's program prints."""
    listed = ask("runs/")
    assert listed["next"] is None
    sources = {run["id"]: run["source"].removeprefix("mlflow:") for run in listed["results"]}
    found = {}
    for pk, run_id in sources.items():
        run, series = ask(f"runs/{pk}/"), ask(f"runs/{pk}/series/")
        artifacts = ask(f"runs/{pk}/artifacts/")
        assert series["next"] is artifacts["next"] is None
        assert (run["origin"], run["experiment"], run["fixed_at"]) == ("import", "Vision / day", None)
        tags = {name: text for name, text in run["tags"].items() if name != MARK}
        assert tags.get(PARENT, "") == sources.get(run["parent"], "")
        curves = {
            one["name"]: [
                [step, repr(number(value)), at] for step, value, at in zip(one["steps"], one["values"], one["times"], strict=True)
            ]
            for one in series["series"]
        }
        found[run_id] = {
            "name": run["name"],
            "status": run["state"].upper(),
            "started": milliseconds(run["started_at"]),
            "ended": milliseconds(run["ended_at"]),
            "user": run["environment"]["user"],
            "deleted": False,
            "params": run["params"],
            "tags": tags,
            "curves": infinite(curves),
            "data": sorted(
                [one["name"], one["digest"], one["context"], one["source_type"], one["source"]] for one in run["data"]
            ),
            "artifacts": {one["path"]: one["digest"] for one in artifacts["results"]},
        }
        lasts = {one["name"]: (one["count"], one["last_step"], repr(number(one["last_value"]))) for one in run["series"]}
        assert lasts.keys() == curves.keys()
        for name, (count, step, value) in lasts.items():
            steps = [row[0] for row in curves[name]]
            assert (count, step) == (len(steps), max(steps))
            assert value in [row[1] for row in curves[name] if row[0] == step]
    return found


@pytest.fixture
def take(
    site: str, command: Callable[..., Said], key_of: Any, scientist: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Said]:
    """`take(source)`: the import as the scientist runs it, all of which must come in."""
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))

    def run(source: str) -> Said:
        said = command("import", "mlflow", source, "--json")
        assert said.code == 0, said
        return said

    return run


def arrives(take: Callable[[str], Said], ask: Callable[[str], Any], source: str, logged: dict[str, Any]) -> None:
    """What was logged stands on the site, and nothing changes when it is imported a second time."""
    said = take(source)
    assert [one["why"] for one in said.json["skipped"]] == ["it was deleted in MLflow"]
    assert said.json["taken"] == {
        "runs": 3,
        "points": sum(len(rows) for run in logged.values() for rows in run["curves"].values()),
        "artifacts": 2,
    }
    wanted = {
        run_id: run | {"curves": infinite(run["curves"]), "data": sorted(row[:5] for row in run["data"])}
        for run_id, run in logged.items()
        if not run["deleted"]
    }
    found = stands(ask)
    assert found == wanted
    assert len({run["tags"].get(PARENT) for run in found.values()}) == 2  # the child's parent, and none of the others
    listed = ask("runs/")
    again = take(source)
    assert again.json["taken"] == {}
    assert {one["why"] for one in again.json["skipped"]} == {"the site has all of it already", "it was deleted in MLflow"}
    assert ask("runs/") == listed
    assert stands(ask) == wanted


@pytest.mark.parametrize("environment", ["mlflow3", "mlflow2"])
def test_a_folder_that_mlflow_wrote_stands_on_the_site_as_it_was_logged(
    run_client: Callable[..., Any], take: Callable[[str], Said], ask: Callable[[str], Any], tmp_path: Path, environment: str
) -> None:
    root = tmp_path / "mlruns"
    arrives(take, ask, str(root), write(run_client, environment, root.as_uri(), root / "art" / "kept"))


def test_a_database_that_mlflow_wrote_stands_on_the_site_as_it_was_logged(
    run_client: Callable[..., Any], take: Callable[[str], Said], ask: Callable[[str], Any], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    arrives(take, ask, store, write(run_client, "mlflow-server", store, tmp_path / "mlartifacts"))
