"""Ways around the people who decide: each was tried against the running site, and is closed."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry.services import draft_version as draft_dataset_version
from data_registry.services import receive_content, record_finding, register_dataset, register_version
from governance import gate, services
from governance.approvals import approval_of
from governance.models import Release, Review
from governance.permissions import contributors
from ledger.actors import CLOCK
from ledger.models import Event
from models_registry import services as registry
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD, PROVENANCE, REFUSED

pytestmark = pytest.mark.django_db

OTHER = CARD | {"contact": "Another mailbox"}


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def standing(version: Any) -> Any:
    return approval_of(fresh(version), "production")


# -- what was signed once does not come back by itself --------------------------------------------------------------------


def test_a_suspension_is_not_undone_by_changing_the_card_there_and_back(
    make_approved: Any, scientist: Any, risk_manager: Any
) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    services.suspend(version, reason="drift", by=CLOCK)
    services.revise_card(fresh(version), OTHER, by=scientist)
    services.revise_card(fresh(version), CARD, by=scientist)
    found = standing(version)
    assert not found.holds
    assert any("earlier review" in reason for reason in found.reasons)
    with pytest.raises(WrongState, match="earlier review"):
        services.release(fresh(version), environment="production", by=risk_manager)


def test_a_call_for_changes_is_not_undone_by_changing_the_card_there_and_back(
    make_approved: Any, sign: Any, scientist: Any
) -> None:
    version = make_approved()
    services.revise_card(fresh(version), OTHER, by=scientist)
    sign(Review.objects.open().get(version=version), "validator", "request_changes")
    services.revise_card(fresh(version), CARD, by=scientist)
    assert not standing(version).holds


def test_two_roles_of_one_person_do_not_both_count_over_two_reviews(
    make_review: Any, make_person: Any, team: Any, sign: Any, scientist: Any, validator: Any
) -> None:
    both = make_person("Two Roles", ("validator", team), ("compliance_officer", team))
    review = make_review()
    sign(review, "validator", by=both)
    sign(review, "compliance_officer", "request_changes")
    for card in (OTHER, CARD):
        services.revise_card(fresh(review.version), card, by=scientist)
    again = Review.objects.open().get(version=review.version)
    sign(again, "validator", by=validator)
    sign(again, "compliance_officer", by=both)
    counted = [signed.person for step in standing(review.version).steps for signed in step.counted]
    assert sorted(counted) == sorted([validator.pk, both.pk])


# -- whose work it is ---------------------------------------------------------------------------------------------------------


def test_whoever_sends_the_bytes_into_the_draft_of_another_does_not_sign_them(
    make_draft: Any, make_person: Any, team: Any, scientist: Any, inspect: Any, measure: Any
) -> None:
    both = make_person("Two Hats", ("data_scientist", team), ("validator", team))
    version = make_draft()
    registry.receive_checkpoint(version, [b"weights of mine"], name="mine", by=both)
    review = services.submit(version, by=scientist)
    inspect(version)
    measure(version)
    assert str(both.pk) in contributors(version)
    assert not Review.objects.signable_by(both).exists()
    with pytest.raises(NotAllowed, match="You contributed"):
        services.sign_off(review, by=both, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)


def test_whoever_links_the_data_does_not_sign(
    make_draft: Any, make_data: Any, make_person: Any, team: Any, scientist: Any
) -> None:
    both = make_person("Two Hats", ("data_scientist", team), ("validator", team))
    version = make_draft()
    registry.link_data(version, make_data("more"), use="testing", by=both)
    review = services.submit(version, by=scientist)
    assert both.pk in Review.objects.get(pk=review.pk).contributors


def test_a_role_that_was_revoked_while_the_password_was_weighed_signs_nothing(make_review: Any, validator: Any) -> None:
    review = make_review()
    assert validator.holds("validator", review.version.model.team)  # as a page has asked before: now it is remembered
    validator.memberships.all().delete()
    with pytest.raises(NotAllowed, match="do not hold the role"):
        services.sign_off(review, by=validator, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)


# -- the numbers ---------------------------------------------------------------------------------------------------------------


def test_what_was_trained_on_is_no_test_data_under_whatever_name(
    make_draft: Any, make_data: Any, scientist: Any, make_model: Any
) -> None:
    content = b"the same rows"
    learned, renamed = make_data("learned", content=content), make_data("held-out", content=content)
    assert learned.digest == renamed.digest and learned.dataset != renamed.dataset
    for use in ("training", "validation"):
        version = registry.draft_version(
            make_model(f"reader-{use}"), by=scientist, card=CARD, data=[("training", make_data("train")), (use, learned),
                                                                           ("testing", renamed)]
        )  # fmt: skip
        registry.receive_checkpoint(version, [b"weights"], name="m", by=scientist)
        with pytest.raises(InvalidInput, match="it tests nothing"):
            services.submit(version, by=scientist)


# -- the same bytes under another name ----------------------------------------------------------------------------------------


@pytest.fixture
def twice(make_approved: Any, make_model: Any, make_review: Any, sign: Any, risk_manager: Any) -> tuple[Version, Version]:
    """The same bytes live as a version of a model of high risk, and as one of low risk."""
    high = make_approved(content=b"the same bytes")
    services.release(high, environment="production", by=risk_manager)
    review = make_review(model=make_model("toy", tier="low"), content=b"the same bytes")
    sign(review, "compliance_officer")
    low = fresh(review.version)
    services.release(low, environment="production", by=risk_manager)
    return fresh(high), low


def test_bytes_that_were_suspended_do_not_pass_the_gate_as_a_model_of_lower_risk(twice: Any, risk_manager: Any) -> None:
    high, _low = twice
    assert gate.answer(high.checkpoint_digest, "production", asked_by=risk_manager).allowed
    services.suspend(high, reason="drift", by=CLOCK)
    found = gate.answer(high.checkpoint_digest, "production", asked_by=risk_manager)
    assert not found.allowed and "digit-reader v1, which is suspended" in found.reasons[0]


def test_the_gate_answers_for_the_model_that_is_named(twice: Any, risk_manager: Any, api_of: Any) -> None:
    high, low = twice
    services.suspend(high, reason="drift", by=CLOCK)
    asked = {"digest": high.checkpoint_digest, "environment": "production"}
    client = api_of(risk_manager)
    assert not client.get("/api/v1/gate/", asked).json()["allowed"]
    assert not client.get("/api/v1/gate/", asked | {"model": str(high.model_id)}).json()["allowed"]
    assert client.get("/api/v1/gate/", asked | {"model": str(low.model_id)}).json()["allowed"]
    assert client.get("/api/v1/gate/", asked | {"model": "toy"}).status_code == 422


def test_asking_about_bytes_of_several_models_again_and_again_writes_nothing(twice: Any, risk_manager: Any, story: Any) -> None:
    high, low = twice
    services.suspend(high, reason="drift", by=CLOCK)
    ways = [None, high.model_id, low.model_id]
    for model in ways:
        gate.answer(high.checkpoint_digest, "production", asked_by=risk_manager, model=model)
    before = len(story())
    for model in ways * 3:
        gate.answer(high.checkpoint_digest, "production", asked_by=risk_manager, model=model)
    assert len(story()) == before


def test_bytes_that_a_reviewer_rejected_do_not_pass_as_another_model(
    make_review: Any, make_model: Any, sign: Any, risk_manager: Any
) -> None:
    high = make_review(content=b"the same bytes")
    sign(high, "validator", "reject")
    low = make_review(model=make_model("toy", tier="low"), content=b"the same bytes")
    sign(low, "compliance_officer")
    services.release(fresh(low.version), environment="production", by=risk_manager)
    found = gate.answer(low.version.checkpoint_digest, "production", asked_by=risk_manager)
    assert not found.allowed and "rejected" in found.reasons[0]


def test_bytes_that_the_inspection_refused_elsewhere_block_nobody(
    make_approved: Any, make_model: Any, make_draft: Any, inspect: Any, scientist: Any, risk_manager: Any
) -> None:
    """Else any data scientist could stop production: by handing the bytes in again with an architecture that does not fit."""
    live = make_approved(content=b"the same bytes")
    services.release(live, environment="production", by=risk_manager)
    other = make_draft(model=make_model("toy", tier="low"), content=b"the same bytes")
    services.submit(other, by=scientist)
    inspect(other, REFUSED)
    assert gate.answer(live.checkpoint_digest, "production", asked_by=risk_manager).allowed


def test_a_suspension_takes_the_same_bytes_along_under_their_other_numbers(make_approved: Any, risk_manager: Any) -> None:
    first = make_approved(content=b"the same bytes")
    services.release(first, environment="production", by=risk_manager)
    second = make_approved(content=b"the same bytes")
    services.release(second, environment="production", by=risk_manager)
    services.suspend(second, reason="drift", by=CLOCK)
    assert fresh(first).state == "suspended"
    assert Event.objects.filter(type="version.suspended").count() == 2
    with pytest.raises(WrongState, match="No earlier version"):
        services.roll_back(first.model, environment="production", by=risk_manager, reason="drift")


# -- going back ------------------------------------------------------------------------------------------------------------


def test_rolling_back_twice_never_leads_forward_to_what_was_rolled_back(make_approved: Any, risk_manager: Any) -> None:
    one, two, three = make_approved(), make_approved(), make_approved()
    for version in (one, two, three):
        services.release(version, environment="production", by=risk_manager)

    def back() -> Any:
        return services.roll_back(one.model, environment="production", by=risk_manager, reason="It fails.").version

    assert back() == two
    assert back() == one
    with pytest.raises(WrongState, match="No earlier version"):
        back()
    services.release(fresh(three), environment="production", by=risk_manager)  # a decision anew, not a step back
    assert Release.objects.live().get().version == three


# -- personal data -----------------------------------------------------------------------------------------------------------


def test_whoever_registered_the_data_does_not_review_away_what_they_hold(
    make_data: Any, make_person: Any, team: Any, dpo: Any, make_draft: Any
) -> None:
    """With both roles, a data scientist rid the own data of their flag, and so the version of its privacy review."""
    both = make_person("Two Hats", ("data_scientist", team), ("data_protection_officer", team))
    columns = [{"name": "email", "category": "contact", "present": "yes"}]
    dataset = register_dataset(team, by=both, name="people")
    draft = draft_dataset_version(dataset, by=both, provenance=PROVENANCE, format="other", columns=columns)
    receive_content(draft, by=both, chunks=[b"people"])
    data = register_version(draft, by=both)
    finding = {"category": "contact", "present": "no", "column": "email", "note": "Nothing to see.", "review": True}
    with pytest.raises(NotAllowed, match="You registered these data"):
        record_finding(data, by=both, **finding)
    assert record_finding(data, by=dpo, **finding).basis == "reviewed"
