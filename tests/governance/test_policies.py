"""Policies as versioned, signed documents: two people make one, and for a while neither of them signs under it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import IntegrityError, transaction

from accounts.services.proof import ProofFailed
from core import clock
from core.canonical import sha256_of
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import policies, services
from governance.documents.as_yaml import loaded, written
from governance.models import Policy, Review
from governance.permissions import can_sign_off
from ledger import attesting
from ledger.actors import INSTALLER
from ledger.models import Event
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(make_person: Callable[..., Any]) -> Any:
    return make_person("Wanda Writer", ("compliance_officer", None))


@pytest.fixture
def publisher(make_person: Callable[..., Any]) -> Any:
    return make_person("Piet Publisher", ("risk_manager", None))


@pytest.fixture
def draft(writer: Any) -> Policy:
    return services.draft_policy(by=writer, body=policies.starting_body("high") | {"valid_days": 90})


def publish(draft: Policy, by: Any, **more: Any) -> Policy:
    return services.publish_policy(draft, by=by, **{"password": PASSWORD, "reason": "Shorter validity."} | more)


def test_two_people_make_a_policy_and_the_publication_is_a_signed_statement(
    story: Any, draft: Policy, writer: Any, publisher: Any
) -> None:
    before = policies.in_force("high")
    published = publish(draft, publisher)
    assert (published.state, published.number, published.name) == ("published", before.number + 1, "high-risk")
    assert policies.in_force("high") == published and published.authors == [writer.pk, publisher.pk]
    assert story()[-2:] == ["policy.drafted", "policy.published"]
    fact = Event.objects.filter(type="policy.published").latest("pk")
    assert (fact.data["digest"], fact.data["replaces"], fact.data["installed"]) == (published.digest, before.digest, False)
    assert fact.data["envelope"] == sha256_of(published.envelope) and "Shorter" not in bytes(fact.body).decode()
    payload = base64.b64decode(published.envelope["payload"])
    statement = json.loads(payload)
    assert statement["subject"] == [{"name": "high-risk 2", "digest": {"sha256": sha256_of(published.body)[7:]}}]
    assert statement["predicate"]["publishedBy"]["person"] == str(publisher.pk)
    key: Any = load_pem_public_key(attesting.public_key_pem().encode())
    signature = base64.b64decode(published.envelope["signatures"][0]["sig"])
    key.verify(signature, attesting.signing_input(attesting.PAYLOAD_TYPE, payload))


def test_what_came_with_the_software_is_marked_as_installed() -> None:
    assert all(event.data["installed"] for event in Event.objects.filter(type="policy.published"))
    assert policies.in_force("high").envelope is None


def test_whoever_drafted_or_edited_it_does_not_publish_it(draft: Policy, writer: Any, publisher: Any) -> None:
    with pytest.raises(NotAllowed, match="someone else must publish"):
        publish(draft, writer)
    services.revise_policy(draft, by=publisher, body=draft.body | {"title": "Other"})
    with pytest.raises(NotAllowed, match="someone else must publish"):
        publish(draft, publisher)
    assert Policy.objects.get(pk=draft.pk).state == "draft"


@pytest.mark.parametrize("role", ["validator", "data_protection_officer", "auditor", "administrator", "data_scientist"])
def test_only_officers_and_risk_managers_of_the_whole_site_write_policies(make_person: Any, draft: Policy, role: str) -> None:
    other = make_person("Other", (role, None))
    for deed in (
        lambda: services.draft_policy(by=other, body=draft.body),
        lambda: services.revise_policy(draft, by=other, body=draft.body),
        lambda: services.withdraw_policy(draft, by=other),
        lambda: publish(draft, other),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_a_role_in_one_team_writes_no_policy_for_all(officer: Any, draft: Policy) -> None:
    with pytest.raises(NotAllowed, match="of the whole site"):
        publish(draft, officer)


def test_publishing_asks_for_proof_and_for_a_reason(draft: Policy, publisher: Any) -> None:
    with pytest.raises(ProofFailed):
        publish(draft, publisher, password="not it")
    with pytest.raises(InvalidInput, match="why the policy changes"):
        publish(draft, publisher, reason="  ")
    assert Policy.objects.get(pk=draft.pk).state == "draft"


def test_what_was_not_seen_is_not_published_nor_edited(draft: Policy, writer: Any, publisher: Any) -> None:
    services.revise_policy(draft, by=writer, body=draft.body | {"valid_days": 60}, seen=draft.digest)
    with pytest.raises(WrongState, match="changed while"):
        publish(draft, publisher, seen=draft.digest)
    with pytest.raises(WrongState, match="changed while"):
        services.revise_policy(draft, by=writer, body=draft.body, seen=draft.digest)


def test_a_published_policy_is_not_edited_and_a_withdrawn_draft_stays_to_be_read(
    draft: Policy, writer: Any, publisher: Any, story: Any
) -> None:
    services.withdraw_policy(draft, by=writer)
    assert Policy.objects.get(pk=draft.pk).state == "withdrawn" and story()[-1] == "policy.draft_withdrawn"
    for deed in (
        lambda: publish(draft, publisher),
        lambda: services.revise_policy(draft, by=writer, body=draft.body),
        lambda: services.withdraw_policy(policies.in_force("low"), by=writer),
    ):
        with pytest.raises(WrongState, match="can no longer be changed"):
            deed()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Policy.objects.filter(state="published").update(authors=[])


def test_who_wrote_or_published_the_policy_lately_signs_nothing_under_it(
    make_review: Any, writer: Any, publisher: Any, officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = policies.starting_body("high")
    alone = [body["steps"][0] | {"role": "compliance_officer", "meaning": "approved"}]
    published = publish(services.draft_policy(by=writer, body=body | {"steps": alone}), publisher)
    review = make_review()
    assert review.policy == published
    decision = can_sign_off(writer, review, "compliance_officer")
    assert (decision.allowed, decision.reason) == (
        False,
        "You wrote or published the policy, so for 30 days someone else must sign under it.",
    )
    assert review not in Review.objects.signable_by(writer) and review in Review.objects.signable_by(officer)
    assert can_sign_off(publisher, review, "compliance_officer").code == "policy_author"
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr("core.clock.now", lambda: later)
    assert can_sign_off(writer, review, "compliance_officer") and review in Review.objects.signable_by(writer)


def test_of_two_policies_for_one_pair_the_one_published_last_is_in_force() -> None:
    body = policies.starting_body("high")
    only_staging = body | {"name": "labs", "covers": {"tiers": ["medium", "high"], "environments": ["staging"]}}
    labs = policies.publish(by=INSTALLER, body=only_staging)
    assert policies.in_force("high", "staging") == labs == policies.in_force("medium", "staging")
    assert policies.in_force("high", "production").name == "high-risk"
    again = policies.publish(by=INSTALLER, body=body)
    assert policies.in_force("high", "staging") == again


def test_where_no_policy_covers_a_pair_nothing_is_submitted(
    make_draft: Any, scientist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_draft()
    monkeypatch.setattr(type(Policy.objects.all()), "covering", lambda self, *_pair: self.none())
    with pytest.raises(InvalidInput, match="covers models of high risk in production"):
        services.submit(version, by=scientist)


def test_yaml_says_the_same_as_the_document(draft: Policy) -> None:
    assert loaded(written(draft.document)) == draft.body


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x [1]\nb: *x", "repeats nothing"),
        ("a: 1\na: 2", "stands twice"),
        ("[" * 40 + "]" * 40, "nested so deeply"),
        ("x" * 300_000, "at most 256 kilobytes"),
        ("a: [", "no YAML"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("{[1]: 2}", "no YAML"),
        ("a: 2026-99-99", "no YAML"),
        ("\x00", "no YAML"),
    ],
)
def test_hostile_yaml_gets_a_sentence(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        loaded(text)


def test_the_api_drafts_revises_publishes_and_answers_in_both_forms(
    api_of: Any, client_of: Any, writer: Any, publisher: Any, stranger: Any
) -> None:
    mine = api_of(writer, "read", "govern")
    made = mine.post("/api/v1/policies/", {"yaml": written(policies.in_force("low").document)}, format="json")
    assert made.status_code == 201 and made.json()["state"] == "draft"
    address = f"/api/v1/policies/{made.json()['id']}/"
    changed = mine.put(
        address, {"document": made.json()["document"] | {"review_days": 3}, "seen": made.json()["digest"]}, format="json"
    )
    assert changed.status_code == 200 and changed.json()["document"]["review_days"] == 3
    assert b"review_days: 3\n" in mine.get(address + "yaml/").content
    assert mine.get(address + "envelope/").status_code == 404
    assert api_of(stranger, "read").get(address).status_code == 404
    for wrong in ({}, {"yaml": "a", "document": {}}, {"yaml": "[]"}, {"document": 3}, {"document": {"format": 2}}):
        refused = mine.post("/api/v1/policies/", wrong, format="json")
        assert refused.status_code == 422, wrong
    theirs = api_of(publisher, "read", "govern")
    done = theirs.post(address + "publication/", {"password": PASSWORD, "reason": "Quicker."}, format="json")
    assert done.status_code == 200 and done.json()["number"] == 2
    assert theirs.get(address + "envelope/").json()["payloadType"] == "application/vnd.in-toto+json"
    assert api_of(stranger, "read").get(address).json()["number"] == 2
