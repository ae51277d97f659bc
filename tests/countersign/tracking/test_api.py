"""The thin functions over REST: what exactly goes over the wire."""

from __future__ import annotations

import base64
import json
import math
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.tracking import api


class Site:
    """Remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers = answers

    def post(self, address: str, body: Any) -> Any:
        self.asked.append(("POST", address, json.loads(json.dumps(body, allow_nan=False))))
        return {}

    def get(self, address: str, **query: Any) -> Any:
        self.asked.append(("GET", address, query))
        return self.answers.get(address, {})

    def send(self, address: str, file: Path, **options: Any) -> Any:
        self.asked.append(("PUT", address, file))
        return {}


def test_packed_points_are_little_endian_and_keep_what_is_not_finite() -> None:
    one = api.packed("loss", [1, -2], [0.5, math.nan], [10, 20], unit="nats")
    assert (one["name"], one["unit"]) == ("loss", "nats")
    assert base64.b64decode(one["packed"]["steps"]) == struct.pack("<2q", 1, -2)
    assert base64.b64decode(one["packed"]["values"]) == struct.pack("<2d", 0.5, math.nan)
    assert base64.b64decode(one["packed"]["times"]) == struct.pack("<2q", 10, 20)
    steps, values, times = api.points(one)
    assert (list(steps), values[0], math.isnan(values[1]), list(times)) == ([1, -2], 0.5, True, [10, 20])


def test_lists_are_read_like_packed_points() -> None:
    steps, values, times = api.points({"steps": [1, 2], "values": ["-Infinity", 3]})
    assert (list(steps), list(values), list(times)) == ([1, 2], [-math.inf, 3.0], [0, 0])


def test_points_without_times_have_time_zero() -> None:
    assert list(api.points(api.packed("loss", [1, 2], [1, 2]))[2]) == [0, 0]


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="as many steps as values"):
        api.packed("loss", [1, 2], [1])


def test_a_start_says_that_the_run_is_running_and_leaves_out_what_was_not_given() -> None:
    site = Site()
    api.start_run(site, team="t", name="n", params={}, source="s", started_at=datetime(2026, 1, 2, tzinfo=UTC))
    sent = {"state": "running", "team": "t", "name": "n", "source": "s", "started_at": "2026-01-02T00:00:00+00:00"}
    assert site.asked == [("POST", "runs/", sent)]


def test_a_batch_carries_its_writer_and_number_and_an_empty_log_is_a_heartbeat() -> None:
    site = Site()
    api.log(site, "r", batch=("w", 7), params={"lr": 0.1})
    api.log(site, "r")
    api.end_run(site, "r", state=api.FAILED)
    api.reopen_run(site, "r")
    assert site.asked == [
        ("POST", "runs/r/log/", {"params": {"lr": 0.1}, "batch": {"writer": "w", "number": 7}}),
        ("POST", "runs/r/log/", {}),
        ("POST", "runs/r/end/", {"state": "failed"}),
        ("POST", "runs/r/reopening/", {}),
    ]


def test_a_curve_that_came_in_several_pages_is_one_again() -> None:
    def part(name: str, first: int, last: int) -> Any:
        steps = list(range(first, last))
        return {"name": name, "steps": steps, "values": [step / 2 for step in steps], "times": [step * 10 for step in steps]}

    here = "https://countersign.example.org/api/v1/"
    site = Site(
        **{
            "runs/r/series/": {"series": [part("a", 0, 2), part("b", 0, 3)], "next": f"{here}runs/r/series/?cursor=3:b"},
            "runs/r/series/?cursor=3:b": {"series": [part("b", 3, 5)], "next": f"{here}runs/r/series/?cursor=5:b"},
            "runs/r/series/?cursor=5:b": {"series": [part("b", 5, 6), part("c", 0, 1)], "next": None},
        }
    )
    assert api.series(site, "r") == {"series": [part("a", 0, 2), part("b", 0, 6), part("c", 0, 1)]}
    assert [address for _method, address, _query in site.asked] == list(site.answers)


@pytest.mark.parametrize("path", ["../x", "a/../x", "/x", "a//x", "", "a/."])
def test_a_path_that_would_become_another_one_on_the_way_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path of an artifact"):
        api.send_artifact(Site(), "r", path, Path("x"))


def test_a_path_is_quoted_part_by_part() -> None:
    site = Site()
    api.send_artifact(site, "r/../s", "a b/ü?#", Path("x"))
    assert site.asked[0][1] == "runs/r%2F..%2Fs/artifacts/a%20b/%C3%BC%3F%23"


TEAMS = [{"id": "1", "slug": "vision", "name": "Vision team"}, {"id": "2", "slug": "speech", "name": "Speech"}]


@pytest.mark.parametrize("named", ["vision", "Vision team", "1", "VISION"])
def test_a_team_is_known_by_its_name_slug_or_id(named: str) -> None:
    assert api.team_id(Site(**{"me/": {"teams": TEAMS}}), named) == "1"


def test_without_a_name_the_only_team_is_meant_and_of_several_one_must_be_named() -> None:
    assert api.team_id(Site(**{"me/": {"teams": TEAMS[:1]}})) == "1"
    with pytest.raises(ValueError, match="Name a team; yours: speech, vision"):
        api.team_id(Site(**{"me/": {"teams": TEAMS}}))
    with pytest.raises(ValueError, match="no team audio that you see; yours: speech, vision"):
        api.team_id(Site(**{"me/": {"teams": TEAMS}}), "audio")
