"""A release before the signatures are complete: who may, for how long, and what ends it."""

from __future__ import annotations

import base64
import html
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from core import clock
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import gate, policies, services
from governance.approvals import approval_of
from governance.due import do_what_is_due
from governance.models import EmergencyApproval, Environment, Release, Review
from governance.permissions import can_sign_off
from ledger.actors import INSTALLER
from ledger.models import Event
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD

pytestmark = pytest.mark.django_db
WHY = {"reason": "The old one rejects every form.", "password": PASSWORD}


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def ask(version: Any, person: Any) -> Any:
    return gate.answer(version.checkpoint_digest, "production", asked_by=person)


def read(version: Any) -> dict[str, str]:
    """What somebody sends who has just read the version."""
    return WHY | {"seen": approval_of(version, "production").digest}


def release_at_once(version: Any, *, by: Any, **other: Any) -> Release:
    return services.release_in_emergency(version, by=by, **read(version) | other)


@pytest.fixture
def review(make_review: Any) -> Any:
    return make_review()


@pytest.fixture
def live(review: Any, risk_manager: Any) -> Version:
    release_at_once(review.version, by=risk_manager)
    return fresh(review.version)


def test_the_named_role_releases_before_the_signatures_and_the_review_goes_on(
    make_review: Any, risk_manager: Any, story: Any
) -> None:
    body = policies.starting_body("high")
    body["emergency"] |= {"review_within_days": 3}
    policies.publish(by=INSTALLER, body=body)
    review = make_review()
    before = len(story())
    made = release_at_once(review.version, by=risk_manager)
    after = Review.objects.get(pk=review.pk)
    assert story()[before:] == ["emergency.released", "release.made"]
    assert (fresh(review.version).state, after.state, made.state) == ("in_review", "open", "live")
    assert after.due_at == made.emergency.review_due_at == made.emergency.given_at + timedelta(days=3)
    assert made.review is None and any("missing" in reason for reason in made.against)


def test_the_gate_allows_it_and_says_why_in_its_sentence_and_its_attestation(live: Any, risk_manager: Any) -> None:
    given = ask(live, risk_manager)
    predicate = json.loads(base64.b64decode(given.attestation.envelope["payload"]))["predicate"]
    row = EmergencyApproval.objects.get()
    assert given.allowed and "in an emergency" in given.notice
    assert predicate["verifiedLevels"] == ["COUNTERSIGN_EMERGENCY_HIGH"]
    assert [value["until"] for name, value in predicate.items() if name.endswith("/ns/emergency")] == [clock.stamp(row.ends_at)]
    assert given.attestation.expires_at <= row.ends_at


def test_an_emergency_is_no_approval_and_concludes_no_review(live: Any, review: Any, sign: Any) -> None:
    assert not approval_of(live, "production").holds
    sign(review, "validator")
    assert Review.objects.get(pk=review.pk).state == "open" and fresh(live).state == "in_review"
    sign(review, "compliance_officer")
    assert fresh(live).state == "approved" and Release.objects.live().filter(version=live).exists()


def test_without_an_approval_in_time_the_gate_says_no_at_once_and_the_clock_revokes(
    live: Any, risk_manager: Any, frozen_clock: Any, story: Any
) -> None:
    assert ask(live, risk_manager).allowed
    frozen_clock.advance(days=7, seconds=1)
    refused = ask(live, risk_manager)
    assert not refused.allowed and any("emergency release ended" in one for one in refused.reasons)
    do_what_is_due()
    assert Release.objects.get(version=live).state == "revoked" and "release.revoked" in story()
    before = len(story())
    do_what_is_due()
    assert story()[before:] == []


def test_the_shorter_of_validity_and_review_ends_it(make_review: Any, risk_manager: Any, frozen_clock: Any) -> None:
    body = policies.starting_body("high")
    body["emergency"] = {"roles": ["risk_manager"], "valid_days": 1, "review_within_days": 30}
    policies.publish(by=INSTALLER, body=body)
    version = make_review().version
    release_at_once(version, by=risk_manager)
    frozen_clock.advance(days=1, seconds=1)
    assert not ask(version, risk_manager).allowed


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_a_review_that_ends_without_approval_revokes_at_once(live: Any, review: Any, sign: Any, verdict: str) -> None:
    sign(review, "validator", verdict)
    assert Release.objects.get(version=live).state == "revoked"


def test_a_withdrawal_and_a_suspension_revoke_at_once(make_review: Any, risk_manager: Any, officer: Any, scientist: Any) -> None:
    first, second = make_review().version, make_review().version
    release_at_once(first, by=risk_manager)
    services.order_suspension(first, by=officer, **WHY)
    assert fresh(first).state == "suspended" and not Release.objects.live().exists()
    assert Review.objects.get(version=first).outcome == "suspended"
    assert services.ask_for_new_review(first, by=scientist, environment="production").state == "open"
    release_at_once(second, by=risk_manager)
    services.withdraw(second, by=scientist)
    assert not Release.objects.live().exists()


def test_it_is_once_for_a_version_and_an_environment(live: Any, risk_manager: Any, frozen_clock: Any) -> None:
    frozen_clock.advance(days=8)
    do_what_is_due()
    with pytest.raises(WrongState, match="once already"):
        release_at_once(live, by=risk_manager)


def test_nobody_else_releases_in_an_emergency(
    review: Any, make_person: Any, team: Any, officer: Any, admin: Any, risk_manager: Any
) -> None:
    for person, why in ((officer, "risk manager"), (admin, "Administrators")):
        with pytest.raises(NotAllowed, match=why):
            release_at_once(review.version, by=person)
    both = make_person("Both", ("risk_manager", team), ("data_scientist", team))
    services.revise_card(review.version, {**review.version.card.content, "contact": "Mailbox"}, by=both)
    with pytest.raises(NotAllowed, match="contributed"):
        release_at_once(review.version, by=both)
    with pytest.raises(NotAllowed):
        release_at_once(review.version, by=risk_manager, password="wrong")
    assert not Release.objects.exists()


def test_a_policy_without_an_emergency_knows_none(make_review: Any, risk_manager: Any) -> None:
    policies.publish(by=INSTALLER, body=policies.starting_body("high") | {"emergency": None})
    with pytest.raises(NotAllowed, match="knows no release"):
        release_at_once(make_review().version, by=risk_manager)


@pytest.mark.parametrize("state", ["draft", "submitted", "rejected", "suspended", "withdrawn", "retired", "changes_requested"])
def test_only_what_is_in_review_is_released_in_an_emergency(review: Any, risk_manager: Any, state: str) -> None:
    Version.objects.filter(pk=review.version_id).update(state=state)
    with pytest.raises(WrongState, match="only what is in review"):
        release_at_once(review.version, by=risk_manager)


def test_a_critical_finding_blocks_before_and_ends_it_after(make_review: Any, risk_manager: Any, officer: Any) -> None:
    version = make_review().version
    release_at_once(version, by=risk_manager)
    assert ask(version, risk_manager).allowed
    other = make_review().version
    due = clock.now().date() + timedelta(days=9)
    for one in (version, other):
        services.raise_finding(one, by=officer, title="Zeros", severity="critical", source="audit", due_on=due)
    assert not ask(version, risk_manager).allowed
    with pytest.raises(WrongState, match="Not even in an emergency"):
        release_at_once(other, by=risk_manager)
    do_what_is_due()
    assert Release.objects.get(version=version).state == "revoked"


def test_the_record_is_signed_stands_in_the_log_and_cannot_be_changed(live: Any) -> None:
    row, fact = EmergencyApproval.objects.get(), Event.objects.get(type="emergency.released")
    predicate = json.loads(base64.b64decode(row.envelope["payload"]))["predicate"]
    assert (predicate["kind"], predicate["verdict"]) == ("emergency_release", "release")
    assert WHY["reason"] not in json.dumps(predicate) and fact.pk == row.event
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_emergencyapproval SET role = 'auditor'")


def test_the_page_offers_it_and_says_it_wherever_it_is_live(review: Any, risk_manager: Any, officer: Any, client_of: Any) -> None:
    version, client = review.version, client_of(risk_manager)
    url = reverse("governance:release_in_emergency", args=[version.pk])
    assert url in client.get(version.get_absolute_url()).content.decode()
    assert "only the risk manager" in client_of(officer).get(url).content.decode()
    assert client.post(url, read(version)).status_code == 303
    for page in (version.get_absolute_url(), version.model.get_absolute_url(), reverse("governance:releases")):
        assert "emergency" in client.get(page).content.decode()


def test_the_api_releases_in_an_emergency(review: Any, risk_manager: Any, api_of: Any) -> None:
    url = reverse("api-emergency-release", args=[review.version_id])
    assert api_of(risk_manager).post(url, WHY, format="json").json()["errors"].keys() == {"seen"}
    made = api_of(risk_manager).post(url, read(review.version), format="json")
    assert made.status_code == 201 and made.json()["emergency_until"]
    assert api_of(risk_manager).post(url, read(review.version), format="json").status_code == 409


def test_a_rejection_ends_the_release_where_the_environment_only_warned(
    review: Any, risk_manager: Any, sign: Any, make_person: Any
) -> None:
    ruler = make_person("Ruler", ("risk_manager", None))
    services.change_mode(Environment.objects.get(pk="production"), mode="warn", by=ruler, **WHY)
    services.release(review.version, environment="production", by=risk_manager)
    sign(review, "validator", "reject")
    assert Release.objects.get(version=review.version).state == "revoked"


def test_what_is_shown_is_what_is_released_in_an_emergency(review: Any, risk_manager: Any, client_of: Any) -> None:
    page = client_of(risk_manager).get(reverse("governance:release_in_emergency", args=[review.version_id])).content.decode()
    assert approval_of(review.version, "production").digest in page and "As risk manager I release" in page
    with pytest.raises(WrongState, match="changed while you were reading"):
        release_at_once(review.version, by=risk_manager, seen="sha256:" + "0" * 64)
    made = release_at_once(review.version, by=risk_manager)
    signed = json.loads(base64.b64decode(EmergencyApproval.objects.get().envelope["payload"]))["predicate"]["text"]
    assert signed in html.unescape(page) and made.state == "live"


def test_an_emergency_is_signed_only_by_who_accepted_that_signatures_bind(
    review: Any, make_person: Any, team: Any, client_of: Any
) -> None:
    newcomer = make_person("Newcomer", ("risk_manager", team), accepted=False)
    with pytest.raises(InvalidInput, match="accept that it binds you"):
        release_at_once(review.version, by=newcomer)
    url = reverse("governance:release_in_emergency", args=[review.version_id])
    assert "My electronic signature here binds me" in client_of(newcomer).get(url).content.decode()
    assert client_of(newcomer).post(url, read(review.version) | {"accept": "on"}).status_code == 303


def test_whoever_released_in_an_emergency_does_not_judge_it_afterwards(
    review: Any, make_person: Any, team: Any, sign: Any, validator: Any, scientist: Any
) -> None:
    both = make_person("Both", ("risk_manager", team), ("validator", team))
    assert can_sign_off(both, review, "validator") and review in Review.objects.signable_by(both)
    release_at_once(review.version, by=both)
    review = Review.objects.with_parts().get(pk=review.pk)
    assert can_sign_off(both, review, "validator").code == "own_emergency"
    assert review not in Review.objects.signable_by(both)
    with pytest.raises(WrongState, match="once already"):
        release_at_once(review.version, by=both)
    assert sign(review, "validator", "request_changes").person == validator.pk
    services.revise_card(review.version, by=scientist, content=CARD | {"overview": "Reads digits, now darker ones too."})
    again = Review.objects.with_parts().get(version=review.version_id, state="open")
    assert can_sign_off(both, again, "validator").code == "own_emergency" and again not in Review.objects.signable_by(both)
    assert can_sign_off(validator, again, "validator")


def test_after_a_change_the_page_offers_what_stands_now(review: Any, risk_manager: Any, scientist: Any, client_of: Any) -> None:
    client, url = client_of(risk_manager), reverse("governance:release_in_emergency", args=[review.version_id])
    before = read(review.version)
    services.revise_card(review.version, by=scientist, content=CARD | {"overview": "Reads digits, now darker ones too."})
    answer = client.post(url, before)
    assert answer.status_code == 409 and "Show it as it stands now" in answer.content.decode()
    assert "Show it as it stands now" not in client.get(url).content.decode()
    assert client.post(url, read(fresh(review.version))).status_code == 303
