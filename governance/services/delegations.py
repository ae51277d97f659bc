"""A role that signs, lent: offered in writing, accepted or declined, ended by either side or by its last day."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils.translation import gettext as _

from accounts.models import Person, Team
from accounts.services import prove
from core import clock
from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.models import Delegation
from governance.models.delegation import MOST_DAYS
from governance.permissions.delegations import can_accept, can_answer, can_delegate_to, can_end
from governance.services.accountability import keep_acceptance, require_acceptance
from governance.services.locking import holding_roles, locked_delegation
from ledger.actors import CLOCK
from ledger.acts import act
from ledger.events import Private


def offer_delegation(
    to: Person,
    *,
    by: Person,
    role: str,
    team: Team | None,
    starts_on: date,
    ends_on: date,
    reason: str,
    password: str,
    code: str = "",
) -> Delegation:
    """`by` has proved who they are and offered `to` the right to sign reviews in `role` on their behalf, in `team` or (None)
    wherever they hold it; nothing is signed by it before it is accepted."""
    if not reason.strip():
        raise InvalidInput(_("Say why you delegate: a delegation is given in writing."), code="reason_missing", field="reason")
    _check_days(starts_on, ends_on)
    proof = prove(by, password=password, code=code)  # outside the act: a failed proof is recorded by itself
    with act(by, attempt="offer_delegation", on=by) as this:
        by, to = holding_roles(by, to), Person.objects.get(pk=to.pk)
        can_delegate_to(by, to, role, team).enforce()
        same = Delegation.objects.filter(delegator=by, delegate=to, role=role, team=team, state__in=Delegation.ALIVE)
        if same.filter(starts_on__lte=ends_on, ends_on__gte=starts_on).exists():
            raise WrongState(
                _("You have delegated this to the same person for some of these days already. End that first, or take others."),
                code="delegated_already",
            )
        row = Delegation.objects.create(
            delegator=by,
            delegate=to,
            role=role,
            team=team,
            reason=reason,
            starts_on=starts_on,
            ends_on=ends_on,
            offered_at=clock.now(),
        )
        fact = events.DelegationOffered(
            delegator=str(by.pk),
            delegate=str(to.pk),
            role=role,
            team=str(team.pk) if team else "",
            starts_on=starts_on.isoformat(),
            ends_on=ends_on.isoformat(),
            proof=list(proof.methods),
            reason=Private(reason),
        )
        this.record(fact, on=row)
    return row


def _check_days(starts_on: date, ends_on: date) -> None:
    today = clock.today()
    if not today <= starts_on <= today + timedelta(days=MOST_DAYS):
        said = _("The first day lies between today and %(last)s.")
        last = today + timedelta(days=MOST_DAYS)
        raise InvalidInput(said % {"last": last.isoformat()}, code="first_day", field="starts_on")
    last = starts_on + timedelta(days=MOST_DAYS - 1)
    if not starts_on <= ends_on <= last:
        said = _("The last day lies between the first and %(last)s: a delegation is for at most %(days)d days.")
        raise InvalidInput(said % {"last": last.isoformat(), "days": MOST_DAYS}, code="last_day", field="ends_on")


def accept_delegation(delegation: Delegation, *, by: Person, password: str, code: str = "", accept: bool = False) -> Delegation:
    """`by` has proved who they are and signs in the delegator's place from the first day on."""
    if can_accept(by, delegation):
        require_acceptance(by, accept=accept)  # before a code is used up
    proof = prove(by, password=password, code=code)
    with act(by, attempt="accept_delegation", on=delegation) as this:
        by = holding_roles(by, delegation.delegator)
        row = locked_delegation(delegation)
        _must_not_be_over(row)
        can_accept(by, row).enforce()
        keep_acceptance(by, accept=accept, within=this)
        lifecycle.accept_delegation(row, proof=list(proof.methods), within=this)
    return row


def decline_delegation(delegation: Delegation, *, by: Person) -> Delegation:
    """Nothing is ever signed by it."""
    with act(by, attempt="decline_delegation", on=delegation) as this:
        row = locked_delegation(delegation)
        can_answer(by, row).enforce()
        _must_not_be_over(row)
        lifecycle.decline_delegation(row, within=this)
    return row


def end_delegation(delegation: Delegation, *, by: Person) -> Delegation:
    """Nothing more is signed by it, at once; what was signed by it stays."""
    with act(by, attempt="end_delegation", on=delegation) as this:
        row = locked_delegation(delegation)
        can_end(by, row).enforce()
        _must_not_be_over(row)
        lifecycle.end_delegation(row, by=by, within=this)
    return row


def _must_not_be_over(row: Delegation) -> None:
    if row.shown_state == Delegation.State.EXPIRED:
        raise WrongState(_("Its last day is over."), code="delegation_over")


def expire_delegations() -> None:
    """Each delegation whose last day is over is recorded as expired, in an act of its own."""
    for key in list(Delegation.objects.over().order_by("pk").values_list("pk", flat=True)):
        with act(CLOCK) as this:
            row = locked_delegation(Delegation(pk=key))
            if row.state in Delegation.ALIVE:  # somebody may have ended it meanwhile
                lifecycle.expire_delegation(row, within=this)
