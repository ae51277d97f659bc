"""Keys of the API: made, revoked, and refused."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.counting import worth_an_event
from accounts.events import KeyMade, KeyRefused, KeyRevoked
from accounts.gate import GATE
from accounts.keyhash import digest_of
from accounts.models import ApiKey, Person
from accounts.permissions import can_make_key, can_revoke_key
from accounts.roles import Scope
from core.clock import now
from core.errors import InvalidInput, WrongState
from ledger.actors import Actor
from ledger.acts import act
from ledger.events import Private, Ref

LONGEST = timedelta(days=366)


def make_key(
    owner: Person, *, by: Actor, name: str, scopes: list[str], expires_at: datetime, through: ApiKey | None = None
) -> tuple[ApiKey, str]:
    """A key that acts for `owner` until `expires_at`, and its text, which is shown this once and kept nowhere.

    `through` is the key with which it was asked for, if any: the new one can do no more and lives no longer.
    """
    name = " ".join(name.split())
    wanted = [scope.value for scope in Scope if scope in scopes]  # in one order, each once
    latest = min([now() + LONGEST, *([through.expires_at] if through else [])])
    if not name:
        raise InvalidInput(_("Give the key a name that says where it is used, such as “CI of digit-reader”."), field="name")
    if not wanted or set(scopes) - set(Scope.values):
        raise InvalidInput(
            _("Choose at least one scope, from: %(scopes)s.") % {"scopes": ", ".join(Scope.values)}, field="scopes"
        )
    if not now() < expires_at <= latest:
        raise InvalidInput(
            _("A key expires, at the latest on %(day)s. Choose an earlier day that is still to come.")
            % {"day": latest.strftime("%Y-%m-%d")},
            field="expires_at",
        )
    secret = secrets.token_urlsafe(32)  # 32 random bytes: nobody guesses them, so a fast hash is enough
    with act(by, attempt="make_key", on=owner) as this:
        # Locked, so that a deactivation at this moment either sees the key (and revokes it) or is seen here.
        person = Person.objects.select_for_update().get(pk=owner.pk)
        can_make_key(by, person, through=through, scopes=wanted).enforce()
        key = ApiKey.objects.create(
            person=person,
            name=name,
            prefix=secrets.token_hex(6),
            secret_hash=digest_of(secret),
            scopes=wanted,
            created_at=this.at,
            expires_at=expires_at,
        )
        made = KeyMade(
            owner=str(person.pk),
            name=Private(name, of=str(person.pk)),
            prefix=key.prefix,
            scopes=wanted,
            expires_at=expires_at,
            made_with=str(through.pk) if through else "",
        )
        this.record(made, on=key)
    return key, f"cs_{key.prefix}_{secret}"


def revoke_key(key: ApiKey, *, by: Actor) -> None:
    """`key` opens nothing any more."""
    with act(by, attempt="revoke_key", on=key) as this:
        can_revoke_key(by, key).enforce()
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=this.at):
            raise WrongState(_("This key is revoked already."))
        this.record(KeyRevoked(owner=str(key.person_id), reason="asked"), on=key)
    key.revoked_at = this.at


def note_refused_key(*, source: str) -> None:
    """That a key opened nothing is counted for its source, and recorded when the count is worth it."""
    count = worth_an_event("key.refused", source)
    if count is not None:
        with act(GATE) as this:
            this.record(KeyRefused(in_this_minute=count), on=Ref("source", source))
