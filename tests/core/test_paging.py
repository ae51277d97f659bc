"""Pages by key: forwards, backwards, whatever stands in the address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import RequestFactory

from accounts.models import Team
from core.paging import KeyPage, page_by_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def teams() -> list[Team]:
    return [Team.objects.create(id=UUID(int=number), slug=f"team-{number}", name=f"Team {number}") for number in range(5)]


def ask(query: str = "", **options: Any) -> KeyPage:
    return page_by_key(RequestFactory().get(f"/teams/{query}"), Team.objects.all(), size=2, **options)


def names(page: KeyPage) -> list[str]:
    return [team.name for team in page]


def test_pages_follow_one_another_and_lead_back(teams: list[Team]) -> None:
    first = ask()
    assert names(first) == ["Team 4", "Team 3"]
    assert not first.previous_url
    second = ask(first.next_url)
    assert names(second) == ["Team 2", "Team 1"]
    last = ask(second.next_url)
    assert names(last) == ["Team 0"]
    assert not last.next_url
    assert names(ask(last.previous_url)) == names(second)
    back = ask(second.previous_url)
    assert names(back) == names(first)
    assert not back.previous_url


def test_the_oldest_may_come_first(teams: list[Team]) -> None:
    assert names(ask(newest_first=False)) == ["Team 0", "Team 1"]


def test_a_row_that_arrives_meanwhile_shifts_nothing(teams: list[Team]) -> None:
    first = ask()
    Team.objects.create(id=UUID(int=99), slug="late", name="Late")
    assert names(ask(first.next_url)) == ["Team 2", "Team 1"]


def test_filters_stay_in_the_address(teams: list[Team]) -> None:
    assert "q=x" in ask("?q=x").next_url


@pytest.mark.parametrize("mark", ["nonsense", "1", "%00", "'"])
def test_a_mark_that_somebody_typed_shows_the_first_page(teams: list[Team], mark: str) -> None:
    assert names(ask(f"?after={mark}")) == ["Team 4", "Team 3"]


def test_a_page_costs_one_query(teams: list[Team], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        ask()
