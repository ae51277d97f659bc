"""What was live when, by whom and under which approval; going back to a named version; and never a moment without one."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.errors import InvalidInput, WrongState
from governance import environments, policies, services
from governance.history import asked_of, zone_named
from governance.models import Environment, Release
from ledger.actors import CLOCK
from models_registry.aliases import live_under

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def three(make_approved: Any, risk_manager: Any) -> list[Any]:
    """Three approved versions, released one after the other; the third is live."""
    versions = [make_approved() for _ in range(3)]
    for version in versions:
        services.release(version, environment="production", by=risk_manager)
    return versions


def back(version: Any, by: Any, **more: Any) -> Release:
    return services.roll_back(version.model, environment="production", by=by, reason="It fails.", **more)


def test_a_release_names_the_review_and_the_digest_that_approved_it(three: list[Any]) -> None:
    live = Release.objects.live().get()
    assert live.review is not None and live.review.version == three[2] and live.review.outcome == "approved"
    assert live.approval == live.review.sign_offs.first().digest


def test_a_roll_back_leads_to_the_version_that_is_named(three: list[Any], risk_manager: Any, story: Any) -> None:
    assert back(three[2], risk_manager, to=three[0]).version == three[0]
    assert Release.objects.live().get().version == three[0]
    assert story()[-2:] == ["release.rolled_back", "release.made"]


@pytest.mark.parametrize("what", ["latest", "rolled back", "never live", "other model"])
def test_a_named_version_is_bound_by_the_same_rules(
    three: list[Any], make_approved: Any, make_model: Any, risk_manager: Any, what: str
) -> None:
    if what == "rolled back":
        back(three[2], risk_manager)
    other = make_model("other") if what == "other model" else three[0].model
    to = {"latest": three[2], "rolled back": three[2]}.get(what) or make_approved(model=other)
    with pytest.raises(WrongState, match="Nobody rolls back to"):
        back(three[2], risk_manager, to=to)


def test_a_named_version_whose_approval_no_longer_holds_is_refused_with_the_reasons(three: list[Any], risk_manager: Any) -> None:
    services.suspend(three[0], reason="drift", by=CLOCK)
    with pytest.raises(WrongState, match="suspended"):
        back(three[2], risk_manager, to=three[0])
    assert Release.objects.live().get().version == three[2]


def test_one_release_begins_at_the_moment_at_which_the_one_before_ends(three: list[Any], risk_manager: Any) -> None:
    back(three[2], risk_manager)
    rows = list(Release.objects.order_by("released_at", "pk"))
    assert [row.ended_at for row in rows[:-1]] == [row.released_at for row in rows[1:]]


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_finds_exactly_one_live_version_at_every_moment(
    make_approved: Any, risk_manager: Any, transactional_db: None
) -> None:
    """Readers ask all the time, by what is live, by the alias and by the history, while versions take turns."""
    environments.install()
    policies.install()
    versions = [make_approved() for _ in range(2)]
    for version in versions:
        services.release(version, environment="production", by=risk_manager)
    model, over, wrong, asked = versions[0].model, threading.Event(), [], []

    def read() -> None:
        try:
            while not over.is_set():
                live = Release.objects.live().filter(model=model, environment="production").count()
                named = len(live_under("production", [model]))
                moment = datetime.now(UTC)
                then = Release.objects.filter(model=model).live_during(moment, moment).count()
                asked.append(1)
                if (live, named, then) != (1, 1, 1):
                    wrong.append((live, named, then))
        finally:
            connections.close_all()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(12):
            now = Release.objects.live().get(model=model).version_id
            services.release(next(one for one in versions if one.pk != now), environment="production", by=risk_manager)
        back(versions[0], risk_manager)
    except WrongState:  # nothing left to go back to is an answer, too
        pass
    finally:
        over.set()
        for reader in readers:
            reader.join(timeout=30)
    assert wrong == [] and len(asked) > 20


def test_the_history_finds_what_was_live_on_a_day_and_at_a_moment(
    frozen_clock: Any, make_approved: Any, risk_manager: Any
) -> None:
    one, two = make_approved(), make_approved()
    frozen_clock.set(MARCH)
    services.release(one, environment="production", by=risk_manager)
    frozen_clock.advance(hours=5)
    services.release(two, environment="production", by=risk_manager)

    def found(at: str) -> list[Any]:
        asked = asked_of(at)
        return [row.version for row in Release.objects.live_during(asked.since, asked.until).order_by("released_at")]

    assert found("2026-03-02") == []
    assert found("2026-03-03") == [one, two]
    assert found("2026-03-04") == [two]
    assert found("2026-03-03T13:59:59Z") == [one]
    assert found("2026-03-03T14:00:00Z") == [two]  # where one ends the other begins
    assert found("2026-03-03T23:00:00+09:00") == [two]


def test_a_day_is_a_day_of_the_zone_that_is_named() -> None:
    asked = asked_of("2026-03-03", zone_named("Asia/Seoul"))
    assert asked.since == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert asked.until - asked.since == timedelta(days=1) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    "given", ["", "yesterday", "2026-02-30", "2026-13-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "3.3."]
)
def test_a_day_that_there_is_not_is_refused_in_one_sentence(given: str) -> None:
    with pytest.raises(InvalidInput):
        asked_of(given, zone_named("Asia/Seoul") if given == "9999-12-31" else UTC)


def test_the_api_answers_for_what_the_person_may_see(three: list[Any], api_of: Any, scientist: Any, stranger: Any) -> None:
    url = reverse("api-releases-as-of")
    today = datetime.now(UTC).isoformat()
    rows = api_of(scientist).get(url, {"at": today, "environment": "production"}).json()["results"]
    assert [row["version"] for row in rows] == [str(three[2].pk)]
    assert rows[0]["review"] and rows[0]["approval"].startswith("sha256:")
    assert api_of(scientist).get(url, {"at": today, "environment": "staging"}).json()["results"] == []
    assert api_of(stranger).get(url, {"at": today}).json()["results"] == []
    assert api_of(scientist).get(url).status_code == 422


def test_the_api_rolls_back_to_a_named_version(three: list[Any], api_of: Any, risk_manager: Any) -> None:
    body = {"environment": "production", "reason": "It fails.", "to": str(three[0].pk)}
    answer = api_of(risk_manager).post(reverse("api-rollbacks", args=[three[0].model_id]), body)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["version"] == str(three[0].pk)


def test_the_page_of_a_model_says_from_when_until_when_by_whom_and_why(
    three: list[Any], client_of: Any, risk_manager: Any
) -> None:
    services.suspend(three[2], reason="drift", by=CLOCK)
    page = client_of(risk_manager).get(reverse("governance:model_releases", args=[three[0].model_id])).content.decode()
    assert "Superseded" in page and "because of the drift" in page and risk_manager.name in page
    review = Release.objects.filter(version=three[2]).get().review
    assert review is not None and review.get_absolute_url() in page
    model = client_of(risk_manager).get(three[0].model.get_absolute_url()).content.decode()
    assert reverse("governance:model_releases", args=[three[0].model_id]) in model


def test_one_page_says_what_was_live_on_a_day_and_names_the_time_zone(three: list[Any], client_of: Any, scientist: Any) -> None:
    client, url = client_of(scientist), reverse("governance:releases")
    assert str(three[2]) in client.get(url).content.decode()
    assert "UTC" in client.get(url).content.decode()
    assert "Nothing was live then" in client.get(url, {"at": "2020-01-01"}).content.decode()
    wrong = client.get(url, {"at": "soon"})
    assert wrong.status_code == 422 and "2026-03-03" in wrong.content.decode()


def test_a_long_history_costs_no_more_queries_than_a_short_one(three: list[Any], client_of: Any, scientist: Any) -> None:
    client = client_of(scientist)
    urls = [reverse("governance:releases") + "?at=2999-01-01", reverse("governance:model_releases", args=[three[0].model_id])]

    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    Environment.objects.create(slug="edge", name="Edge")
    few = [cost(url) for url in urls]
    row = Release.objects.live().get()
    Release.objects.bulk_create(
        Release(version=row.version, model=row.model, environment="production", state="superseded", released_by=row.released_by,
                released_at=row.released_at, review=row.review)
        for _ in range(20)
    )  # fmt: skip
    assert [cost(url) for url in urls] == few
