"""Signing off: who may, on what, in which order, and what follows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from core.canonical import sha256_of
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import services
from governance.approvals import approval_of
from governance.models import Review, SignOff, Step
from governance.permissions import can_sign_off
from ledger.models import Event
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD, measured

pytestmark = pytest.mark.django_db


def state_of(review: Any) -> str:
    return Version.objects.get(pk=review.version_id).state


def test_the_last_required_signature_approves_the_version(make_review: Any, sign: Any, story: Any) -> None:
    review = make_review()
    before = len(story())
    sign(review, "validator")
    assert state_of(review) == "in_review"
    sign(review, "compliance_officer")
    assert state_of(review) == "approved"
    assert approval_of(Version.objects.get(pk=review.version_id), "production").holds
    assert story()[before:] == ["sign_off.given", "sign_off.given", "review.concluded", "version.approved"]


def test_nobody_signs_the_own_submission_and_the_attempt_is_recorded(make_review: Any, make_person: Any, team: Any) -> None:
    both = make_person("Two Hats", ("data_scientist", team), ("validator", team))
    review = make_review(by=both)
    with pytest.raises(NotAllowed, match="You submitted this version"):
        services.sign_off(review, by=both, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)
    refused = Event.objects.get(type="attempt.refused")
    assert refused.data["attempt"] == "sign_off" and refused.data["code"] == "own_submission"
    assert (refused.subject_type, refused.subject_id, refused.actor_id) == ("review", str(review.pk), str(both.pk))
    assert not SignOff.objects.exists()


def test_whoever_wrote_a_revision_of_the_card_does_not_sign(make_review: Any, make_person: Any, team: Any) -> None:
    helper = make_person("Helper", ("data_scientist", team), ("validator", team))
    review = make_review()
    services.revise_card(review.version, CARD | {"contact": "Mailbox"}, by=helper)
    with pytest.raises(NotAllowed, match="You contributed"):
        services.sign_off(review, by=helper, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)


def test_an_administrator_signs_nothing(make_review: Any, admin: Any) -> None:
    review = make_review()
    with pytest.raises(NotAllowed, match="Administrators"):
        services.sign_off(review, by=admin, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)


def test_a_role_of_another_team_does_not_count(make_review: Any, make_person: Any, make_team: Any) -> None:
    elsewhere = make_person("Elsewhere", ("validator", make_team("speech")))
    review = make_review()
    with pytest.raises(NotAllowed, match="do not hold the role"):
        services.sign_off(review, by=elsewhere, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)


def test_one_person_gives_one_signature_even_with_two_roles(make_review: Any, make_person: Any, team: Any, sign: Any) -> None:
    both = make_person("Two Roles", ("validator", team), ("compliance_officer", team))
    review = make_review()
    sign(review, "validator", by=both)
    with pytest.raises(NotAllowed, match="already signed"):
        sign(review, "compliance_officer", by=both)


def test_the_compliance_officer_signs_after_the_validator(make_review: Any, sign: Any) -> None:
    review = make_review()
    with pytest.raises(NotAllowed, match="First the signature of the validator"):
        sign(review, "compliance_officer")


def test_a_wrong_password_signs_nothing_and_is_recorded(make_review: Any, validator: Any, story: Any) -> None:
    review = make_review()
    before = len(story())
    with pytest.raises(NotAllowed, match="password is not right"):
        services.sign_off(review, by=validator, role="validator", verdict="approve", password="guess", seen=review.digest)
    assert story()[before:] == ["proof.failed"]
    assert not SignOff.objects.exists()


def test_what_failed_cannot_be_approved_but_can_be_rejected(make_review: Any, sign: Any) -> None:
    review = make_review(result=measured(accuracy=(0.99, 0.94, 1.0), n=45))  # the point is above 0.95, the bound is not
    with pytest.raises(WrongState, match="cannot be approved yet"):
        sign(review, "validator")
    sign(review, "validator", "reject")
    assert state_of(review) == "rejected"


def test_a_verdict_against_needs_a_comment(make_review: Any, sign: Any) -> None:
    review = make_review()
    with pytest.raises(InvalidInput, match="Say in the comment"):
        sign(review, "validator", "request_changes", comment="  ")


def test_changes_requested_go_back_to_review_by_a_new_revision_of_the_card(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    sign(review, "validator", "request_changes")
    assert state_of(review) == "changes_requested"
    services.revise_card(review.version, CARD | {"limitations": "Rotated or dark images."}, by=scientist)
    assert state_of(review) == "in_review"
    again = Review.objects.open().get(version=review.version)
    sign(again, "validator")
    sign(again, "compliance_officer")
    assert state_of(review) == "approved"


def test_a_revised_card_makes_signatures_stale_and_says_so(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    sign(review, "validator")
    services.revise_card(review.version, CARD | {"limitations": "Also dark images."}, by=scientist)
    approval = approval_of(Version.objects.get(pk=review.version_id), "production")
    assert "The signature of the validator is stale, because the model card changed after it was given." in approval.reasons
    assert [changed for _signed, changed in approval.stale] == [["card"]]
    sign(review, "validator")  # the same person may sign what stands now
    sign(review, "compliance_officer")
    assert state_of(review) == "approved"


def test_a_card_revised_after_approval_takes_the_approval_back(make_approved: Any, scientist: Any) -> None:
    version = make_approved()
    services.revise_card(version, CARD | {"limitations": "More."}, by=scientist)
    version = Version.objects.get(pk=version.pk)
    assert version.state == "in_review"
    assert not approval_of(version, "production").holds


def test_what_was_seen_is_what_is_signed(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    seen = approval_of(review.version, "production").digest
    services.revise_card(review.version, CARD | {"limitations": "Changed meanwhile."}, by=scientist)
    with pytest.raises(WrongState, match="changed while you were reading"):
        sign(review, "validator", seen=seen)
    assert not SignOff.objects.exists()


def test_personal_data_in_the_lineage_call_in_the_data_protection_officer(
    make_review: Any, make_data: Any, sign: Any, scientist: Any
) -> None:
    from data_registry.services import link_versions  # noqa: PLC0415 - only this test links

    digits = make_data()
    people = make_data("annotators", columns=[{"name": "email", "dtype": "text", "category": "contact", "present": "yes"}])
    link_versions(digits, by=scientist, kind="labelled_by", to_version=people)
    review = make_review(data=digits)
    step = review.steps.get(role="data_protection_officer")
    assert step.applies and "column “email” of annotators v1 (contact), which labelled digits v1" in step.because
    sign(review, "validator")
    with pytest.raises(NotAllowed, match="data protection officer"):
        sign(review, "compliance_officer")
    sign(review, "data_protection_officer")
    sign(review, "compliance_officer")
    assert state_of(review) == "approved"


def test_without_personal_data_the_step_is_not_there(make_review: Any, sign: Any) -> None:
    review = make_review()
    assert not review.steps.get(role="data_protection_officer").applies
    with pytest.raises(NotAllowed, match="asks for no signature"):
        sign(review, "data_protection_officer")


def test_personal_data_found_later_make_the_approval_stale(make_approved: Any, make_data: Any, scientist: Any, dpo: Any) -> None:
    from data_registry.services import record_finding  # noqa: PLC0415 - only this test finds

    digits = make_data()
    version = make_approved(data=digits)
    record_finding(digits, by=scientist, category="contact", present="yes", column="notes")
    approval = approval_of(version, "production")
    assert not approval.holds
    assert any("the personal data found" in reason for reason in approval.reasons)


def test_the_list_of_what_one_may_sign_agrees_with_the_permission(
    make_review: Any, sign: Any, validator: Any, officer: Any, dpo: Any, admin: Any, scientist: Any, stranger: Any, auditor: Any
) -> None:
    reviews = [make_review() for _ in range(3)]
    sign(reviews[1], "validator")
    sign(reviews[2], "validator")
    sign(reviews[2], "compliance_officer")
    for person in (validator, officer, dpo, admin, scientist, stranger, auditor):
        listed = set(Review.objects.signable_by(person).values_list("pk", flat=True))
        asked = {
            review.pk
            for review in Review.objects.open().with_parts()
            if any(can_sign_off(person, review, step.role) for step in review.steps.all())
        }
        assert listed == asked, person.name


def test_the_signature_stands_for_a_statement_that_anybody_can_digest(make_review: Any, sign: Any) -> None:
    review = make_review()
    signed = sign(review, "validator")
    assert signed.digest == sha256_of(signed.statement)
    assert signed.statement["checkpoint"] == review.version.checkpoint_digest
    assert signed.statement["policy"] == review.policy.digest
    assert len(signed.statement["evaluations"]) == 1
    assert signed.proof["methods"] == ["password"]


@pytest.mark.parametrize("statement", ["UPDATE governance_signoff SET verdict = 'approve'", "DELETE FROM governance_signoff"])
def test_the_database_refuses_to_change_a_signature(make_review: Any, sign: Any, statement: str) -> None:
    sign(make_review(), "validator", "reject")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_of_two_validators_who_sign_at_once_one_signature_counts(
    make_review: Any, make_person: Any, team: Any, validator: Any
) -> None:
    other = make_person("Other Validator", ("validator", team))
    review = make_review()
    gate = threading.Barrier(2)

    def try_it(person: Any) -> str:
        try:
            gate.wait(10)
            services.sign_off(review, by=person, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)
        except NotAllowed as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "signed"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(try_it, [validator, other]))
    assert told == ["quorum_reached", "signed"]
    assert SignOff.objects.filter(review=review).count() == 1
    assert not Step.objects.waiting().filter(review=review, role="validator").exists()
