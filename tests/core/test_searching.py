"""One search: names and digests, within a person's sight."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.searching import MOST, digest_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def found(client_of: Any) -> Any:
    def ask(person: Any, words: str) -> str:
        answer = client_of(person).get("/search/", {"q": words})
        assert answer.status_code == 200
        return answer.content.decode().partition("<main")[2]

    return ask


def test_a_model_a_version_its_data_and_its_people_are_found(make_draft: Any, found: Any, scientist: Any, validator: Any) -> None:
    version = make_draft()
    assert version.model.get_absolute_url() in found(validator, "digit-rea")
    assert version.get_absolute_url() in found(validator, "digit-reader v1")
    assert version.get_absolute_url() in found(validator, version.checkpoint_digest)
    assert version.get_absolute_url() in found(validator, version.checkpoint_digest.removeprefix("sha256:")[:8].upper())
    data = version.data.first().dataset_version
    assert data.dataset.get_absolute_url() in found(validator, "digits")
    assert data.get_absolute_url() in found(validator, data.digest)
    assert "Data scientist (Vision)" in found(validator, "sora")


def test_what_a_person_may_not_see_is_not_found(make_draft: Any, found: Any, stranger: Any, admin: Any) -> None:
    version = make_draft()
    for words in ("digit", "digit-reader v1", version.checkpoint_digest, "digits"):
        for person in (stranger, admin):
            assert "Nothing that you may see" in found(person, words)


def test_a_persons_page_is_an_administrators(found: Any, admin: Any, scientist: Any, validator: Any) -> None:
    assert f"/settings/people/{scientist.pk}/" in found(admin, "sora")
    assert "/settings/people/" not in found(validator, "sora")


@pytest.mark.parametrize("words", ["", "x", "\0", "v" * 5_000, "%", "a\\", "' OR 1=1 --", "sha256:zz", "a v99999999999999"])
def test_whatever_is_typed_gets_an_answer(words: str, found: Any, scientist: Any) -> None:
    assert "<h1>Search</h1>" in found(scientist, words)


def test_what_stands_for_anything_in_sql_stands_for_itself(make_draft: Any, found: Any, scientist: Any) -> None:
    make_draft()
    assert "Nothing that you may see" in found(scientist, "d%git")
    assert "Nothing that you may see" in found(scientist, "d_git")


def test_the_cost_does_not_grow_with_what_is_found(make_model: Any, client_of: Any, scientist: Any) -> None:
    browser = client_of(scientist)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get("/search/", {"q": "reader"})
        return len(queries)

    make_model("reader-0")
    cost()
    before = cost()
    for number in range(1, MOST + 3):
        make_model(f"reader-{number}")
    assert cost() == before
    assert f"At most {MOST} are shown" in browser.get("/search/", {"q": "reader"}).content.decode()


@pytest.mark.parametrize(
    ("words", "digest"),
    [("sha256:ABCDEF", "abcdef"), ("abcdef01", "abcdef01"), ("abcde", ""), ("digit", ""), ("abcdeg", ""), ("f" * 65, "")],
)
def test_what_looks_like_the_beginning_of_a_digest(words: str, digest: str) -> None:
    assert digest_in(words) == digest
