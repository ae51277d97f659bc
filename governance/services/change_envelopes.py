"""Drafting a change envelope, signing it by the steps of the policy, and ending it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Membership, Person, Role
from accounts.services import prove
from accounts.services.proof import Proof
from core import clock
from core.canonical import sha256_of
from core.errors import InvalidInput, WrongState
from core.ids import uuid7
from governance import events, lifecycle
from governance.approvals import approval_of
from governance.change_envelopes.body import body_of, checked_limits, gaps_of
from governance.change_envelopes.words import text_of
from governance.environments import known
from governance.models import ChangeEnvelope, EnvelopeSignature, EnvelopeStep
from governance.permissions import contributors
from governance.permissions.change_envelopes import (
    can_draft_envelope,
    can_revoke_envelope,
    can_sign_envelope,
    can_withdraw_envelope,
    revoking_role,
)
from governance.policies import in_force
from governance.reviewing import steps_of
from governance.services.accountability import keep_acceptance, require_acceptance
from governance.services.locking import holding_roles
from governance.services.reasons import must_say_why
from governance.signature_records import committed, hidden, payload_digest
from ledger import attesting
from ledger.actors import CLOCK
from ledger.acts import act
from models_registry.models import RegisteredModel, Version

PREDICATE_TYPE = "urn:countersign:change-envelope-signature:v1"


def draft_envelope(
    baseline: Version,
    *,
    by: Person,
    environment: str,
    metric: str,
    margin: float,
    churn: float,
    releases: int,
    days: int,
    expires_at: datetime,
) -> ChangeEnvelope:
    """Limits are proposed for the baseline's model; they allow nothing before every step of the policy is signed."""
    with act(by, attempt="draft_change_envelope", on=baseline) as this:
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=baseline.model_id)
        baseline = (
            Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=baseline.pk)
        )
        can_draft_envelope(by, model).enforce()
        known(environment)
        limits = checked_limits(
            task=model.task, metric=metric, margin=margin, churn=churn, releases=releases, days=days, expires_at=expires_at
        )
        policy = in_force(model.risk_tier, environment)
        approval = _must_be_approved(baseline, environment)
        body = body_of(baseline, environment, policy, limits, approval=approval)
        last = ChangeEnvelope.objects.filter(model=model).order_by("-number").first()
        envelope = ChangeEnvelope.objects.create(
            model=model,
            number=last.number + 1 if last else 1,
            environment=environment,
            baseline=baseline,
            policy=policy,
            body=body,
            digest=sha256_of(body),
            barred=sorted({by.pk} | {UUID(one) for one in contributors(baseline)}),
            drafted_by=by,
            drafted_at=this.at,
            expires_at=expires_at,
        )
        EnvelopeStep.objects.bulk_create(EnvelopeStep(envelope=envelope, **step) for step in steps_of(baseline, policy))
        fact = events.ChangeEnvelopeDrafted(
            model_id=str(model.pk),
            environment=environment,
            baseline=str(baseline.pk),
            policy=policy.digest,
            digest=envelope.digest,
            expires=limits["expires_at"],
        )
        this.record(fact, on=envelope)
    return envelope


def _must_be_approved(baseline: Version, environment: str) -> str:
    """The digest of what the baseline's signatures stand for. Only what people approved themselves, without an open condition,
    and what is live is a baseline: otherwise one standing approval could rest on another."""
    found = approval_of(baseline, environment)
    if not found.holds or found.standing is not None or baseline.state != Version.State.APPROVED:
        why = " ".join(found.reasons) or _("People must have signed it themselves, without conditions that are still open.")
        said = _("%(version)s is no baseline: %(why)s")
        raise WrongState(said % {"version": baseline, "why": why}, code="baseline_not_approved")
    live = Version.objects.filter(releases__state="live", releases__environment=environment, pk=baseline.pk)
    if not live.exists():
        said = _("%(version)s is no baseline: it is not live there. Release it first.")
        raise WrongState(said % {"version": baseline}, code="baseline_not_live")
    if gaps := gaps_of(baseline):
        said = _("%(version)s is no baseline: %(gaps)s")
        raise WrongState(said % {"version": baseline, "gaps": " ".join(gaps)}, code="baseline_incomplete", gaps=gaps)
    return found.digest


def sign_envelope(
    envelope: ChangeEnvelope, *, by: Person, role: str, seen: str, password: str, code: str = "", accept: bool = False
) -> EnvelopeSignature:
    """`by` has proved who they are and signed exactly this body; with the last signature it is in force."""
    if can_sign_envelope(by, envelope, role):
        require_acceptance(by, accept=accept)  # before a code is used up
    proof = prove(by, password=password, code=code)
    with act(by, attempt="sign_change_envelope", on=envelope) as this:
        by = holding_roles(by)
        envelope = _locked(envelope)
        _must_be(envelope, ChangeEnvelope.State.PROPOSED)
        if envelope.has_run_out:
            raise WrongState(_("The date on which it expires has passed. Draft another one."), code="expired")
        can_sign_envelope(by, envelope, role).enforce()
        keep_acceptance(by, accept=accept, within=this)
        if seen != envelope.digest:
            raise InvalidInput(
                _("Say with “seen” which digest you read: what is shown is what is signed."), code="seen", field="seen"
            )
        _must_be_approved(envelope.baseline, envelope.environment)
        signed = _sign(envelope, envelope.steps.get(role=role), by=by, proof=proof, within=this)
        if not EnvelopeStep.objects.waiting().filter(envelope=envelope).exists():
            _activate(envelope, within=this)
    return signed


def _sign(envelope: ChangeEnvelope, step: EnvelopeStep, *, by: Person, proof: Proof, within: Any) -> EnvelopeSignature:
    key, name = uuid7(), hidden(by.name)
    there = Membership.objects.filter(person=by, role=step.role, team=envelope.model.team_id).exists()
    predicate = {
        "signature": str(key),
        "signer": str(by.pk),
        "name": committed("name", name),
        "role": step.role,
        "step": step.order,
        "meaning": step.meaning,
        "text": text_of(envelope, step),
        "signed_at": clock.stamp(within.at),
        "proof": {"methods": list(proof.methods), "at": clock.stamp(proof.at)},
        "envelope": envelope.body,
    }
    record = attesting.envelope_of(attesting.statement_of(PREDICATE_TYPE, predicate, [(str(envelope), envelope.digest)]))
    fact = events.ChangeEnvelopeSigned(
        signature=str(key),
        record=payload_digest(record),
        role=step.role,
        step=step.order,
        meaning=step.meaning,
        digest=envelope.digest,
        proof=list(proof.methods),
        name=name,
    )
    return EnvelopeSignature.objects.create(
        id=key,
        envelope=envelope,
        person=by.pk,
        role=step.role,
        team=envelope.model.team_id if there else None,
        meaning=step.meaning,
        digest=envelope.digest,
        proof={"methods": list(proof.methods), "at": clock.stamp(proof.at)},
        signed_at=within.at,
        event=within.record(fact, on=envelope),
        record=record,
    )


def _activate(envelope: ChangeEnvelope, *, within: Any) -> None:
    other = ChangeEnvelope.objects.filter(
        model=envelope.model_id, environment=envelope.environment, state=ChangeEnvelope.State.ACTIVE
    ).first()
    if other is not None:
        said = _("%(other)s is in force there. Revoke it first: one counts at a time.")
        raise WrongState(said % {"other": other}, code="another_in_force")
    lifecycle.activate_envelope(envelope, within=within)


def withdraw_envelope(envelope: ChangeEnvelope, *, by: Person, reason: str) -> ChangeEnvelope:
    """The draft is taken back; nobody signs it any more."""
    with act(by, attempt="withdraw_change_envelope", on=envelope) as this:
        envelope = _locked(envelope)
        can_withdraw_envelope(by, envelope).enforce()
        _must_be(envelope, ChangeEnvelope.State.PROPOSED)
        must_say_why(reason)
        lifecycle.withdraw_envelope(envelope, reason=reason, within=this)
    return envelope


def revoke_envelope(envelope: ChangeEnvelope, *, by: Person, reason: str, password: str, code: str = "") -> ChangeEnvelope:
    """Nothing more is released under the envelope; what was released under it stays until somebody suspends it."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="revoke_change_envelope", on=envelope) as this:
        by = holding_roles(by)
        envelope = _locked(envelope)
        can_revoke_envelope(by, envelope).enforce()
        _must_be(envelope, ChangeEnvelope.State.ACTIVE)
        must_say_why(reason)
        role = Role(revoking_role(by, envelope)).value
        lifecycle.revoke_envelope(envelope, role=role, proof=list(proof.methods), reason=reason, within=this)
    return envelope


def expire_envelopes() -> None:
    """Envelopes whose date has passed are expired, drafts too."""
    state = ChangeEnvelope.State
    due = ChangeEnvelope.objects.filter(state__in=[state.PROPOSED, state.ACTIVE], expires_at__lte=clock.now())
    for key in due.order_by("pk").values_list("pk", flat=True):
        with act(CLOCK) as this:
            envelope = ChangeEnvelope.objects.select_for_update().get(pk=key)
            if envelope.state in {state.PROPOSED, state.ACTIVE}:
                lifecycle.expire_envelope(envelope, within=this)


def _locked(envelope: ChangeEnvelope) -> ChangeEnvelope:
    """The envelope, locked behind its model's row: a decision by it holds both until it is made."""
    RegisteredModel.objects.select_for_update(of=("self",)).get(pk=envelope.model_id)
    return ChangeEnvelope.objects.with_parts().select_for_update(of=("self",)).get(pk=envelope.pk)


def _must_be(envelope: ChangeEnvelope, state: str) -> None:
    if envelope.state != state:
        raise WrongState(_("This change envelope is %(state)s.") % {"state": envelope.get_state_display().lower()}, code="state")
