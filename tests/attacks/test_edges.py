"""What strangers and neighbours try at the edges: bodies, caches, names of what they may not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts import adapter
from ledger import acts
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db

TOO_MUCH = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
FORM = "multipart/form-data; boundary=x"


class Unread:
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("The body was read before anybody asked who sends it.")

    readline = read


def send(client: Client, address: str, *, size: str = TOO_MUCH) -> Any:
    """The answer to a form that announces `size` bytes, with the cookie that a page for strangers gives out."""
    client.get(reverse("account_login"))
    return client.generic("POST", address, b"", content_type=FORM, CONTENT_LENGTH=size, **{"wsgi.input": Unread()})


@pytest.mark.parametrize("route", ["account_login", "account_logout", "governance:submit", "governance:inbox", "styleguide"])
def test_a_stranger_cannot_fill_the_disk_by_way_of_a_form(route: str) -> None:
    """Files of a form are kept on disk as they arrive, as soon as its token is looked for."""
    assert send(Client(), reverse(route)).status_code == 413


def test_only_where_files_are_taken_a_form_may_be_large(client_of: Any, scientist: Any) -> None:
    client = client_of(scientist)
    assert send(client, reverse("governance:inbox")).status_code == 413
    largest = str(settings.UPLOAD_LIMIT + 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    assert send(client, reverse("governance:submit"), size=largest).status_code == 413
    file = SimpleUploadedFile("model.safetensors", b"\0" * int(TOO_MUCH))
    assert (
        client.post(reverse("governance:submit"), {"checkpoint": file}).status_code == 422
    )  # read, and other fields are missing


def test_a_large_body_to_the_api_is_a_problem(api_of: Any, scientist: Any) -> None:
    client = api_of(scientist)
    answer = client.generic("POST", "/api/v1/models/", b"{}", content_type="application/json", CONTENT_LENGTH=TOO_MUCH)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_what_is_answered_to_somebody_known_is_kept_by_no_cache(
    client_of: Any, api_of: Any, make_review: Any, validator: Any, scientist: Any
) -> None:
    review = make_review()
    pages = ["/", "/models/", f"/versions/{review.version_id}/", f"/reviews/{review.pk}/", "/trail/", "/reports/"]
    for page in pages:
        assert client_of(validator).get(page)["Cache-Control"] == "private, no-store", page
    for address in ("/api/v1/me/", "/api/v1/models/", f"/api/v1/versions/{review.version_id}/checkpoint/"):
        assert api_of(validator).get(address)["Cache-Control"] == "private, no-store", address


@pytest.mark.parametrize("kind", ["version", "model", "dataset", "dataset_version", "review", "person", "team"])
def test_the_trail_names_nothing_that_its_reader_does_not_see(
    kind: str, client_of: Any, make_review: Any, make_person: Any, make_team: Any, validator: Any, team: Any
) -> None:
    """The filter by subject showed the name of whatever the address named: people and models of other teams."""
    review = make_review()
    data = review.version.data.first().dataset_version
    things = {
        "version": review.version,
        "model": review.version.model,
        "dataset": data.dataset,
        "dataset_version": data,
        "review": review,
        "person": validator,
        "team": team,
    }
    elsewhere = make_person("Elsewhere", ("validator", make_team("speech")))
    address = f"/trail/?about={kind}:{things[kind].pk}"
    assert str(things[kind]) not in client_of(elsewhere).get(address).content.decode()


# -- signing in --------------------------------------------------------------------------------------------------------------


def try_to_sign_in(person: Any, password: str, **headers: str) -> bool:
    client = Client(**headers)
    client.post(reverse("account_login"), {"login": person.email, "password": password})
    return SESSION_KEY in client.session


def test_the_limit_of_failed_sign_ins_is_not_passed_by_naming_other_ports(validator: Any) -> None:
    """The failures were counted by the Host header, which the caller writes."""
    for turn in range(5):
        try_to_sign_in(validator, "wrong", HTTP_HOST=f"127.0.0.1:{1000 + turn}")
    assert not try_to_sign_in(validator, PASSWORD, HTTP_HOST="127.0.0.1:2000")


def test_nobody_is_locked_out_by_the_failures_of_others(validator: Any) -> None:
    for _ in range(6):
        try_to_sign_in(validator, "wrong", REMOTE_ADDR="192.0.2.7")
    assert not try_to_sign_in(validator, PASSWORD, REMOTE_ADDR="192.0.2.7")
    assert try_to_sign_in(validator, PASSWORD, REMOTE_ADDR="198.51.100.9")


def test_guessing_from_everywhere_comes_to_an_end(validator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "FAILURES_OF_ACCOUNT", 8)
    for turn in range(8):
        try_to_sign_in(validator, "wrong", REMOTE_ADDR=f"192.0.2.{turn}")
    assert not try_to_sign_in(validator, PASSWORD, REMOTE_ADDR="198.51.100.9")


# -- the log -----------------------------------------------------------------------------------------------------------------


def test_nobody_fills_the_log_with_what_is_refused_to_them(
    api_of: Any, make_approved: Any, scientist: Any, other_scientist: Any, frozen_clock: Any, story: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(acts, "MOST_REFUSALS", 5)
    asked = {"version": str(make_approved().pk), "environment": "production"}
    before = len(story())
    for person in (scientist, other_scientist):
        client = api_of(person)
        for _ in range(8):
            assert client.post("/api/v1/releases/", asked).status_code == 403
    assert story()[before:] == ["attempt.refused"] * 10
    frozen_clock.advance(minutes=2)
    assert api_of(scientist).post("/api/v1/releases/", asked).status_code == 403
    assert len(story()) == before + 11
