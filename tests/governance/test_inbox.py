"""The inbox: what waits for whom, what waits for others, and that no list of it is cut in silence."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership, Person
from data_registry.services import record_finding
from governance.approvals import approval_of
from governance.holding import holders_of
from governance.models import Review
from governance.views import inbox as views
from models_registry.models import RegisteredModel

pytestmark = pytest.mark.django_db

OTHERS = "In review, waiting for others"
CUT = "due first are shown"


def test_who_signs_later_sees_what_is_on_its_way_and_with_whom(
    make_review: Any, client_of: Any, officer: Any, validator: Any
) -> None:
    review = make_review()
    page = client_of(officer).get("/").content.decode()
    assert OTHERS in page
    assert str(review.version) in page.partition(OTHERS)[2]
    assert "Validator" in page.partition(OTHERS)[2]
    assert str(validator) in page.partition(OTHERS)[2]
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
        assert "Mend what was found, and submit the result as a new version: it can go on from this card." in page


def test_what_is_due_first_stands_first_and_what_is_overdue_says_so(
    make_review: Any, client_of: Any, validator: Any, frozen_clock: Any
) -> None:
    older, newer = make_review(), make_review()
    Review.objects.filter(pk=newer.pk).update(due_at=frozen_clock.now)
    page = client_of(validator).get("/").content.decode()
    assert page.index(str(newer.version)) < page.index(str(older.version))
    assert page.count("Overdue") == 1


def test_with_whom_a_review_is_names_only_those_who_could_sign_it(
    make_review: Any, make_person: Any, make_team: Any, team: Any, validator: Any, sign: Any
) -> None:
    review = make_review()
    house = make_person("Hana House", ("validator", None))
    make_person("Eli Elsewhere", ("validator", make_team("speech")))
    make_person("Ada Both", ("validator", team), ("administrator", None))
    make_person("Ina Inactive", ("validator", team), is_active=False)
    owner = make_person("Olga Owner", ("validator", team))
    RegisteredModel.objects.filter(pk=review.version.model_id).update(owner=owner)
    Review.objects.filter(pk=review.pk).update(contributors=[*review.contributors, house.pk])

    def held() -> list[Any]:
        fresh = Review.objects.with_parts().get(pk=review.pk)
        return [(one.role, one.people) for one in holders_of([fresh]).get(review.pk, [])]

    assert held() == [("Validator", [validator])]
    for person in Person.objects.all():
        named = [person in people for _role, people in held()]
        assert any(named) == Review.objects.signable_by(person).filter(pk=review.pk).exists(), person.name
    sign(review, "validator")
    assert [role for role, _people in held()] == ["Compliance officer"]


def test_a_role_that_nobody_can_fill_is_said(make_review: Any, client_of: Any, validator: Any, scientist: Any) -> None:
    make_review()
    Membership.objects.filter(person=validator).delete()
    assert "nobody can sign for it" in client_of(scientist).get("/").content.decode()
