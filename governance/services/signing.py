"""Signing off: one person's verdict on exactly what the review pins, with proof of who they are."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Membership, Person
from accounts.services import prove
from core import clock
from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.approvals import approval_of
from governance.models import Review, SignOff
from governance.permissions import can_sign_off
from governance.reviewing import refresh
from ledger.acts import Act, act
from ledger.events import Private
from models_registry import lifecycle as versions
from models_registry.models import Version

MEANINGS = {SignOff.Verdict.REQUEST_CHANGES: SignOff.Meaning.CHANGES_REQUESTED, SignOff.Verdict.REJECT: SignOff.Meaning.REJECTED}


def sign_off(
    review: Review,
    *,
    by: Person,
    role: str,
    verdict: str,
    password: str,
    code: str = "",
    comment: str = "",
    seen: str = "",
) -> SignOff:
    """`by` has proved who they are and given `verdict` on exactly what the review pins; it concludes once its policy is met.

    `seen` is the digest that was shown: when the version has changed since, nothing is signed.
    """
    proof = prove(by, password=password, code=code)  # stands outside the act: a failed proof is recorded by itself
    with act(by, attempt="sign_off", on=review) as this:
        by = _holding_roles(by)
        version = (  # before the review, as everybody does: of two who wait for one another, none would be served
            Version.objects.select_for_update(of=("self",))
            .select_related("model__team", "training_run")
            .get(pk=review.version_id)
        )
        review = Review.objects.locked().select_related("policy").get(pk=review.pk)
        review.version = version
        if review.state != Review.State.OPEN:
            raise WrongState(_("This review is %(state)s.") % {"state": review.get_state_display().lower()}, code="review_closed")
        refresh(review, within=this)
        can_sign_off(by, review, role).enforce()
        approval = approval_of(version, review.environment)
        _must_be_signable(approval.digest, seen, verdict, comment, approval.evidence_reasons)
        step = review.steps.get(role=role)
        meaning = MEANINGS.get(SignOff.Verdict(verdict), step.meaning)
        fact = events.SignOffGiven(
            version_id=str(version.pk),
            role=role,
            verdict=verdict,
            meaning=meaning,
            digest=approval.digest,
            policy=review.policy.digest,
            proof=list(proof.methods),
            comment=Private(comment),
            name=Private(by.name),
        )
        recorded = this.record(fact, on=review)
        signed = SignOff.objects.create(
            review=review,
            person=by.pk,
            role=role,
            verdict=verdict,
            meaning=meaning,
            digest=approval.digest,
            statement=approval.statement,
            proof={"methods": list(proof.methods), "at": clock.stamp(proof.at)},
            signed_at=clock.now(),
            event=recorded,
        )
        _conclude(review, verdict, within=this)
    return signed


def _holding_roles(by: Person) -> Person:
    """The signer with the roles that they hold at this moment, which stay theirs until the act ends: the request read them
    before the password was weighed, and a role may have been revoked meanwhile."""
    list(Membership.objects.select_for_update().filter(person=by.pk))
    return Person.objects.get(pk=by.pk)


def _must_be_signable(digest: str, seen: str, verdict: str, comment: str, open_reasons: list[str]) -> None:
    if seen and seen != digest:
        raise WrongState(
            _("The version changed while you were reading it. Read it again, then sign what stands now."),
            code="changed_meanwhile",
        )
    if verdict == SignOff.Verdict.APPROVE and open_reasons:
        raise WrongState(
            _("It cannot be approved yet: %(reasons)s") % {"reasons": " ".join(open_reasons)},
            code="blocked",
            reasons=open_reasons,
        )
    if verdict != SignOff.Verdict.APPROVE and not comment.strip():
        raise InvalidInput(_("Say in the comment what should change, or why it is rejected."), code="comment_missing")


def _conclude(review: Review, verdict: str, *, within: Act) -> None:
    version = review.version
    approval = approval_of(version, review.environment)
    if verdict == SignOff.Verdict.REQUEST_CHANGES:
        lifecycle.conclude(review, outcome="changes_requested", digest=approval.digest, within=within)
        versions.request_changes(version, review=str(review.pk), within=within)
    elif verdict == SignOff.Verdict.REJECT:
        lifecycle.conclude(review, outcome="rejected", digest=approval.digest, within=within)
        versions.reject(version, reason="reviewer", review=str(review.pk), within=within)
    elif approval.holds:
        lifecycle.conclude(review, outcome="approved", digest=approval.digest, within=within)
        versions.approve(version, review=str(review.pk), digest=approval.digest, within=within)
