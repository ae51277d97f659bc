"""Signing off: one person's verdict on exactly what the review pins, with proof of who they are."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.services import prove
from accounts.services.proof import Proof
from core import clock
from core.errors import InvalidInput, WrongState
from core.ids import uuid7
from governance import events, lifecycle
from governance.approvals import Approval, approval_sought
from governance.models import APPROVING, UNMET, Delegation, Review, SignOff, SignOffWithdrawal, Step
from governance.permissions import can_sign_off, can_withdraw_signature
from governance.reviewing import refresh
from governance.services.accountability import keep_acceptance, require_acceptance
from governance.services.conditions import Wanted, checked_conditions, set_conditions, waits_elsewhere
from governance.services.emergencies import revoke_emergencies_within
from governance.services.locking import holding_roles, locked_delegation, locked_with_version
from governance.services.seeing import must_be_as_shown
from governance.services.suspending import revoke_within, suspend_within
from governance.signature_records import Signing, envelope_of, hidden, offset_of, payload_digest, team_of
from governance.signed_words import meaning_of, text_of, withdrawal_text
from ledger.acts import Act, act
from models_registry import lifecycle as versions
from models_registry.models import Version

NOT_RENEWED = "outcome of its review"
OUTCOMES = {SignOff.Verdict.REQUEST_CHANGES.value: "changes_requested", SignOff.Verdict.REJECT.value: "rejected"}


def sign_off(
    review: Review,
    *,
    by: Person,
    role: str,
    verdict: str,
    password: str,
    seen: str,
    code: str = "",
    comment: str = "",
    accept: bool = False,
    conditions: Sequence[Wanted] = (),
    session: str = "",
    delegation: Delegation | None = None,
) -> SignOff:
    """`by` has proved who they are and given `verdict` on exactly what the review pins; it concludes once its policy is met.

    `seen` is the digest that was shown: when the version has changed since, nothing is signed. `session` names by digest the
    browser's session, where there is one. With `delegation` they sign on behalf of its delegator.
    """
    if can_sign_off(by, review, role, delegation):
        require_acceptance(by, accept=accept)  # before a code is used up
    proof = prove(by, password=password, code=code)  # stands outside the act: a failed proof is recorded by itself
    with act(by, attempt="sign_off", on=review) as this:
        by = holding_roles(by, *([delegation.delegator] if delegation else []))
        delegation = locked_delegation(delegation) if delegation else None
        review = locked_with_version(review, same_bytes=review.renews_id is not None and verdict not in APPROVING)
        if review.state != Review.State.OPEN:
            raise WrongState(_("This review is %(state)s.") % {"state": review.get_state_display().lower()}, code="review_closed")
        refresh(review, within=this)
        can_sign_off(by, review, role, delegation).enforce()
        keep_acceptance(by, accept=accept, within=this)
        approval = approval_sought(review)
        _must_be_signable(approval, seen, verdict, comment)
        signers = [by, delegation.delegator] if delegation else [by]
        wanted = checked_conditions(conditions, verdict=verdict, review=review, signers=signers)
        signed = _sign(
            review,
            by,
            review.steps.get(role=role),
            verdict,
            approval,
            proof=proof,
            comment=comment,
            wanted=wanted,
            session=session,
            delegation=delegation,
            within=this,
        )
        _conclude(review, verdict, within=this)
    return signed


def withdraw_signature(
    signed: SignOff, *, by: Person, password: str, code: str = "", reason: str = "", session: str = ""
) -> SignOff:
    """The signer took the signature back before its step closed: it stays on record and no longer counts."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="withdraw_signature", on=signed.review) as this:
        by = holding_roles(by)
        review = locked_with_version(signed.review)
        signed = SignOff.objects.select_related("withdrawal", "delegation__delegator").get(pk=signed.pk)
        can_withdraw_signature(by, signed).enforce()
        key, at, name, words = uuid7(), clock.now(), hidden(by.name), hidden(reason)
        envelope = envelope_of(
            Signing(
                kind="withdrawal",
                id=key,
                signer=by,
                role=signed.role,
                verdict="withdraw",
                meaning=SignOff.Meaning.WITHDRAWN,
                text=withdrawal_text(signed),
                at=at,
                proof=proof,
                version=review.version,
                review=review,
                digest=signed.digest,
                session=session,
                statement=signed.statement,
                private={"name": name, "reason": words},
                about={"signature": str(signed.pk)},
                holder=signed.delegation.delegator if signed.delegation else by,
            )
        )
        fact = events.SignOffWithdrawn(
            version_id=str(review.version_id),
            signature=str(signed.pk),
            payload=payload_digest(envelope),
            role=signed.role,
            digest=signed.digest,
            proof=list(proof.methods),
            reason=words,
            name=name,
        )
        recorded = this.record(fact, on=review)
        SignOffWithdrawal.objects.create(id=key, sign_off=signed, withdrawn_at=at, event=recorded, envelope=envelope)
    return signed


def _must_be_signable(approval: Approval, seen: str, verdict: str, comment: str) -> None:
    must_be_as_shown(approval, seen)
    open_reasons = approval.evidence_reasons
    if verdict in APPROVING and open_reasons:
        raise WrongState(
            _("It cannot be approved yet: %(reasons)s") % {"reasons": " ".join(open_reasons)},
            code="blocked",
            reasons=open_reasons,
        )
    if verdict not in APPROVING and not comment.strip():
        raise InvalidInput(_("Say in the comment what should change, or why it is rejected."), code="comment_missing")


def _sign(
    review: Review,
    by: Person,
    step: Step,
    verdict: str,
    approval: Approval,
    *,
    proof: Proof,
    comment: str,
    wanted: Sequence[Wanted],
    session: str,
    delegation: Delegation | None,
    within: Act,
) -> SignOff:
    version, key, at = review.version, uuid7(), clock.now()
    name, words = hidden(by.name), hidden(comment)
    meaning = meaning_of(step, verdict)
    holder = delegation.delegator if delegation else by
    lender = hidden(holder.name, of=holder) if delegation else None
    envelope = envelope_of(
        Signing(
            kind="sign_off",
            id=key,
            signer=by,
            role=step.role,
            verdict=verdict,
            meaning=meaning,
            text=text_of(version, review.environment, step=step, verdict=verdict, digest=approval.digest, delegation=delegation),
            at=at,
            proof=proof,
            version=version,
            review=review,
            digest=approval.digest,
            step=step.order,
            session=session,
            statement=approval.statement,
            private={"name": name, "comment": words} | ({"delegator": lender} if lender else {}),
            conditions=[one.as_signed() for one in wanted],
            holder=holder,
            delegation=delegation,
        )
    )
    fact = events.SignOffGiven(
        version_id=str(version.pk),
        signature=str(key),
        payload=payload_digest(envelope),
        role=step.role,
        step=step.order,
        verdict=verdict,
        meaning=meaning,
        digest=approval.digest,
        policy=review.policy.digest,
        proof=list(proof.methods),
        local_offset=offset_of(by, at),
        conditions=len(wanted),
        on_behalf_of=str(holder.pk) if delegation else "",
        delegation=str(delegation.pk) if delegation else "",
        comment=words,
        name=name,
        delegator=lender,
    )
    signed = SignOff.objects.create(
        id=key,
        review=review,
        person=by.pk,
        on_behalf_of=holder.pk if delegation else None,
        delegation=delegation,
        role=step.role,
        team=team_of(holder, step.role, version),
        verdict=verdict,
        meaning=meaning,
        digest=approval.digest,
        statement=approval.statement,
        proof={"methods": list(proof.methods), "at": clock.stamp(proof.at)},
        signed_at=at,
        event=within.record(fact, on=review),
        envelope=envelope,
        after=SignOff.objects.filter(review=review, person=by.pk, digest=approval.digest).count(),
    )
    set_conditions(signed, wanted, within=within)
    return signed


def _conclude(review: Review, verdict: str, *, within: Act) -> None:
    version = review.version
    approval = approval_sought(review)
    pk, digest = str(review.pk), approval.digest
    if verdict not in APPROVING and version.state in Version.APPROVED:  # looked at anew, and found wanting
        lifecycle.conclude(review, outcome=OUTCOMES[verdict], digest=digest, within=within)
        suspend_within(version, reason=NOT_RENEWED, within=within)
    elif verdict == SignOff.Verdict.REQUEST_CHANGES:
        lifecycle.conclude(review, outcome="changes_requested", digest=digest, within=within)
        versions.request_changes(version, review=pk, within=within)
        revoke_emergencies_within(version, within=within)
    elif verdict == SignOff.Verdict.REJECT:
        lifecycle.conclude(review, outcome="rejected", digest=digest, within=within)
        versions.reject(version, reason="reviewer", review=pk, within=within)
        revoke_within(version, reason="rejection", within=within)
    elif approval.holds and any(one.state in UNMET for one in approval.conditions):
        lifecycle.conclude(review, outcome="approved_with_conditions", digest=digest, within=within)
        versions.approve_with_conditions(version, review=pk, digest=digest, within=within)
    elif approval.holds:
        lifecycle.conclude(review, outcome="approved", digest=digest, within=within)
        approve = versions.approve_with_conditions if waits_elsewhere(version, review.environment) else versions.approve
        approve(version, review=pk, digest=digest, within=within)
