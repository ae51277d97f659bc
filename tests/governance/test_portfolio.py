"""The portfolio: what it counts, that each number leads to exactly its models, and what it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from governance import services
from governance.models import Finding, Review
from governance.overdue import ANY, kinds
from governance.portfolio import Cell, portfolio_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(make_model: Any, make_draft: Any, make_approved: Any, validator: Any, scientist: Any) -> dict[str, Any]:
    """One approved, one draft with an overdue finding, one without a version."""
    made = {"approved": make_model("approved"), "late": make_model("late", tier="low"), "bare": make_model("bare")}
    make_approved(model=made["approved"])
    draft = make_draft(model=made["late"])
    today = clock.now().date()
    found = services.raise_finding(
        draft, title="Zeros", severity="low", source="review", due_on=today + timedelta(days=1), owner=scientist, by=validator
    )
    Finding.objects.filter(pk=found.pk).update(due_on=today - timedelta(days=1))
    return made


def test_a_model_is_counted_once_by_its_tier_and_its_latest_version(three: Any, make_draft: Any, officer: Any) -> None:
    expected = {("high", "approved"): Cell(1), ("low", "draft"): Cell(1, 1), ("high", "none"): Cell(1)}
    assert portfolio_of(officer).cells == expected
    make_draft(model=three["approved"])
    assert portfolio_of(officer).cells == {("high", "draft"): Cell(1), ("low", "draft"): Cell(1, 1), ("high", "none"): Cell(1)}


def test_what_is_overdue_is_counted_until_it_is_settled(three: Any, officer: Any) -> None:
    assert portfolio_of(officer).kinds == {("low", "findings"): 1}
    Finding.objects.update(state="closed")
    assert portfolio_of(officer).kinds == {}


def test_each_number_leads_to_exactly_its_models(three: Any, client_of: Any, officer: Any) -> None:
    client = client_of(officer)
    page = client.get("/portfolio/").content.decode()
    links = re.findall(r'<a (?:class="sub" )?href="(/models/\?[^"]+|/models/)">(?:<span[^>]*>[^<]*</span>)?(\d+)', page)
    assert len(links) >= 8
    for address, count in links:
        listed = client.get(unescape(address)).content.decode()
        assert listed.count('<th scope="row">') == int(count), address


def test_a_review_is_overdue_once_its_day_has_come(make_review: Any, officer: Any) -> None:
    review = make_review()
    Review.objects.filter(pk=review.pk).update(due_at=clock.now() + timedelta(hours=1))
    assert portfolio_of(officer).kinds == {}
    Review.objects.filter(pk=review.pk).update(due_at=clock.now() - timedelta(hours=1))
    assert portfolio_of(officer).kinds == {("high", "reviews"): 1}


def test_an_approval_counts_as_ending_a_month_before_while_its_version_is_live(
    make_approved: Any, officer: Any, risk_manager: Any
) -> None:
    version = make_approved()
    approved = Review.objects.filter(version=version)
    approved.update(valid_until=clock.now() + timedelta(days=29))
    assert portfolio_of(officer).kinds == {}  # nowhere live
    services.release(version, environment="production", by=risk_manager)
    assert portfolio_of(officer).kinds == {("high", "approvals"): 1}
    approved.update(valid_until=clock.now() + timedelta(days=31))
    assert portfolio_of(officer).kinds == {}


def test_nobody_counts_models_that_they_do_not_see(three: Any, client_of: Any, stranger: Any, api_of: Any) -> None:
    assert portfolio_of(stranger).models == 0
    assert "No model in your sight" in client_of(stranger).get("/portfolio/").content.decode()
    assert api_of(stranger).get("/api/v1/portfolio/").json()["models"] == 0


def test_the_call_says_what_the_page_says(three: Any, api_of: Any, officer: Any) -> None:
    told = api_of(officer).get("/api/v1/portfolio/").json()
    assert told["models"] == 3
    assert {"tier": "low", "state": "draft", "models": 1, "overdue": 1} in told["cells"]
    assert told["overdue"] == [{"kind": "findings", "tier": "low", "models": 1}]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tier=low", {"late"}),
        ("state=approved", {"approved"}),
        ("state=none", {"bare"}),
        ("overdue=findings", {"late"}),
        ("overdue=any&tier=high", set()),
    ],
)
def test_the_list_of_models_narrows_on_page_and_api(
    three: Any, api_of: Any, client_of: Any, officer: Any, query: str, names: Any
) -> None:
    api = api_of(officer).get(f"/api/v1/models/?{query}").json()
    assert {row["name"] for row in api["results"]} == names
    page = client_of(officer).get(f"/models/?{query}").content.decode()
    assert {name for name in three if f">{name}</a>" in page} == names
    assert page.count("remove this filter") == query.count("=")


def test_a_filter_of_the_api_that_says_nothing_is_refused(three: Any, api_of: Any, officer: Any) -> None:
    for query in ("state=sleeping", "team=01890a5d-ac96-774b-bcce-b302099a8057", "overdue=rent"):
        answer = api_of(officer).get(f"/api/v1/models/?{query}")
        assert answer.status_code == 422, query
        assert query.partition("=")[0] in answer.json()["detail"]


def test_the_portfolio_costs_as_many_queries_at_ten_models_as_at_one(
    make_model: Any, make_draft: Any, client_of: Any, officer: Any
) -> None:
    client = client_of(officer)

    def cost() -> int:
        client.get("/portfolio/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/portfolio/").status_code == 200
        return len(captured)

    make_draft(model=make_model("first"))
    at_one = cost()
    for number in range(9):
        make_draft(model=make_model(f"model-{number}"))
    assert cost() == at_one


def test_any_holds_where_one_kind_does(three: Any, api_of: Any, officer: Any) -> None:
    api = api_of(officer)
    each = {row["name"] for name in kinds.names() for row in api.get(f"/api/v1/models/?overdue={name}").json()["results"]}
    assert {row["name"] for row in api.get(f"/api/v1/models/?overdue={ANY}").json()["results"]} == each == {"late"}
