"""Releasing a version to an environment, and going back in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.approvals import Approval, approval_of
from governance.environments import known
from governance.going_back import candidates, releases_in
from governance.models import EmergencyApproval, Environment, Release
from governance.modes import refusing
from governance.permissions import can_release, can_release_version
from ledger.acts import Act, act
from ledger.events import Private
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from accounts.models import Person


def release(version: Version, *, environment: str, by: Person) -> Release:
    """The version is live there, in place of what was. Where the environment prevents, it is refused with every reason while
    the approval does not hold; where it warns, it is released and the reasons stay with it; where it records, nobody asks."""
    with act(by, attempt="release", on=version) as this:
        RegisteredModel.objects.select_for_update().get(pk=version.model_id)
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=version.pk)
        can_release_version(by, version).enforce()
        mode = known(environment, locked=True).mode
        approval = approval_of(version, environment)
        if stands_against := refusing(version, approval, mode):
            raise WrongState(
                _("%(version)s cannot be released: %(reasons)s") % {"version": version, "reasons": " ".join(stands_against)},
                code="blocked",
                reasons=stands_against,
            )
        return take_place(version, environment, by=by, approval=approval, mode=mode, within=this)


def take_place(
    version: Version,
    environment: str,
    *,
    by: Person,
    approval: Approval,
    mode: str,
    within: Act,
    reason: str = "",
    emergency: EmergencyApproval | None = None,
) -> Release:
    """The version is live in place of what was, without a gap. The caller holds the model's row and has asked whether it may."""
    rows = Release.objects.live().filter(model=version.model, environment=environment)
    live = rows.select_related("version__model").first()
    if live is not None and live.version_id == version.pk:
        raise WrongState(_("%(version)s is already live there.") % {"version": version}, code="already_live")
    if live is not None:
        lifecycle.supersede(live, by=str(version.pk), within=within)
    return make_release(
        version,
        environment,
        by=by,
        approval=approval,
        mode=mode,
        instead_of=live,
        within=within,
        reason=reason,
        emergency=emergency,
    )


def roll_back(model: RegisteredModel, *, environment: str, by: Person, reason: str, to: Version | None = None) -> Release:
    """The latest earlier version that was live there and whose approval still holds is live again; or the one named by `to`,
    which must be one of those."""
    if not reason.strip():
        raise InvalidInput(_("Say why you roll back: it becomes part of the record."), code="reason_missing")
    with act(by, attempt="roll_back", on=model) as this:
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        can_release(by, model).enforce()
        releases = releases_in(model, environment)
        if not releases:
            raise WrongState(_("No version of %(model)s was ever live there.") % {"model": model}, code="nothing_live")
        latest = releases[0]
        earlier_ones = candidates(releases)
        if to is not None:
            earlier_ones = [one for one in earlier_ones if one.version_id == to.pk]
            if not earlier_ones:
                raise WrongState(
                    _("Nobody rolls back to %(version)s: it was never live there, is the latest, or was rolled back itself.")
                    % {"version": to},
                    code="nothing_to_go_back_to",
                )
        # Locked, so that a suspension at this moment is either seen here or finds the release that is made here.
        rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run")
        versions_by_key = {one.pk: one for one in rows.filter(pk__in=[one.version_id for one in earlier_ones]).order_by("pk")}
        for earlier in earlier_ones:
            earlier.version = versions_by_key[earlier.version_id]
            approval = approval_of(earlier.version, environment)
            if approval.holds:
                if latest.state == Release.State.LIVE:
                    lifecycle.roll_back(latest, to=str(earlier.version_id), within=this)
                return make_release(
                    earlier.version,
                    environment,
                    by=by,
                    approval=approval,
                    mode=known(environment, locked=True).mode,
                    instead_of=latest,
                    within=this,
                    rolled_back=True,
                    reason=reason,
                )
        if to is not None:
            raise WrongState(
                _("The approval of %(version)s no longer holds: %(reasons)s")
                % {"version": to, "reasons": " ".join(approval.reasons)},
                code="nothing_to_go_back_to",
                reasons=approval.reasons,
            )
        raise WrongState(
            _("No earlier version of %(model)s has an approval that still holds.") % {"model": model},
            code="nothing_to_go_back_to",
        )


def make_release(
    version: Version,
    environment: str,
    *,
    by: Person | None,
    approval: Approval,
    mode: str,
    instead_of: Release | None,
    within: Act,
    rolled_back: bool = False,
    reason: str = "",
    emergency: EmergencyApproval | None = None,
) -> Release:
    """The version is live there; the caller holds the model's row, has ended what was live, and asked whether it may be. Without
    `by`, it is released on the word of a change envelope."""
    against = approval.reasons if emergency or mode == Environment.Mode.WARN else []
    made = Release.objects.create(
        version=version,
        model=version.model,
        environment=environment,
        released_by=by,
        released_at=within.at,  # the moment at which the one before ended: nothing lies between
        under=approval.standing.decision if approval.holds and approval.standing else None,
        reason=reason,
        mode=mode,
        emergency=emergency,
        against=against,
        review=approval.review if approval.holds else None,
        approval=approval.digest if approval.holds else "",
    )
    fact = events.ReleaseMade(
        version_id=str(version.pk),
        environment=environment,
        checkpoint=version.checkpoint_digest,
        approval=approval.digest if approval.holds else "",
        instead_of=str(instead_of.version_id) if instead_of else "",
        rolled_back=rolled_back,
        reason=Private(reason),
    )
    within.record(fact, on=version)
    if emergency is None and (against or mode == Environment.Mode.RECORD):
        reasons = [one[:300] for one in against]
        unapproved = events.ReleaseWentUnapproved(version_id=str(version.pk), environment=environment, mode=mode, reasons=reasons)
        within.record(unapproved, on=made)
    return made
