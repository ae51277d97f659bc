"""People, teams and roles come, change and go."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.erasure import ERASERS
from accounts.events import (
    KeyRevoked,
    PersonDeactivated,
    PersonErased,
    PersonMade,
    RoleGranted,
    RoleRevoked,
    TeamMade,
)
from accounts.models import ApiKey, Membership, Person, Team, known_time_zone
from accounts.permissions import can_administer, can_deactivate, can_erase, can_grant, can_revoke
from accounts.roles import Role
from core.clock import now
from core.errors import InvalidInput, WrongState
from ledger import services as ledger
from ledger.actors import Actor
from ledger.acts import Act, act
from ledger.events import Private


def make_person(*, by: Actor, email: str, name: str, password: str = "", time_zone: str = "UTC") -> Person:
    """A new active person without roles; without a password they cannot sign in yet. InvalidInput names the field."""
    person = Person(email=email.strip().lower(), name=" ".join(name.split()), time_zone=time_zone)
    if not person.name:
        raise InvalidInput(_("Write the person's name: it is printed beside what they sign."), field="name")
    _check("email", validate_email, person.email)
    _check("time_zone", known_time_zone, time_zone)
    if password:
        _check("password", validate_password, password, person)
    person.set_password(password or None)  # slow by design, so outside the act
    person.password_is_handed = bool(password) and isinstance(by, Person)
    with act(by, attempt="make_person") as this:
        can_administer(_today(by)).enforce()
        try:
            with transaction.atomic():
                person.save(force_insert=True)
        except IntegrityError as error:
            raise InvalidInput(
                _("Somebody with this e-mail address has an account already."), code="email_taken", field="email"
            ) from error
        owner = str(person.pk)
        made = PersonMade(
            name=Private(person.name, of=owner),
            email=Private(person.email, of=owner),
            signs_in_with="password" if password else "nothing yet",
        )
        this.record(made, on=person)
    return person


def make_team(*, by: Actor, name: str, slug: str = "") -> Team:
    """A new team without people; its short name is made from the name where none is given."""
    name = " ".join(name.split())
    team = Team(name=name, slug=slugify(slug or name)[:60])
    if not name or not team.slug:
        raise InvalidInput(_("Write a name for the team, with a short name of Latin letters, digits and hyphens."), field="slug")
    with act(by, attempt="make_team") as this:
        can_administer(_today(by)).enforce()
        try:
            with transaction.atomic():
                team.save(force_insert=True)
        except IntegrityError as error:
            raise InvalidInput(_("There is a team with this short name already."), code="slug_taken", field="slug") from error
        this.record(TeamMade(slug=team.slug, name=team.name), on=team)
    return team


def grant_role(person: Person, *, by: Actor, role: str, team: Team | None = None) -> Membership:
    """`person` holds `role` in `team`, or everywhere; nobody is administrator and signer at once."""
    _known(role)
    with act(by, attempt="grant_role", on=person) as this:
        # The person's row is the lock: of an administrator role and a signing role granted at once, the second is refused.
        locked = Person.objects.select_for_update().get(pk=person.pk)
        can_grant(_today(by), locked, role=role, team=team).enforce()
        if Membership.objects.filter(person=locked, role=role, team=team).exists():
            raise WrongState(_("This person holds this role already."))
        held = Membership.objects.create(person=locked, role=role, team=team)
        this.record(RoleGranted(role=str(role), team=_id(team)), on=locked)
    person.forget_roles()
    return held


def revoke_role(person: Person, *, by: Actor, role: str, team: Team | None = None) -> None:
    """`person` no longer holds `role` there. Signatures that they gave stay: the role counted when they signed."""
    _known(role)
    with act(by, attempt="revoke_role", on=person) as this:
        can_revoke(_today(by), person, role=role, team=team).enforce()
        if role == Role.ADMINISTRATOR and team is None:
            _keep_an_administrator(besides=person)
        gone, _kinds = Membership.objects.filter(person=person, role=role, team=team).delete()
        if not gone:
            raise WrongState(_("This person does not hold this role there (any more)."))
        this.record(RoleRevoked(role=str(role), team=_id(team)), on=person)
    person.forget_roles()


def deactivate_person(person: Person, *, by: Actor) -> None:
    """`person` can no longer sign in, act or be asked to sign, and their keys open nothing; what they did stays."""
    with act(by, attempt="deactivate_person", on=person) as this:
        can_deactivate(_today(by), person).enforce()
        _deactivate(person, within=this)
    person.is_active = False


def erase_person(person: Person, *, by: Actor) -> None:
    """Nothing is left of `person` but the pseudonym; the log stays verifiable, because it held only commitments."""
    with act(by, attempt="erase_person", on=person) as this:
        can_erase(_today(by), person).enforce()
        if Person.objects.filter(pk=person.pk, is_active=True).exists():
            _deactivate(person, within=this)  # before the row is locked: all take the administrators' rows first
        row = Person.objects.select_for_update().get(pk=person.pk)
        if row.erased_at is None:
            for erase in ERASERS:
                erase(row)
            EmailAddress.objects.filter(user=row).delete()
            Authenticator.objects.filter(user=row).delete()
            ApiKey.objects.filter(person=row).update(name="")
            _close_sessions(row)
            row.email, row.name, row.time_zone, row.erased_at = f"{row.pk}@erased.invalid", "", "UTC", now()
            row.is_active = False
            row.set_unusable_password()
            row.save()
            this.record(PersonErased(), on=row)
    ledger.erase_person(str(person.pk), by)  # also when it is asked again: the first time may have ended between the two
    person.refresh_from_db()


def _deactivate(person: Person, *, within: Act) -> None:
    _keep_an_administrator(besides=person)
    if not Person.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
        raise WrongState(_("This person is deactivated already."))
    keys = list(ApiKey.objects.select_for_update().filter(person=person, revoked_at=None).order_by("pk"))
    ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(revoked_at=now())
    within.record(PersonDeactivated(keys_revoked=len(keys)), on=person)
    for key in keys:
        within.record(KeyRevoked(owner=str(person.pk), reason="person deactivated"), on=key)


def _keep_an_administrator(*, besides: Person) -> None:
    """Locks the administrators' rows: two who remove one another at the same moment must not both succeed."""
    everywhere = Membership.objects.filter(role=Role.ADMINISTRATOR, team=None, person__is_active=True).order_by("pk")
    administrators = {held.person_id for held in everywhere.select_for_update()}  # the people's rows too
    if administrators == {besides.pk}:
        raise WrongState(_("This is the last administrator of the site; make another one first."), code="last_administrator")


def _close_sessions(person: Person) -> None:
    """A session holds the address that was signed in with; whose it is stands only inside."""
    for session in Session.objects.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            session.delete()


def _today(by: Actor) -> Actor:
    """The actor with the roles that they hold now: the request may have read them a while ago."""
    return Person.objects.get(pk=by.pk) if isinstance(by, Person) else by


def _known(role: str) -> None:
    if role not in Role.values:
        raise InvalidInput(
            _("There is no such role; the roles are: %(roles)s.") % {"roles": ", ".join(Role.values)}, field="role"
        )


def _id(team: Team | None) -> str:
    return str(team.pk) if team else ""


def _check(field: str, check: object, *values: object) -> None:
    try:
        check(*values)  # type: ignore[operator]  # one of Django's validators
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field=field) from error
