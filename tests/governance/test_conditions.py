"""Approval under conditions: who sets, reports and answers them, and what a date that passes does."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest

from core import clock
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import gate, services
from governance.approvals import approval_of
from governance.due import do_what_is_due
from governance.models import Condition, Release, Review
from governance.parts.conditions import waiting_conditions
from governance.permissions import can_answer_condition, can_report_condition
from governance.services.conditions import Wanted
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD

pytestmark = pytest.mark.django_db


def fresh(review: Any) -> Version:
    return Version.objects.with_parts().get(pk=review.version_id)


def soon(days: int = 10) -> date:
    return clock.now().date() + timedelta(days=days)


@pytest.fixture
def conditional(make_review: Any, sign: Any, scientist: Any) -> Any:
    """`conditional()`: a review concluded under one condition of the scientist's, set by the validator."""

    def make(*, count: int = 1, owner: Any = None, days: int = 10) -> Review:
        review = make_review()
        wanted = [Wanted(f"Measure dark images {number}.", owner or scientist, soon(days), "A report") for number in range(count)]
        sign(review, "validator", "approve_with_conditions", conditions=wanted)
        sign(review, "compliance_officer")
        return Review.objects.get(pk=review.pk)

    return make


def answer(condition: Any, *, by: Any, met: bool = True, **more: Any) -> Condition:
    return services.answer_condition(condition, by=by, met=met, password=PASSWORD, **more)


def report(condition: Any, *, by: Any, **more: Any) -> Condition:
    return services.report_condition(condition, by=by, report="Measured; see the file.", **more)


def test_an_approval_under_conditions_is_a_state_of_its_own_and_holds(conditional: Any, story: Any) -> None:
    review = conditional()
    assert fresh(review).state == "approved_with_conditions"
    assert review.outcome == "approved_with_conditions"
    approval = approval_of(fresh(review), "production")
    assert approval.holds and [one.text for one in approval.conditions] == ["Measure dark images 0."]
    assert story()[-5:] == [
        *("sign_off.given", "condition.set", "sign_off.given", "review.concluded", "version.approved_with_conditions")
    ]


def test_when_every_condition_is_acknowledged_the_version_is_approved(
    conditional: Any, scientist: Any, validator: Any, story: Any
) -> None:
    review = conditional(count=2)
    first, second = review.conditions.order_by("number")
    report(first, by=scientist, evidence=[b"numbers"], evidence_name="numbers.csv")
    report(second, by=scientist)
    before = len(story())
    answer(first, by=validator)
    assert fresh(review).state == "approved_with_conditions"
    answer(second, by=validator)
    assert fresh(review).state == "approved"
    assert story()[before:] == ["condition.met", "condition.met", "version.approved"]
    assert approval_of(fresh(review), "production").holds
    assert first.answers.get().envelope["payloadType"] == "application/vnd.in-toto+json"


def test_a_report_that_does_not_convince_is_open_again(conditional: Any, scientist: Any, validator: Any) -> None:
    condition = conditional().conditions.get()
    report(condition, by=scientist)
    with pytest.raises(InvalidInput, match="what is still missing"):
        answer(condition, by=validator, met=False)
    answer(condition, by=validator, met=False, reason="Only ten images.")
    condition.refresh_from_db()
    assert (condition.state, condition.refusal) == ("open", "Only ten images.")
    report(condition, by=scientist)
    answer(condition, by=validator)
    assert Condition.objects.get().state == "met"


def test_only_its_owner_reports_a_condition_and_only_the_role_that_set_it_answers(
    conditional: Any, scientist: Any, other_scientist: Any, validator: Any, officer: Any, admin: Any
) -> None:
    condition = conditional().conditions.get()
    with pytest.raises(NotAllowed, match="Only the owner"):
        report(condition, by=other_scientist)
    with pytest.raises(NotAllowed, match="has not reported"):
        answer(condition, by=validator)
    report(condition, by=scientist)
    for person, reason in ((officer, "Only the validator"), (scientist, "You own this condition"), (admin, "Administrators")):
        with pytest.raises(NotAllowed, match=reason):
            answer(condition, by=person)
    answer(condition, by=validator)


def test_the_owner_does_not_answer_even_with_the_role(conditional: Any, make_person: Any, team: Any) -> None:
    owner = make_person("Second Validator", ("validator", team))
    condition = conditional(owner=owner).conditions.get()
    report(condition, by=owner)
    with pytest.raises(NotAllowed, match="You own this condition"):
        answer(condition, by=owner)


def test_a_date_that_passes_stops_the_gate_before_the_clock_ran_and_then_suspends(
    conditional: Any, risk_manager: Any, scientist: Any, validator: Any, frozen_clock: Any, story: Any
) -> None:
    review = conditional(days=10)
    version = fresh(review)
    services.release(version, environment="production", by=risk_manager)
    frozen_clock.advance(days=10)
    assert gate.answer(version.checkpoint_digest, "production", asked_by=scientist).allowed  # due at the end of that day
    frozen_clock.advance(days=1)
    said = gate.answer(version.checkpoint_digest, "production", asked_by=scientist)
    assert not said.allowed and "was not met" in said.reasons[0]
    with pytest.raises(WrongState, match="no longer holds"):
        report(review.conditions.get(), by=scientist)
    before = len(story())
    do_what_is_due()
    assert fresh(review).state == "suspended" and review.conditions.get().state == "missed"
    assert story()[before:] == ["condition.missed", "version.suspended", "release.revoked"]
    assert not Release.objects.live().exists()
    do_what_is_due()
    assert story()[before:] == ["condition.missed", "version.suspended", "release.revoked"]


def test_a_condition_that_was_met_suspends_nothing(conditional: Any, scientist: Any, validator: Any, frozen_clock: Any) -> None:
    review = conditional()
    report(review.conditions.get(), by=scientist)
    answer(review.conditions.get(), by=validator)
    frozen_clock.advance(days=30)
    do_what_is_due()
    assert fresh(review).state == "approved" and approval_of(fresh(review), "production").holds


@pytest.mark.parametrize(
    ("verdict", "change", "told"),
    [
        ("approve_with_conditions", {"due": 0}, "due after today"),
        ("approve_with_conditions", {"due": 31}, "the policy gives it 30 days"),
        ("approve_with_conditions", {"text": " "}, "what is to be done"),
        ("approve_with_conditions", {"owner": "validator"}, "somebody else"),
        ("approve_with_conditions", {"owner": "stranger"}, "see the model"),
        ("approve", {}, "Conditions belong to the verdict"),
    ],
)
def test_a_condition_that_cannot_stand_is_refused_with_a_sentence(
    make_review: Any, sign: Any, request: pytest.FixtureRequest, verdict: str, change: dict[str, Any], told: str
) -> None:
    owner = request.getfixturevalue(change.get("owner", "scientist"))
    wanted = Wanted(change.get("text", "Measure dark images."), owner, soon(change.get("due", 5)))
    with pytest.raises(InvalidInput, match=told):
        sign(make_review(), "validator", verdict, conditions=[wanted])
    assert not Condition.objects.exists()


def test_an_approval_under_conditions_names_at_least_one(make_review: Any, sign: Any) -> None:
    with pytest.raises(InvalidInput, match="at least one condition"):
        sign(make_review(), "validator", "approve_with_conditions")


def test_a_card_revised_afterwards_asks_for_everything_anew(conditional: Any, scientist: Any, validator: Any) -> None:
    review = conditional()
    services.revise_card(fresh(review), CARD | {"limitations": "Dark images."}, by=scientist)
    assert fresh(review).state == "in_review"
    assert not can_report_condition(scientist, review.conditions.get())


def test_the_inbox_lists_what_the_permissions_allow(
    conditional: Any, scientist: Any, other_scientist: Any, validator: Any, officer: Any, dpo: Any, admin: Any, auditor: Any
) -> None:
    waiting, reported = conditional(count=2).conditions.order_by("number")
    report(reported, by=scientist)
    for person in (scientist, other_scientist, validator, officer, dpo, admin, auditor):
        listed = set(waiting_conditions(person).values_list("pk", flat=True))
        asked = {
            one.pk
            for one in Condition.objects.with_parts()
            if can_report_condition(person, one) or can_answer_condition(person, one)
        }
        assert listed == asked, person.name
    assert waiting_conditions(scientist).get() == waiting and waiting_conditions(validator).get() == reported


def test_the_page_of_the_version_tells_its_conditions_to_everybody(
    conditional: Any, client_of: Any, auditor: Any, scientist: Any
) -> None:
    review = conditional()
    address = review.version.get_absolute_url()
    assert "Measure dark images 0." in client_of(auditor).get(address).content.decode()
    assert f"/conditions/{review.conditions.get().pk}/report/" in client_of(scientist).get(address).content.decode()


def test_conditions_are_set_reported_and_answered_on_pages(
    make_review: Any, sign: Any, client_of: Any, scientist: Any, validator: Any
) -> None:
    review = make_review()
    posted = {
        "role": "validator",
        "verdict": "approve_with_conditions",
        "password": PASSWORD,
        "seen": review.digest,
        "condition_1_text": "Measure dark images.",
        "condition_1_owner": str(scientist.pk),
    }
    client = client_of(validator)
    answer = client.post(f"/reviews/{review.pk}/sign-off/", posted)
    assert answer.status_code == 422 and "Say until when." in answer.content.decode()
    assert "Measure dark images." in answer.content.decode()  # nothing typed is lost
    assert client.post(f"/reviews/{review.pk}/sign-off/", posted | {"condition_1_due": soon().isoformat()}).status_code == 303
    sign(review, "compliance_officer")
    condition = review.conditions.get()
    owner = client_of(scientist)
    assert "Measure dark images." in owner.get("/").content.decode()
    assert owner.post(f"/conditions/{condition.pk}/report/", {"report": "Done."}).status_code == 303
    page = client.get(f"/reviews/{review.pk}/").content.decode()
    assert f"/conditions/{condition.pk}/answer/" in page and "“Done.”" in page
    answered = client.post(f"/conditions/{condition.pk}/answer/", {"met": "yes", "password": PASSWORD})
    assert answered.status_code == 303
    assert fresh(review).state == "approved"


def test_conditions_are_set_reported_and_answered_over_the_api(
    make_review: Any, sign: Any, api_of: Any, scientist: Any, validator: Any
) -> None:
    review = make_review()
    wanted = {"text": "Measure dark images.", "owner": str(scientist.pk), "due": soon().isoformat()}
    body = {"role": "validator", "verdict": "approve_with_conditions", "password": PASSWORD, "seen": review.digest}
    client = api_of(validator)
    assert client.post(f"/api/v1/reviews/{review.pk}/sign-offs/", body | {"conditions": [wanted]}).status_code == 201
    sign(review, "compliance_officer")
    (one,) = api_of(scientist).get("/api/v1/conditions/?mine=true&unmet=true").json()["results"]
    assert (one["text"], one["state"], one["overdue"]) == ("Measure dark images.", "open", False)
    assert api_of(scientist).post(f"/api/v1/conditions/{one['id']}/report/", {"report": "Done."}).status_code == 200
    done = client.post(f"/api/v1/conditions/{one['id']}/answer/", {"met": True, "password": PASSWORD})
    assert done.json()["state"] == "met"
    assert fresh(review).state == "approved"


def test_what_was_handed_in_is_a_download(conditional: Any, scientist: Any, client_of: Any, auditor: Any, stranger: Any) -> None:
    condition = conditional().conditions.get()
    assert client_of(auditor).get(f"/conditions/{condition.pk}/evidence/").status_code == 404
    report(condition, by=scientist, evidence=[b"<script>"], evidence_name="page.html")
    found = client_of(auditor).get(f"/conditions/{condition.pk}/evidence/")
    assert found["Content-Disposition"].startswith("attachment") and found["Content-Type"] == "application/octet-stream"
    content = b"".join(found.streaming_content)
    assert content == b"<script>"
    assert found["X-Content-SHA256"] == f"sha256:{sha256(content).hexdigest()}"
    assert client_of(stranger).get(f"/conditions/{condition.pk}/evidence/").status_code == 404
