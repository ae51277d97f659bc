"""The inbox: what waits for whom, what waits for others, and that no list of it is cut in silence."""

from __future__ import annotations

from typing import Any

import pytest

from data_registry.services import record_finding
from governance.approvals import approval_of
from governance.views import inbox as views

pytestmark = pytest.mark.django_db

OTHERS = "In review, waiting for others"
CUT = "oldest are shown"


def test_who_signs_later_sees_what_is_on_its_way_and_with_whom(
    make_review: Any, client_of: Any, officer: Any, validator: Any
) -> None:
    review = make_review()
    page = client_of(officer).get("/").content.decode()
    assert OTHERS in page
    assert str(review.version) in page.partition(OTHERS)[2]
    assert "validator" in page.partition(OTHERS)[2]
    assert OTHERS not in client_of(validator).get("/").content.decode()  # it waits for the validator
    assert "Waiting for your signature" in client_of(validator).get("/").content.decode()


def test_ones_own_reviews_stand_under_yours_alone(make_review: Any, client_of: Any, scientist: Any) -> None:
    make_review()
    page = client_of(scientist).get("/").content.decode()
    assert "Yours, in review" in page
    assert OTHERS not in page


def test_a_list_that_is_cut_says_so(
    make_review: Any, client_of: Any, officer: Any, validator: Any, scientist: Any, monkeypatch: Any
) -> None:
    make_review()
    monkeypatch.setattr(views, "MOST", 1)
    for person in (officer, validator, scientist):
        assert CUT not in client_of(person).get("/").content.decode()
    make_review()
    for person in (officer, validator, scientist):
        assert CUT in client_of(person).get("/").content.decode(), person


def test_an_administrator_is_told_why_the_inbox_stays_empty(client_of: Any, admin: Any) -> None:
    assert "decide on no model" in client_of(admin).get("/").content.decode()


def test_two_roles_that_come_first_are_both_named(
    make_review: Any, make_data: Any, client_of: Any, scientist: Any, officer: Any
) -> None:
    digits = make_data()
    record_finding(digits, by=scientist, category="contact", present="yes", column="notes")
    review = make_review(data=digits)
    page = client_of(officer).get(f"/reviews/{review.pk}/").content.decode()
    assert "First the signatures of validator and data protection officer are needed." in page


def test_nobody_is_asked_to_sign_a_rejected_version(make_review: Any, sign: Any, client_of: Any, officer: Any) -> None:
    review = make_review()
    sign(review, "validator", "reject", comment="Measured on the wrong data.")
    review.version.refresh_from_db()
    assert review.version.state == "rejected"
    approval = approval_of(review.version, review.environment)
    assert not approval.holds
    assert approval.reasons == ["The last decision on it is: rejected."]
    for address in (f"/reviews/{review.pk}/", f"/versions/{review.version_id}/"):
        page = client_of(officer).get(address).content.decode()
        assert "No longer asked" in page
        assert "still to come" not in page
