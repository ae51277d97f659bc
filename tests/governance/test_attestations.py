"""What the gate certifies: signed, kept, re-used, and taken back in the act that ends what it rested on."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from core import clock
from core.errors import InvalidInput
from governance import attestations, gate, services
from governance.approvals import approval_of
from governance.models import Attestation
from ledger.actors import CLOCK
from ledger.attesting import PAYLOAD_TYPE, public_key_pem, signing_input
from ledger.models import Event
from models_registry.models import Version

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    return version


def ask(version: Any, person: Any, environment: str = "production") -> Any:
    return gate.answer(version.checkpoint_digest, environment, asked_by=person)


def statement_in(attestation: Any) -> dict[str, Any]:
    """What it states, once its signature was checked."""
    payload = base64.b64decode(attestation.envelope["payload"])
    signature = base64.b64decode(attestation.envelope["signatures"][0]["sig"])
    key = load_pem_public_key(public_key_pem().encode())
    assert isinstance(key, Ed25519PublicKey)
    key.verify(signature, signing_input(PAYLOAD_TYPE, payload))
    return json.loads(payload)


def attested(version: Any) -> list[str]:
    return list(Attestation.objects.filter(version=version).order_by("number").values_list("result", flat=True))


def test_an_allowed_answer_carries_a_signed_summary_of_what_was_judged(live: Any, risk_manager: Any) -> None:
    given = ask(live, risk_manager)
    statement = statement_in(given.attestation)
    predicate, site = statement["predicate"], settings.SITE_URL
    approval = approval_of(live, "production")
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert statement["subject"] == [
        {"name": "model.safetensors", "digest": {"sha256": live.checkpoint_digest.removeprefix("sha256:")}}
    ]
    assert predicate["verifier"]["id"] == f"{site}/gate/v1"
    assert predicate["resourceUri"] == site + live.get_absolute_url()
    assert (predicate["verificationResult"], predicate["slsaVersion"]) == ("PASSED", "1.2")
    assert predicate["verifiedLevels"] == ["COUNTERSIGN_APPROVED_HIGH"]
    assert predicate["policy"]["digest"] == {"sha256": approval.policy.digest.removeprefix("sha256:")}
    assert predicate[f"{site}/ns/environment"] == "production"
    assert [one["role"] for one in predicate[f"{site}/ns/signatures"]] == ["validator", "compliance_officer"]
    inputs = {one["digest"]["sha256"] for one in predicate["inputAttestations"]}
    assert approval.digest.removeprefix("sha256:") in inputs
    assert {run.results_digest.removeprefix("sha256:") for run, _verdict in approval.verdicts} <= inputs
    assert len(predicate["inputAttestations"]) == 1 + 2 + len(approval.verdicts)


def test_an_attestation_names_no_person(live: Any, risk_manager: Any, validator: Any) -> None:
    said = json.dumps(statement_in(ask(live, risk_manager).attestation))
    for word in (validator.name, validator.email, str(validator.pk), str(risk_manager.pk)):
        assert word not in said


def test_an_answer_that_is_not_allowed_carries_none(make_approved: Any, risk_manager: Any) -> None:
    version = make_approved()
    given = ask(version, risk_manager)
    assert (given.allowed, given.attestation, attested(version)) == (False, None, [])


def test_it_is_given_again_until_half_of_its_life_is_over(live: Any, risk_manager: Any, story: Any) -> None:
    first = ask(live, risk_manager).attestation
    life = timedelta(seconds=settings.ATTESTATION_SECONDS)
    assert first.expires_at - first.made_at == life
    before = len(story())
    with clock.frozen(first.made_at + life / 2 - timedelta(seconds=1)):
        assert ask(live, risk_manager).attestation == first
    assert story()[before:] == []
    with clock.frozen(first.made_at + life / 2):
        assert ask(live, risk_manager).attestation != first
    assert story()[before:] == ["gate.attested"]
    assert Event.objects.filter(type="gate.attested").latest("at").data["replaces"] == first.digest


def test_it_never_outlives_the_approval(live: Any, risk_manager: Any) -> None:
    end = attestations.holds_until(approval_of(live, "production"))
    assert end is not None
    with clock.frozen(end - timedelta(minutes=5)):
        given = ask(live, risk_manager).attestation
    assert (given.expires_at, given.holds_until) == (end, end)


def test_the_database_refuses_to_change_an_attestation(live: Any, risk_manager: Any) -> None:
    ask(live, risk_manager)
    for statement in ("UPDATE governance_attestation SET result = 'FAILED'", "DELETE FROM governance_attestation"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# -- taken back ----------------------------------------------------------------------------------------------------------


def test_a_suspension_takes_it_back_in_the_same_act(live: Any, risk_manager: Any, story: Any) -> None:
    ask(live, risk_manager)
    before = len(story())
    services.suspend(Version.objects.get(pk=live.pk), reason="drift", by=CLOCK)
    assert story()[before:] == ["version.suspended", "release.revoked", "gate.attested"]
    last = Attestation.objects.latest_of(live.pk, "production")
    assert last is not None
    predicate = statement_in(last)["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert predicate[f"{settings.SITE_URL}/ns/reasons"]
    assert attested(live) == ["PASSED", "FAILED"]


def test_the_end_of_a_release_takes_it_back(live: Any, make_approved: Any, risk_manager: Any) -> None:
    ask(live, risk_manager)
    later = make_approved()
    services.release(later, environment="production", by=risk_manager)
    ask(later, risk_manager)
    services.roll_back(later.model, environment="production", by=risk_manager, reason="Slower.")
    assert (attested(live), attested(later)) == (["PASSED", "FAILED"], ["PASSED", "FAILED"])
    assert ask(live, risk_manager).allowed
    assert attested(live) == ["PASSED", "FAILED", "PASSED"]


def test_what_was_never_certified_needs_no_taking_back(live: Any) -> None:
    services.suspend(Version.objects.get(pk=live.pk), reason="drift", by=CLOCK)
    assert attested(live) == []


def test_an_approval_that_ran_out_is_taken_back_by_the_clock_once(live: Any, risk_manager: Any) -> None:
    held = ask(live, risk_manager).attestation
    with clock.frozen(held.holds_until + timedelta(seconds=1)):
        attestations.take_back_what_ran_out()
        attestations.take_back_what_ran_out()
    assert attested(live) == ["PASSED", "FAILED"]


def test_what_became_stale_is_taken_back_by_the_clock(live: Any, risk_manager: Any) -> None:
    ask(live, risk_manager)
    attestations.take_back_what_ran_out()
    assert attested(live) == ["PASSED"]
    Version.objects.filter(pk=live.pk).update(reading={"features": ["other"]})  # part of what was signed
    attestations.take_back_what_ran_out()
    assert attested(live) == ["PASSED", "FAILED"]


def test_a_question_takes_back_what_no_longer_holds(live: Any, risk_manager: Any) -> None:
    ask(live, risk_manager)
    Version.objects.filter(pk=live.pk).update(reading={"features": ["other"]})
    assert not ask(live, risk_manager).allowed
    assert attested(live) == ["PASSED", "FAILED"]


def test_a_suspension_since_the_question_was_read_is_followed_by_no_passed(
    live: Any, risk_manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = attestations.usable

    def suspended_meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(attestations, "usable", usable)
        services.suspend(Version.objects.get(pk=live.pk), reason="drift", by=CLOCK)
        return usable(*given)

    monkeypatch.setattr(attestations, "usable", suspended_meanwhile)
    given = ask(live, risk_manager)
    assert (given.allowed, given.attestation, attested(live)) == (False, None, [])


# -- the status ----------------------------------------------------------------------------------------------------------


def test_the_status_is_the_latest_and_says_whether_it_allows(live: Any, risk_manager: Any, api_of: Any) -> None:
    address = f"/api/v1/gate/status/{live.checkpoint_digest}/"
    api = api_of(risk_manager)
    assert api.get(address).status_code == 404
    held = ask(live, risk_manager).attestation
    said = api.get(address, {"environment": "production"}).json()
    assert (said["result"], said["current"], said["attestation"]) == ("PASSED", True, held.envelope)
    with clock.frozen(held.expires_at):
        assert not held.is_current
    services.suspend(Version.objects.get(pk=live.pk), reason="drift", by=CLOCK)
    said = api.get(address).json()
    assert (said["result"], said["current"], said["expires_at"]) == ("FAILED", False, None)


def test_the_status_is_nobodys_who_does_not_see_the_version(live: Any, risk_manager: Any, stranger: Any) -> None:
    ask(live, risk_manager)
    assert gate.status(live.checkpoint_digest, "production", asked_by=stranger) is None


def test_of_bytes_of_several_models_the_status_asks_which_is_meant(
    live: Any, make_model: Any, make_approved: Any, risk_manager: Any
) -> None:
    content = f"weights of {live.pk}".encode()
    twin = make_approved(model=make_model("twin"), content=content)
    services.release(twin, environment="production", by=risk_manager)
    for one in (live, twin):
        gate.answer(one.checkpoint_digest, "production", asked_by=risk_manager, model=one.model_id)
    with pytest.raises(InvalidInput, match="Name with `model`"):
        gate.status(live.checkpoint_digest, "production", asked_by=risk_manager)
    found = gate.status(live.checkpoint_digest, "production", asked_by=risk_manager, model=twin.model_id)
    assert found is not None
    assert found.version_id == twin.pk
