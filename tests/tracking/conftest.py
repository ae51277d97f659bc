"""A training run as the cast reports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.plugins_versions import PROVENANCE
from tracking import services
from tracking.models import Experiment, MetricSeries, RunData, TrainingRun

CODE = {
    "repository": "https://example.org/vision/digits.git",
    "branch": "main",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "tree": "89abcdef0123456789abcdef0123456789abcdef",
    "dirty": True,
    "patch_digest": "sha256:" + 64 * "a",
}


@pytest.fixture
def reported() -> dict[str, Any]:
    """What a client sends, and the test's own to spoil."""
    return {
        "name": "digits cnn",
        "params": {"lr": 0.001, "epochs": 3, "optimizer": {"name": "adam", "betas": [0.9, 0.999]}},
        "code": dict(CODE),
        "environment": {"python": "3.11.7", "packages": ["torch==2.13.0", {"name": "numpy", "version": "2.4.6"}]},
        "series": [
            {"name": "train/loss", "steps": [0, 1, 2], "values": [2.3, 1.1, 0.4]},
            {"name": "accuracy", "unit": "fraction", "steps": [1, 2], "values": [0.5, 1]},
        ],
        "started_at": datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 20, 9, 5, tzinfo=UTC),
    }


@pytest.fixture
def make_run(team: Any, scientist: Any, reported: dict[str, Any]) -> Callable[..., TrainingRun]:
    def make(*, by: Any = None, in_team: Any = None, **more: Any) -> TrainingRun:
        return services.record_run(in_team or team, by=by or scientist, **reported | more)

    return make


@pytest.fixture
def registered(team: Any, scientist: Any) -> Any:
    """A registered version of the team's data."""
    from data_registry import services as data  # noqa: PLC0415 - plug-ins load before the settings do

    dataset = data.register_dataset(team, by=scientist, name="digits")
    draft = data.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="other")
    data.receive_content(draft, by=scientist, chunks=[b"1,2,3"])
    return data.register_version(draft, by=scientist)


@pytest.fixture
def put_run(team: Any, scientist: Any) -> Callable[..., TrainingRun]:
    """`put_run("name", metrics={"loss": 0.1}, params={…}, experiment="digits")`: a run's rows, without the services' work."""

    def put(
        name: str = "a run",
        *,
        metrics: Mapping[str, float] = {},
        experiment: str = "Default",
        in_team: Any = None,
        by: Any = None,
        data: list[dict[str, Any]] | None = None,
        **fields: Any,
    ) -> TrainingRun:
        where = in_team or team
        home, _made = Experiment.objects.get_or_create(team=where, name=experiment, defaults={"created_by": scientist})
        facts = {"state": "finished", "created_by": by or scientist, **fields}
        run = TrainingRun.objects.create(team=where, experiment=home, name=name, **facts)
        MetricSeries.objects.bulk_create(
            MetricSeries(run=run, name=one, count=1, last_value=value, lowest_value=value, highest_value=value)
            for one, value in metrics.items()
        )
        RunData.objects.bulk_create(RunData(run=run, **one) for one in data or [])
        return run

    return put
