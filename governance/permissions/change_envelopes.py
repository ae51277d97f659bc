"""Who drafts, signs and revokes change envelopes: the rules of reviews, with the same sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import SIGNING_ROLES, Membership, Role
from core.decisions import Decision, allow, deny
from governance.models import ChangeEnvelope, Delegation, EnvelopeStep
from governance.permissions import can_sign_under, contributors
from models_registry.models import RegisteredModel

if TYPE_CHECKING:
    from accounts.models import Person


def can_draft_envelope(person: Person, model: RegisteredModel) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, model.team) or person.holds(Role.RISK_MANAGER, model.team):
        return allow()
    return deny(_("Only a data scientist or a risk manager of this team drafts a change envelope."), code="wrong_role")


def can_withdraw_envelope(person: Person, envelope: ChangeEnvelope) -> Decision:
    if person.pk == envelope.drafted_by_id or person.holds(Role.RISK_MANAGER, envelope.model.team):
        return allow()
    return deny(_("Only whoever drafted it, or a risk manager of this team, withdraws it."), code="not_yours")


def can_sign_envelope(person: Person, envelope: ChangeEnvelope, role: str) -> Decision:
    """Whether `person` may give the signature of `role` now; the list form is `ChangeEnvelope.objects.signable_by`."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they sign nothing."), code="administrator")
    if person.pk == envelope.drafted_by_id:
        return deny(_("You drafted this change envelope, so someone else must sign it."), code="own_draft")
    if person.pk in envelope.barred or str(person.pk) in contributors(envelope.baseline):
        return deny(_("You contributed to the version that it rests on, so someone else must sign it."), code="own_work")
    if person.pk == envelope.model.owner_id:
        return deny(_("You own this model, so someone else must sign its change envelopes."), code="own_model")
    may = can_sign_under(person, envelope.policy, role, envelope.model)
    if may.code == "wrong_role" and Delegation.objects.in_force().filter(delegate=person, role=role).exists():
        said = _("A delegation covers signatures on reviews. A change envelope is signed by those who hold the role themselves.")
        return deny(said, code="by_delegation")
    if not may:
        return may
    step = envelope.steps.filter(role=role).first()
    if step is None or not step.applies:
        said = _("This change envelope asks for no signature of the role %(role)s.")
        return deny(said % {"role": Role(role).label.lower()}, code="not_required")
    if envelope.signatures.filter(person=person.pk).exists():
        return deny(_("You have already signed this change envelope; one person gives one signature."), code="already_signed")
    return _in_turn(person, envelope, step)


def _in_turn(person: Person, envelope: ChangeEnvelope, step: EnvelopeStep) -> Decision:
    waiting = list(EnvelopeStep.objects.waiting().filter(envelope=envelope))
    if step.pk not in {other.pk for other in waiting}:
        return deny(_("Enough people have already signed for this role."), code="quorum_reached")
    earlier = [other.get_role_display().lower() for other in waiting if other.order < step.order]
    if earlier:
        sentence = ngettext(
            "First the signature of the %(roles)s is needed.", "First the signatures of %(roles)s are needed.", len(earlier)
        )
        return deny(sentence % {"roles": get_text_list(earlier, _("and"))}, code="too_early")
    there = Membership.objects.filter(person=person, role=step.role, team=envelope.model.team_id).exists()
    if step.distinct_teams and envelope.signatures.filter(role=step.role, team__isnull=not there).exists():
        return deny(
            _("Somebody who holds this role through the same team as you has signed; this step asks for different teams."),
            code="same_team",
        )
    return allow()


def roles_to_sign_envelope(person: Person, envelope: ChangeEnvelope) -> list[str]:
    """The roles for which `person` may sign this envelope now."""
    if envelope.state != ChangeEnvelope.State.PROPOSED or envelope.has_run_out:
        return []
    return [step.role for step in envelope.steps.all() if step.applies and can_sign_envelope(person, envelope, step.role)]


def can_revoke_envelope(person: Person, envelope: ChangeEnvelope) -> Decision:
    """Revoking only makes stricter, so whoever holds a role that signs may do it, the own work and the own model too."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they revoke nothing."), code="administrator")
    if any(person.holds(role, envelope.model.team) for role in SIGNING_ROLES):
        return allow()
    return deny(_("Only those who sign for this team's models revoke a change envelope."), code="wrong_role")


def revoking_role(person: Person, envelope: ChangeEnvelope) -> str:
    """The role in which `person` revokes."""
    return next(Role(role).value for role in sorted(SIGNING_ROLES) if person.holds(role, envelope.model.team))
