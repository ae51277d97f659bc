"""What the log says about people, roles, keys, signing in and proofs. Names and addresses are private fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("person.made", version=1)
@dataclass(frozen=True, kw_only=True)
class PersonMade(Event):
    """A person got an account. The log knows them by their id; name and address can be erased."""

    says = _("An account was made for a person")
    look = ("user-plus", "idle")

    name: Private
    email: Private
    signs_in_with: str  # "password", or "nothing yet" where none was given


@event("person.deactivated", version=1)
@dataclass(frozen=True, kw_only=True)
class PersonDeactivated(Event):
    """A person can no longer sign in or act; their keys were revoked with it."""

    says = _("A person's account was closed, with %(keys_revoked)s of their keys")
    look = ("user-x", "warn")

    keys_revoked: int


@event("person.erased", version=1)
@dataclass(frozen=True, kw_only=True)
class PersonErased(Event):
    """Name, address, password and second factors of a person were erased; only the pseudonym is left."""

    says = _("A person's name, address and second factors were erased")
    look = ("eraser", "warn")


@event("team.made", version=1)
@dataclass(frozen=True, kw_only=True)
class TeamMade(Event):
    """A team was made, which can own models and data."""

    says = _("Team %(name)s made")
    look = ("users", "idle")

    slug: str
    name: str


@event("role.granted", version=1)
@dataclass(frozen=True, kw_only=True)
class RoleGranted(Event):
    """A person holds a role from now on, in the named team or (without a team) everywhere."""

    says = _("Role given: %(role)s")
    look = ("user-check", "info")

    role: str
    team: str = ""


@event("role.revoked", version=1)
@dataclass(frozen=True, kw_only=True)
class RoleRevoked(Event):
    """A person no longer holds a role in the named team or (without a team) everywhere."""

    says = _("Role taken away: %(role)s")
    look = ("user-minus", "warn")

    role: str
    team: str = ""


@event("key.made", version=1)
@dataclass(frozen=True, kw_only=True)
class KeyMade(Event):
    """A key was made that acts for its owner, within its scopes, until it expires. The secret was shown once."""

    says = _("Key made with the scopes %(scopes)s")
    look = ("key", "idle")

    owner: str
    name: Private
    prefix: str
    scopes: list[str]
    expires_at: datetime
    made_with: str = ""  # id of the key with which this one was asked for; empty: not with a key


@event("key.revoked", version=1)
@dataclass(frozen=True, kw_only=True)
class KeyRevoked(Event):
    """A key opens nothing any more."""

    says = _("Key revoked")
    look = ("key", "warn")

    owner: str
    reason: str  # "asked" or "person deactivated"


@event("key.refused", version=1)
@dataclass(frozen=True, kw_only=True)
class KeyRefused(Event):
    """Keys that open nothing were shown from one source; written at the 1st, 10th, 100th ... of a minute."""

    says = _("Keys that open nothing were shown (%(in_this_minute)s in this minute)")
    look = ("ban", "bad")

    in_this_minute: int


@event("proof.failed", version=1)
@dataclass(frozen=True, kw_only=True)
class ProofFailed(Event):
    """Somebody signed in as this person could not prove anew to be them, so nothing was signed."""

    says = _("Proof of identity failed (%(what)s), so nothing was signed")
    look = ("ban", "bad")

    what: str  # "password" or "code"
    failures: int  # of this person in the present window
    source: str = ""  # keyed pseudonym of the network address


@event("proof.locked", version=1)
@dataclass(frozen=True, kw_only=True)
class ProofLocked(Event):
    """After too many failed proofs no proof of this person is looked at until the time given."""

    says = _("After too many failed proofs this person cannot sign for a while")
    look = ("lock", "bad")

    until: datetime


@event("session.opened", version=1)
@dataclass(frozen=True, kw_only=True)
class SessionOpened(Event):
    """A person signed in."""

    says = _("Signed in")
    look = ("log-in", "idle")

    methods: list[str]


@event("session.closed", version=1)
@dataclass(frozen=True, kw_only=True)
class SessionClosed(Event):
    """A person signed out."""

    says = _("Signed out")
    look = ("log-out", "idle")


@event("sign_in.failed", version=1)
@dataclass(frozen=True, kw_only=True)
class SignInFailed(Event):
    """Signing in failed from one source; written at the 1st, 10th, 100th ... of a minute, so that nobody floods the log."""

    says = _("Signing in failed (%(in_this_minute)s in this minute)")
    look = ("ban", "bad")

    in_this_minute: int
    person: str = ""  # whose account the last of these attempts named, if it exists
    step: str = "password"  # or "code"


@event("password.changed", version=1)
@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """A person has another password from now on."""

    says = _("Password %(how)s")
    look = ("key", "idle")

    how: str  # "changed", "set" or "reset"


@event("second_factor.enrolled", version=1)
@dataclass(frozen=True, kw_only=True)
class SecondFactorEnrolled(Event):
    """A person added a second factor; signing asks for it from now on."""

    says = _("Second factor added: %(kind)s")
    look = ("shield-check", "info")

    kind: str


@event("second_factor.renewed", version=1)
@dataclass(frozen=True, kw_only=True)
class SecondFactorRenewed(Event):
    """A person's recovery codes were made anew; the old ones open nothing."""

    says = _("Recovery codes made anew")
    look = ("shield-check", "idle")

    kind: str


@event("second_factor.removed", version=1)
@dataclass(frozen=True, kw_only=True)
class SecondFactorRemoved(Event):
    """A person removed a second factor."""

    says = _("Second factor removed: %(kind)s")
    look = ("shield", "warn")

    kind: str
