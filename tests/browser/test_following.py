"""A training goes on, and whoever watches sees it: without reload, in every state, without barriers, and without scripts too."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import look_at
from tests.browser.site import Site

pytestmark = [pytest.mark.browser]


class Training:
    """A program that trains and reports over the REST API, a step at a time."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.step = site, 0
        made = self._sent("runs/", {"team": site.team, "name": name, "state": "running", "params": {"lr": 0.01}})
        self.pk, self.experiment = made["id"], made["experiment_id"]
        self.address = f"/runs/{self.pk}/"

    def go_on(self, steps: int, *, parts: tuple[str, ...] = ("train/loss", "valid/loss", "lr"), **more: Any) -> None:
        """So many more steps of each curve."""
        places = range(self.step, self.step + steps)
        self.step += steps
        values: list[float | str] = ["NaN" if place % 17 == 16 else 2 * math.exp(-place / 20) for place in places]
        series = [{"name": part, "steps": list(places), "values": values} for part in parts]
        self._sent(f"runs/{self.pk}/log/", {"series": series, **more})

    def end(self, state: str, **more: Any) -> None:
        self._sent(f"runs/{self.pk}/end/", {"state": state, **more})

    def fall_silent(self) -> None:
        """As if nothing had been heard for an hour."""
        lines = (
            "from datetime import timedelta; from core.clock import now; from tracking.models import TrainingRun; "
            f"TrainingRun.objects.filter(pk='{self.pk}').update(heard_at=now() - timedelta(hours=1))"
        )
        self.site.program("manage.py", "shell", "--verbosity", "0", "--command", lines)

    def _sent(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.site.cast['data_scientist']['key']}", "Content-Type": "application/json"}
        request = Request(f"{self.site.url}/api/v1/{path}", json.dumps(body).encode(), headers)  # noqa: S310 - its own address
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())


def _points_drawn(page: Page) -> int:
    """How many points the loss on the training data has in the picture."""
    way = page.locator(".line-chart .line-1 .line").first.get_attribute("d") or ""
    return way.count("L") + way.count("M")


def test_the_page_follows_the_training_without_reload(site: Site, people: Any) -> None:
    training = Training(site, "watched cnn")
    page: Page = people.window("validator")
    page.goto(training.address)
    expect(page.get_by_text("None yet. They appear here")).to_be_visible()
    page.evaluate("window.same = true")

    training.go_on(10)
    expect(page.get_by_role("img", name="loss")).to_be_visible()
    expect(page.get_by_role("img", name="learning rate")).to_be_visible()
    table = page.locator("details.folded", has_text="The same as a table").first
    table.locator("summary").click()
    before = _points_drawn(page)

    training.go_on(30)
    expect(page.get_by_text("marked × below").first).to_be_visible()
    expect(page.get_by_text("120 points")).to_be_visible()
    assert _points_drawn(page) > before
    expect(page.locator("details.folded[open] td", has_text="NaN").first).to_be_visible()  # what was opened is open, and anew

    stopping = {
        "monitor": "valid/loss",
        "mode": "min",
        "patience": 3,
        "best_step": 30,
        "stopped_step": 39,
        "reason": "no progress",
    }
    training.go_on(1, params={"found_later": 7})
    training.end("finished", training={"early_stopping": stopping})
    expect(page.get_by_text("It reported that it finished.")).to_be_visible()
    expect(page.get_by_text("best at step 30; training stopped at step 39.")).to_be_visible()
    expect(page.get_by_text("found_later")).to_be_visible()
    assert page.locator("#figures[hx-get]").count() == 0
    assert page.evaluate("window.same") is True
    assert people.messages == []


def test_addresses_that_mlflow_prints_lead_to_the_page_of_the_run(site: Site, people: Any) -> None:
    training = Training(site, "printed by mlflow")
    experiment = training.experiment
    page = people.window("auditor")
    page.goto(f"/#/experiments/{experiment}/runs/{training.pk}")
    expect(page.get_by_role("heading", level=1)).to_have_text("printed by mlflow")
    page.goto("/#/experiments/" + experiment)
    expect(page).to_have_url(f"{site.url}/runs/?experiment={experiment}")
    expect(page.get_by_role("navigation", name="Sections").get_by_role("link", name="Runs")).to_be_visible()


def test_without_scripts_the_page_looks_again_by_itself(site: Site, people: Any) -> None:
    training = Training(site, "watched without scripts")
    training.go_on(5)
    page: Page = people.window(java_script_enabled=False)
    people.sign_in(page, "validator")
    page.goto(training.address)
    training.go_on(5)
    expect(page.get_by_text("30 points")).to_be_visible()
    page.get_by_role("link", name="Logarithmic").click()
    expect(page.get_by_text("loss (logarithmic)").first).to_be_visible()


MANY = tuple(f"class_{place:02}/recall" for place in range(57))
STATES = ["running", "silent", "stopped early", "failed", "without curves", "sixty curves", "one point"]


@pytest.mark.parametrize("state", STATES)
def test_a_run_has_no_barriers_in_any_state(site: Site, people: Any, state: str) -> None:
    training = Training(site, state)
    if state != "without curves":
        training.go_on(
            1 if state == "one point" else 40, parts=("train/loss", "valid/loss", "lr", *(MANY if "sixty" in state else ()))
        )
    if state == "silent":
        training.fall_silent()
    if state == "stopped early":
        training.end("finished", training={"early_stopping": {"monitor": "valid/loss", "best_step": 20, "stopped_step": 39}})
    if state == "failed":
        training.end("failed")
    page = people.window("auditor")
    people.messages.clear()
    assert page.goto(training.address).status == 200
    assert look_at(page) == []
    assert people.messages == []
