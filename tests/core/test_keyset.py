"""Pages in any order: what has no value stands last, ties follow the key, and every row is shown exactly once."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.db.models.expressions import Value
from django.db.models.functions import NullIf
from django.test import RequestFactory

from accounts.models import Team
from core.keyset import BadMark, Keyset, SortKey, decimal, moment, number, storable
from core.paging import KeyPage, page_in_order

pytestmark = pytest.mark.django_db

NAMES = ["b", "a", "", "b", "c", "", "a", "b"]  # "" stands for: no value


@pytest.fixture
def teams() -> list[Team]:
    return [Team.objects.create(id=UUID(int=place), slug=f"t{place}", name=name) for place, name in enumerate(NAMES)]


def by_name(*, descending: bool = False) -> Keyset:
    return Keyset([SortKey(NullIf(F("name"), Value("")), descending, storable)], name=f"name {descending}")


def ask(keyset: Keyset, query: str = "", size: int = 2) -> KeyPage:
    return page_in_order(RequestFactory().get(f"/teams/{query}"), Team.objects.all(), keyset, size=size)


def numbers(page: KeyPage) -> list[int]:
    return [team.id.int for team in page]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(("descending", "expected"), [(False, [6, 1, 7, 3, 0, 4, 5, 2]), (True, [4, 7, 3, 0, 6, 1, 5, 2])])
def test_pages_forwards_and_backwards_show_every_row_once(
    teams: list[Team], size: int, descending: bool, expected: list[int]
) -> None:
    keyset, page = by_name(descending=descending), ask(by_name(descending=descending), size=size)
    assert not page.previous_url
    pages = [page]
    while page.next_url and len(pages) <= len(NAMES):
        page = ask(keyset, page.next_url, size)
        pages.append(page)
    assert [one for page in pages for one in numbers(page)] == expected
    for earlier in pages[-2::-1]:
        page = ask(keyset, page.previous_url, size)
        assert numbers(page) == numbers(earlier)
    assert not page.previous_url


def test_a_row_that_arrives_meanwhile_shifts_nothing(teams: list[Team]) -> None:
    first = ask(by_name())
    Team.objects.create(id=UUID(int=99), slug="late", name="a")
    assert numbers(ask(by_name(), first.next_url)) == [7, 3]


def _mark(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "mark", ["nonsense", "é", "AAAA", _mark(), _mark(1, 2, 3), _mark("x", "y", str(UUID(int=1))), 9000 * "A", 3000 * "W1tb"]
)
def test_a_mark_that_was_not_made_here_shows_the_first_page(teams: list[Team], mark: str) -> None:
    assert numbers(ask(by_name(), f"?after={mark}")) == [6, 1]
    with pytest.raises(BadMark):
        by_name().page(Team.objects.all(), mark=mark, size=2)


@pytest.mark.parametrize("value", ["\ud800", "\x00", 3, ["x"], True])
def test_a_mark_with_a_value_that_no_row_has_is_none(teams: list[Team], value: Any) -> None:
    keyset = by_name()
    good = json.loads(base64.urlsafe_b64decode(keyset.mark(keyset.page(Team.objects.all(), size=1)[0][0]) + "=="))
    with pytest.raises(BadMark):
        keyset.page(Team.objects.all(), mark=_mark(good[0], value, good[2]), size=2)


def test_a_mark_of_another_order_is_none(teams: list[Team]) -> None:
    assert numbers(ask(by_name(descending=True), ask(by_name()).next_url)) == [4, 7]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (number, "nan"),
        (number, "x"),
        (decimal, "NaN"),
        (decimal, "Infinity"),
        (decimal, "x"),
        (moment, "2026-11-20"),
        (moment, "x"),
    ],
)
def test_values_of_marks_are_what_a_column_can_hold(read: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(text)


def test_a_page_costs_one_query(teams: list[Team], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        ask(by_name())
