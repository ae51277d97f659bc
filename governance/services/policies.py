"""Drafting a policy, and putting it in force: two people, the second with fresh proof of who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership, Person
from accounts.services import prove
from accounts.services.proof import Proof
from core import clock
from core.canonical import sha256_of
from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.documents.checking import checked
from governance.models import Policy
from governance.permissions.policies import can_publish, can_write_policies, role_to_write
from governance.policies import fact_of
from ledger import attesting
from ledger.acts import act
from ledger.events import Private

PREDICATE = "urn:countersign:policy-publication:1"


def draft_policy(*, by: Person, body: Any) -> Policy:
    """A draft holds what `body` says; it is in force for nobody."""
    with act(by, attempt="draft_policy") as this:
        can_write_policies(by).enforce()
        content = checked(body).body()
        policy = Policy.objects.create(name=content["name"], body=content, digest=sha256_of(content), authors=[by.pk])
        this.record(events.PolicyDrafted(name=policy.name, digest=policy.digest), on=policy)
    return policy


def revise_policy(policy: Policy, *, by: Person, body: Any, seen: str = "") -> Policy:
    """The draft says what `body` says, and `by` is one of its authors. `seen` is the digest that was edited."""
    with act(by, attempt="revise_policy", on=policy) as this:
        can_write_policies(by).enforce()
        policy = _draft(policy, seen)
        content = checked(body).body()
        earlier, policy.digest = policy.digest, sha256_of(content)
        if policy.digest == earlier:
            return policy
        policy.name, policy.body, policy.changed_at = content["name"], content, clock.now()
        policy.authors = [*policy.authors, *([] if by.pk in policy.authors else [by.pk])]
        policy.save(update_fields=["name", "body", "digest", "changed_at", "authors"])
        this.record(events.PolicyDraftEdited(name=policy.name, digest=policy.digest, earlier=earlier), on=policy)
    return Policy.objects.get(pk=policy.pk)


def withdraw_policy(policy: Policy, *, by: Person) -> Policy:
    """The draft can no longer be published; what it said stays to be read."""
    with act(by, attempt="withdraw_policy", on=policy) as this:
        can_write_policies(by).enforce()
        policy = _draft(policy)
        lifecycle.withdraw_draft(policy, within=this)
    return policy


def publish_policy(policy: Policy, *, by: Person, password: str, reason: str, code: str = "", seen: str = "") -> Policy:
    """The draft is in force under the next number of its name, and a signed statement of it is kept with the row.

    Open reviews keep the policy that they were opened under. `seen` is the digest that was shown to whoever publishes.
    """
    proof = prove(by, password=password, code=code)  # stands outside the act: a failed proof is recorded by itself
    with act(by, attempt="publish_policy", on=policy) as this:
        list(Membership.objects.select_for_update().filter(person=by.pk))  # a role may have been revoked meanwhile
        by = Person.objects.get(pk=by.pk)
        # All of the name in one order: of two drafts that are published at once, each gets its own number.
        list(Policy.objects.select_for_update().filter(name=policy.name).order_by("pk").values_list("pk"))
        policy = _draft(policy, seen, name=policy.name)
        can_publish(by, policy).enforce()
        if not reason.strip():
            raise InvalidInput(_("Say why the policy changes: it becomes part of the record."), code="reason_missing")
        checked(policy.body)  # what this site can measure may have changed since it was drafted
        replaced = Policy.objects.numbered(policy.name).first()
        policy.number = replaced.number + 1 if replaced else 1
        now = clock.now()
        envelope = attesting.envelope_of(_statement(policy, replaced, by, proof))
        fact = fact_of(policy, replaced, proof=list(proof.methods), envelope=sha256_of(envelope), reason=Private(reason.strip()))
        lifecycle.publish(
            policy,
            fact,
            within=this,
            number=policy.number,
            published_at=now,
            envelope=envelope,
            authors=[*policy.authors, by.pk],
            authors_sign_from=now + timedelta(days=policy.document.separation.policy_author_days),
        )
    return Policy.objects.get(pk=policy.pk)


def _draft(policy: Policy, seen: str = "", *, name: str = "") -> Policy:
    """The draft as it stands, locked; refused where it is none any more or not what was seen."""
    found = Policy.objects.select_for_update().get(pk=policy.pk)
    if found.state != Policy.State.DRAFT:
        raise WrongState(
            _("%(policy)s is %(state)s, so it can no longer be changed. Make a new draft of it.")
            % {"policy": found, "state": found.get_state_display().lower()},
            code="no_draft",
        )
    if (seen and seen != found.digest) or (name and name != found.name):
        raise WrongState(
            _("The draft changed while you were reading it. Read it again, then decide on what stands now."),
            code="changed_meanwhile",
        )
    return found


def _statement(policy: Policy, replaced: Policy | None, by: Person, proof: Proof) -> dict[str, Any]:
    """An in-toto Statement: whoever holds the body can check by its digest that this person published exactly that."""
    covers = policy.document.covers
    predicate: dict[str, Any] = {
        "policy": {"id": str(policy.pk), "name": policy.name, "number": policy.number, "title": policy.document.title},
        "tiers": list(covers.tiers),
        "environments": list(covers.environments),
        "publishedBy": {"person": str(by.pk), "role": role_to_write(by), "proof": list(proof.methods)},
        "publishedAt": clock.stamp(clock.now()),
    }
    if replaced is not None:
        predicate["replaces"] = {"number": replaced.number, "sha256": replaced.digest.removeprefix("sha256:")}
    return attesting.statement_of(PREDICATE, predicate, [(f"{policy.name} {policy.number}", policy.digest)])
