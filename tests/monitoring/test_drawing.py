"""The chart of the checks: drawn by the worker after a check, never in a page, never in the way of the numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.charts import ChartsFailed
from governance import services as decisions
from monitoring import drawing, services
from monitoring.models import CheckChart

pytestmark = pytest.mark.django_db


@pytest.fixture
def observe(make_approved: Any, risk_manager: Any, scientist: Any) -> Any:
    """`observe(0.34)`: a batch whose first class has this mean, checked at once; the version."""
    version = make_approved()
    decisions.release(version, environment="production", by=risk_manager)

    def send(first: float) -> Any:
        rest = (1 - first) / 2
        means = [first, rest, rest]
        batch = {"n": 400, "sums": [mean * 400 for mean in means], "sums_of_squares": [(mean**2 + 0.05) * 400 for mean in means]}
        services.receive_observations(version, environment="production", predicted=[400, 0, 0], by=scientist, **batch)
        services.check_waiting_predictions()
        return version

    return send


def test_a_check_has_its_chart_and_the_next_one_a_new_one(observe: Any, frozen_clock: Any) -> None:
    version = observe(0.34)
    assert drawing.draw_outdated() == 1
    assert drawing.draw_outdated() == 0  # nothing new
    first = CheckChart.objects.get(version=version)
    assert len(first.table["rows"]) == 3 and first.light_digest != first.dark_digest
    frozen_clock.advance(minutes=30)
    observe(0.6)
    assert drawing.draw_outdated() == 1
    second = CheckChart.objects.get(version=version)
    assert len(second.table["rows"]) == 6 and second.light_digest != first.light_digest
    assert "at the last one 3 of 3 classes lay outside" in second.description


def test_a_chart_that_cannot_be_drawn_leaves_the_page_with_its_numbers(
    observe: Any, monkeypatch: pytest.MonkeyPatch, client_of: Any, auditor: Any
) -> None:
    def fails(_figures: Any) -> Any:
        raise ChartsFailed("no fonts")

    monkeypatch.setattr(drawing, "draw", fails)
    version = observe(0.6)
    assert drawing.draw_outdated() == 0
    page = client_of(auditor).get(f"/versions/{version.pk}/monitoring/")
    assert page.status_code == 200 and "Class by class, at the latest check" in page.content.decode()


def test_the_drawing_is_seen_by_those_who_see_the_version(
    observe: Any, client_of: Any, auditor: Any, stranger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = observe(0.34)
    drawing.draw_outdated()
    chart = CheckChart.objects.get(version=version)
    address = f"/monitoring/charts/{chart.pk}/light.svg"
    answer = client_of(auditor).get(address)
    assert answer.status_code == 200 and b"".join(answer.streaming_content).startswith(b"<svg")
    assert client_of(stranger).get(address).status_code == 404
    assert (
        f"{address}?{chart.light_digest[7:15]}" in client_of(auditor).get(f"/versions/{version.pk}/monitoring/").content.decode()
    )


def test_checks_that_lie_close_together_are_told_by_the_second(observe: Any) -> None:
    observe(0.34)
    moment = clock.now()
    outcome = {"classes": [{"label": "a", "mean": 0.1, "low": 0.0, "high": 0.2, "reference": 0.1, "outside": False}], "n": 300}
    close = drawing.figure_of([(moment, outcome), (moment + timedelta(seconds=5), outcome)])
    apart = drawing.figure_of([(moment, outcome), (moment + timedelta(hours=2), outcome)])
    assert [row[0] for row in close.table.rows] == [f"{moment:%H:%M:%S}", f"{moment + timedelta(seconds=5):%H:%M:%S}"]
    assert apart.table.rows[0][0] == f"{moment:%Y-%m-%d %H:%M}"


def test_alerts_are_counted_in_the_inbox_of_those_who_answer_for_them(
    observe: Any, client_of: Any, risk_manager: Any, validator: Any
) -> None:
    observe(0.6)
    assert "Alerts that you answer for" in client_of(risk_manager).get("/").content.decode()
    assert 'class="count">1<' in client_of(risk_manager).get("/models/").content.decode()
    assert "Alerts that you answer for" not in client_of(validator).get("/").content.decode()
