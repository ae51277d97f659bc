"""Who may release before the signatures are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from governance.models import Review
from governance.permissions import contributors

if TYPE_CHECKING:
    from accounts.models import Person
    from models_registry.models import Version


def can_release_in_emergency(person: Person, version: Version) -> Decision:
    """Whoever the policy of the latest review names, and never a person who could not sign the version either."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they release nothing."), code="administrator")
    review = Review.objects.latest_of(version)
    if review is None:
        return deny(_("It was not submitted, so no policy says who may release it in an emergency."), code="not_submitted")
    emergency = review.policy.document.emergency
    if emergency is None:
        said = _("The policy %(policy)s knows no release in an emergency.")
        return deny(said % {"policy": review.policy}, code="no_emergency")
    if not any(person.holds(Role(role), version.model.team) for role in emergency.roles):
        roles = get_text_list([str(Role(role).label).lower() for role in emergency.roles], _("or"))
        return deny(_("In an emergency only the %(roles)s of this team releases it.") % {"roles": roles}, code="wrong_role")
    worked_on_it = {*review.contributors, review.opened_by_id} - set(version.emergencies.values_list("person", flat=True))
    if str(person.pk) in contributors(version) or person.pk in worked_on_it:
        return deny(_("You contributed to this version, so someone else must release it."), code="own_work")
    if person.pk == version.model.owner_id:
        return deny(_("You own this model, so in an emergency someone else must release it."), code="own_model")
    if review.policy.bars(person):
        return deny(_("You wrote or published the policy lately, so someone else must release under it."), code="policy_author")
    return allow()
