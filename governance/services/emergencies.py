"""Releasing before the signatures are complete, and what the clock does when that ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.services import prove
from accounts.services.proof import Proof
from core import clock
from core.errors import InvalidInput, WrongState
from core.ids import uuid7
from governance import events, lifecycle
from governance.approvals import Approval, approval_of
from governance.emergencies import emergency_of, role_in_emergency, still_blocking, text_to_sign
from governance.environments import known
from governance.models import EmergencyApproval, Release, Review
from governance.permissions.emergencies import can_release_in_emergency
from governance.services.accountability import keep_acceptance, require_acceptance
from governance.services.locking import holding_roles, locked_with_version
from governance.services.releasing import take_place
from governance.services.seeing import must_be_as_shown
from governance.signature_records import Signing, envelope_of, hidden, payload_digest
from ledger.actors import CLOCK
from ledger.acts import Act, act
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from accounts.models import Person

ENDED = "end of the emergency"
MOST_SAID = 500  # characters of the reason of a release
MEANING = "released_in_emergency"


def release_in_emergency(
    version: Version,
    *,
    by: Person,
    reason: str,
    seen: str,
    password: str,
    code: str = "",
    accept: bool = False,
    session: str = "",
) -> Release:
    """The version is live where its open review wants it, though signatures are missing: for as long as the policy lets an
    emergency last, and while that review goes on. Once for a version in an environment. `seen` and `accept` as for sign-offs."""
    if can_release_in_emergency(by, version):
        require_acceptance(by, accept=accept)  # before a code is used up
    proof = prove(by, password=password, code=code)
    with act(by, attempt="release_in_emergency", on=version) as this:
        by = holding_roles(by)
        RegisteredModel.objects.select_for_update().get(pk=version.model_id)
        review = _open_review(version)
        version = review.version
        can_release_in_emergency(by, version).enforce()
        if not reason.strip():
            raise InvalidInput(_("Say why it cannot wait: it becomes part of the record."), code="reason_missing", field="reason")
        if len(reason) > MOST_SAID:
            said = _("Say it in %(n)s characters: it stands beside the release.")
            raise InvalidInput(said % {"n": MOST_SAID}, code="reason_long", field="reason")
        keep_acceptance(by, accept=accept, within=this)
        mode = known(review.environment, locked=True).mode
        approval = approval_of(version, review.environment)
        must_be_as_shown(approval, seen)
        _must_be_possible(version, approval, review)
        given = _give(review, by, approval, reason, proof=proof, session=session, within=this)
        review.due_at = min(review.due_at or given.review_due_at, given.review_due_at)
        review.contributors = [*review.contributors, by.pk]  # whoever went ahead does not judge afterwards
        review.save(update_fields=["due_at", "contributors"])
        return take_place(
            version, review.environment, by=by, approval=approval, mode=mode, reason=reason, emergency=given, within=this
        )


def _open_review(version: Version) -> Review:
    """The review that goes on afterwards, locked behind its version."""
    latest = Review.objects.latest_of(version)
    if latest is None:
        raise WrongState(_("%(version)s was not submitted, so nobody reviews it.") % {"version": version}, code="not_submitted")
    return locked_with_version(latest)


def _must_be_possible(version: Version, approval: Approval, review: Review) -> None:
    if version.state != Version.State.IN_REVIEW or review.state != Review.State.OPEN:
        said = _("%(version)s is %(state)s: in an emergency only what is in review is released.")
        raise WrongState(said % {"version": version, "state": version.get_state_display().lower()}, code="not_in_review")
    if approval.holds:
        raise WrongState(_("Its approval holds: release it as usual."), code="approval_holds")
    if reasons := still_blocking(approval):
        said = _("Not even in an emergency: %(reasons)s")
        raise WrongState(said % {"reasons": " ".join(reasons)}, code="blocked", reasons=reasons)
    if EmergencyApproval.objects.filter(version=version, environment=review.environment).exists():
        said = _("%(version)s was released there in an emergency once already; now it needs its signatures.")
        raise WrongState(said % {"version": version}, code="emergency_used")


def _give(
    review: Review, by: Person, approval: Approval, reason: str, *, proof: Proof, session: str, within: Act
) -> EmergencyApproval:
    version, allowed = review.version, review.policy.document.emergency
    role = role_in_emergency(by, review)
    assert allowed is not None and role is not None  # noqa: S101 - the permission refused it otherwise
    key, at, name, words = uuid7(), clock.now(), hidden(by.name), hidden(reason)
    until, due = at + timedelta(days=allowed.valid_days), at + timedelta(days=allowed.review_within_days)
    envelope = envelope_of(
        Signing(
            kind="emergency_release",
            id=key,
            signer=by,
            role=role,
            verdict="release",
            meaning=MEANING,
            text=text_to_sign(review, role, approval.digest),
            at=at,
            proof=proof,
            version=version,
            review=review,
            digest=approval.digest,
            session=session,
            statement=approval.statement,
            private={"name": name, "reason": words},
            about={"until": clock.stamp(until), "review_due": clock.stamp(due)},
        )
    )
    fact = events.EmergencyReleased(
        version_id=str(version.pk),
        environment=review.environment,
        policy=review.policy.digest,
        digest=approval.digest,
        record=payload_digest(envelope),
        role=role,
        proof=list(proof.methods),
        until=clock.stamp(until),
        review_due=clock.stamp(due),
        reason=words,
        name=name,
    )
    return EmergencyApproval.objects.create(
        id=key,
        version=version,
        environment=review.environment,
        review=review,
        person=by.pk,
        role=role,
        digest=approval.digest,
        given_at=at,
        valid_until=until,
        review_due_at=due,
        event=within.record(fact, on=review),
        envelope=envelope,
    )


def revoke_ended_emergencies() -> None:
    """Nothing is live by an emergency that counts no more; called by the clock, again and again."""
    live = Release.objects.live().exclude(emergency=None).exclude(emergency__review__outcome__startswith="approved")
    for key in list(live.values_list("pk", flat=True)):
        _revoke_if_ended(key)


def _revoke_if_ended(key: UUID) -> None:
    with act(CLOCK) as this:
        found = Release.objects.get(pk=key)
        version = (
            Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=found.version_id)
        )
        release = Release.objects.live().filter(pk=key).select_for_update(of=("self",)).first()
        if release is None:  # somebody was faster
            return
        approval = approval_of(version, release.environment)
        if not approval.holds and emergency_of(version, release.environment, approval) is None:
            lifecycle.revoke(release, reason=ENDED, within=this)


def revoke_emergencies_within(version: Version, *, within: Act) -> None:
    """As the clock would, at once: the review ended without an approval."""
    for live in Release.objects.live().filter(version=version).exclude(emergency=None).select_for_update(of=("self",)):
        lifecycle.revoke(live, reason=ENDED, within=within)
