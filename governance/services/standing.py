"""Stopping an approved version, looking at it again, and ending its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.services import prove
from core.errors import WrongState
from governance import events, lifecycle
from governance.environments import known
from governance.models import Release, Review
from governance.modes import STOPPED_WHILE_LIVE
from governance.permissions import can_retire, can_submit, can_suspend
from governance.policies import in_force
from governance.reviewing import ask_for_runs, open_review
from governance.services.reasons import must_say_why
from governance.services.suspending import suspend_within
from ledger.acts import Act, act
from ledger.events import Private
from models_registry import lifecycle as versions
from models_registry.models import Version

if TYPE_CHECKING:
    from accounts.models import Person


def order_suspension(version: Version, *, by: Person, reason: str, password: str, code: str = "") -> Version:
    """The approval is taken back and no release of the version is live any more; it returns only through a new review."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="suspend", on=version) as this:
        version = _locked(version)
        can_suspend(by, version).enforce()
        must_say_why(reason)
        if version.state not in Version.APPROVED and not _is_live_without(version):
            raise WrongState(
                _("%(version)s is %(state)s: only what is approved or live can be suspended.") % _words(version),
                code="not_approved",
            )
        suspend_within(version, reason="order of a person", within=this)
        if review := Review.objects.open().locked().filter(version=version).first():
            lifecycle.conclude(review, outcome="suspended", digest=review.digest, within=this)
        this.record(events.SuspensionOrdered(reason=Private(reason), proof=list(proof.methods)), on=version)
    return version


def ask_for_new_review(version: Version, *, by: Person, environment: str) -> Review:
    """A decided version is in review again for the environment, under the policy in force now: the way back after a suspension,
    and the way to a further environment."""
    with act(by, attempt="new_review", on=version) as this:
        version = _locked(version)
        can_submit(by, version).enforce()
        environment = known(environment).slug
        if version.state not in {*Version.APPROVED, Version.State.SUSPENDED}:
            raise WrongState(
                _("%(version)s is %(state)s: only what was approved or suspended is reviewed again.") % _words(version),
                code="not_decided",
            )
        if Review.objects.open().filter(version=version).exists():
            raise WrongState(
                _("%(version)s is under review already: decide that review first.") % {"version": version}, code="under_review"
            )
        return reopen_within(version, environment=environment, by=by, within=this)


def reopen_within(version: Version, *, environment: str, by: Person, within: Act) -> Review:
    """As `ask_for_new_review`, inside the act that gives the reason. After a suspension no earlier approval comes back, in no
    environment: each needs its own new review."""
    if version.state == Version.State.SUSPENDED:
        for earlier in Review.objects.approving().locked().filter(version=version):
            lifecycle.run_out(earlier, events.ReviewExpired(), within=within)
    versions.reopen(version, within=within)
    policy = in_force(version.model.risk_tier, environment)
    review = open_review(version, policy=policy, environment=environment, by=by, within=within)
    ask_for_runs(version, policy, within=within)
    return review


def retire(version: Version, *, by: Person, reason: str) -> Version:
    """The version is never released again; refused while it is live anywhere."""
    with act(by, attempt="retire", on=version) as this:
        version = _locked(version)
        can_retire(by, version).enforce()
        must_say_why(reason)
        if Release.objects.live().filter(version=version).exists():
            raise WrongState(
                _("%(version)s is live: release another version or roll back first.") % {"version": version}, code="still_live"
            )
        versions.retire(version, reason=reason, within=this)
        for review in Review.objects.beside_approvals().locked().filter(version=version):
            lifecycle.withdraw(review, within=this)
    return version


def _is_live_without(version: Version) -> bool:
    """Whether it is live although nobody has approved it: where an environment only warns or records, or in an emergency."""
    return version.state in STOPPED_WHILE_LIVE and Release.objects.live().filter(version=version).exists()


def _locked(version: Version) -> Version:
    return Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=version.pk)


def _words(version: Version) -> dict[str, object]:
    return {"version": version, "state": version.get_state_display().lower()}
