"""Data of the cast: a small table with e-mail addresses, digits, and how they come into the registry."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from data_registry import services
from data_registry.models import Dataset, DatasetVersion

TABLE = b"name,email,images\nAda,ada@example.org,900\nGrace,grace@example.org,897\n"
COMPLETE = {
    "source": {"title": "Annotators", "issuer": [{"name": "Vision team"}]},
    "provenance": {
        "origin-geography": [{"country": "KR"}],
        "date": "2026-01-31",
        "generation-method": [{"code": "primary-user-source-survey-questionnaire"}],
        "format": ["text/csv"],
    },
    "use": {
        "intended-purpose": [{"code": "ai-pre-training", "description": "Who labelled the digits"}],
        "license": ["CC-BY-4.0"],
    },
}


@pytest.fixture
def provenance() -> dict[str, Any]:
    """Complete, and the test's own to spoil."""
    return copy.deepcopy(COMPLETE)


@pytest.fixture
def make_dataset(scientist: Any, team: Any) -> Callable[..., Dataset]:
    def make(name: str = "annotators", *, in_team: Any = None, by: Any = None) -> Dataset:
        where = in_team or team
        found = Dataset.objects.filter(team=where, name=name).first()
        return found or services.register_dataset(where, by=by or scientist, name=name)

    return make


@pytest.fixture
def make_draft(make_dataset: Callable[..., Dataset], scientist: Any) -> Callable[..., DatasetVersion]:
    def make(name: str = "annotators", *, content: bytes | None = TABLE, by: Any = None, in_team: Any = None, **more: Any) -> Any:
        by = by or scientist
        described = {"provenance": copy.deepcopy(COMPLETE), "format": "csv", "media_type": "text/csv"} | more
        version = services.draft_version(make_dataset(name, in_team=in_team, by=by), by=by, **described)
        if content is not None:
            services.receive_content(version, by=by, chunks=[content])
        return version

    return make


@pytest.fixture
def make_registered(make_draft: Callable[..., DatasetVersion], scientist: Any) -> Callable[..., DatasetVersion]:
    """`make_registered("digits")`: the next version of that dataset, registered."""

    def make(name: str = "annotators", *, by: Any = None, **more: Any) -> DatasetVersion:
        return services.register_version(make_draft(name, by=by, **more), by=by or scientist)

    return make
