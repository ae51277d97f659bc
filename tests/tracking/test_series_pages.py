"""However much a run holds, an answer has an end, all answers together have everything, and the run itself has a bound."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import InvalidInput
from tracking import services
from tracking.api import curves
from tracking.models import TrainingRun
from tracking.services import growing

SERIES = [
    {"name": "a/loss", "steps": list(range(7)), "values": [float(step) for step in range(7)]},
    {"name": "b loss", "steps": [0], "values": [0.5]},
    {"name": "c&d", "steps": list(range(12)), "values": ["NaN", *map(float, range(11))]},
]


@pytest.fixture
def start(team, scientist):
    return lambda **more: services.start_run(team, by=scientist, name="digits cnn", **more)


@pytest.fixture
def pages(start, api_of, auditor, monkeypatch):
    """Everything that the answers give of a run, curve by curve, and how many points each answer had."""

    def read(query: str = "", *, at_once: int) -> tuple[dict[str, list[int]], list[int]]:
        monkeypatch.setattr(curves, "AT_ONCE", at_once)
        address, found, sizes = f"/api/v1/runs/{start(series=SERIES).pk}/series/{query}", dict[str, list[int]](), list[int]()
        client = api_of(auditor)
        while address and len(sizes) < 50:
            said = client.get(address).json()
            for one in said["series"]:
                found.setdefault(one["name"], []).extend(one["steps"])
            sizes.append(sum(len(one["steps"]) for one in said["series"]))
            address = said["next"]
        return found, sizes

    return read


@pytest.mark.parametrize("at_once", [1, 2, 5, 7, 8, 19, 20, 100_000])
def test_answers_are_bounded_and_give_every_point_once(pages, at_once):
    found, sizes = pages(at_once=at_once)
    assert found == {one["name"]: one["steps"] for one in SERIES}
    assert max(sizes) <= at_once and len(sizes) == -(-20 // at_once)


def test_outlines_go_in_pages_too(pages):
    found, sizes = pages("?points=4", at_once=4)
    assert list(found) == ["a/loss", "b loss", "c&d"] and max(sizes) <= 4


def test_one_curve_in_parts_is_that_curve_alone(pages):
    found, sizes = pages("?name=a/loss", at_once=3)
    assert found == {"a/loss": list(range(7))} and sizes == [3, 3, 1]


@pytest.mark.parametrize("cursor", ["x", "-1:a", "1", ":", "9999999999999:a", "1:a%00", "١:a"])
def test_a_cursor_that_nobody_gave_is_no_500(start, api_of, auditor, cursor):
    answer = api_of(auditor).get(f"/api/v1/runs/{start(series=SERIES).pk}/series/?cursor={cursor}")
    assert answer.status_code in (200, 404, 422), cursor


def test_an_answer_costs_the_same_for_one_curve_and_for_many(start, api_of, auditor):
    client, counted = api_of(auditor), set()
    client.get("/api/v1/me/")  # the key is noted as used
    for many in (1, 30):
        run = start(series=[{"name": f"m{place}", "steps": [1], "values": [1.0]} for place in range(many)])
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/api/v1/runs/{run.pk}/series/").status_code == 200
        counted.add(len(queries))
    assert len(counted) == 1


def test_a_full_run_takes_no_more_points_and_says_what_to_do(start, scientist, monkeypatch):
    run = start(series=SERIES)
    monkeypatch.setattr(growing, "MOST_POINTS", 21)
    services.log(run, by=scientist, series=[{"name": "b loss", "steps": [1], "values": [0.4]}])
    with pytest.raises(InvalidInput, match=r"at most 21 points, and this one has 21\. Log less often, or start another run"):
        services.log(run, by=scientist, params={"other": 1}, series=[{"name": "b loss", "steps": [2], "values": [0.3]}])
    run = TrainingRun.objects.get(pk=run.pk)
    assert sum(one.count for one in run.series.all()) == 21 and run.params == {}
