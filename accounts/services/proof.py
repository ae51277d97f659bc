"""Fresh proof of identity, asked for with each signature (21 CFR 11.200): the password, and a code once one is enrolled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import events
from accounts.counting import add_one, counted, take_back
from accounts.models import Person
from core.clock import now
from core.errors import InvalidInput, NotAllowed, TooMany
from ledger.acts import act

FAILURES = 5
FAILURES_OF_SOURCE = 20  # an office shares one address, so a source may fail more often than one person
WINDOW = timedelta(minutes=15)
BUSY_SECONDS = 5  # how soon to come again when too many proofs of one person are looked at in the same moment

TOTP, RECOVERY_CODE = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES
METHODS = {TOTP: "totp", RECOVERY_CODE: "recovery_code"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven and when; it belongs in the signature's own record."""

    methods: tuple[str, ...]  # "password", then "totp" or "recovery_code"
    at: datetime


class ProofFailed(NotAllowed):
    """The person did not prove who they are, so nothing was signed."""

    code = "proof_failed"
    title = gettext_lazy("Your identity was not proven")


def prove(person: Person, *, password: str, code: str = "", source: str = "") -> Proof:
    """`person` has just proven who they are, with the password and (once enrolled) a code that was not used before.

    Call it before the act of the signature, never inside: a failure is recorded in an act of its own, which a rollback
    must not take along. Raises ProofFailed; TooMany after five failures within a quarter of an hour, for as long again.
    `source` (`accounts.sources.source_of`) is counted too where the edge knows it.
    """
    today = Person.objects.get(pk=person.pk)  # what the request read may be older than a deactivation or a new password
    factors = {held.type: held for held in Authenticator.objects.filter(user=today, type__in=METHODS)}
    _refuse_what_cannot_be_weighed(today, password=password, code=code, coded=bool(factors))
    limits = {f"accounts:proof:person:{today.pk}": FAILURES}
    if source:
        limits[f"accounts:proof:source:{source}"] = FAILURES_OF_SOURCE
    # Counted before it is weighed: of any number of guesses at the same moment, five get an answer.
    counts = _take_a_try(limits)
    methods, wrong = _weigh(today, password=password, code=code, factors=factors)
    if not wrong:
        for name in limits:
            take_back(name)
        return Proof(methods=methods, at=now())
    until = _lock(limits, counts)
    with act(today) as this:
        failures = next(iter(counts.values()))
        this.record(events.ProofFailed(what=wrong, failures=failures, source=source), on=today)
        if until is not None:
            this.record(events.ProofLocked(until=until), on=today)
    # One sentence for both parts: whoever guesses must not learn that the password alone was right.
    raise ProofFailed(_("The password or the code is not right.") if factors else _("The password is not right."))


def _refuse_what_cannot_be_weighed(person: Person, *, password: str, code: str, coded: bool) -> None:
    if not person.is_active:
        raise ProofFailed(_("This account is deactivated and signs nothing."), code="inactive_person")
    if not person.has_usable_password():
        raise ProofFailed(
            _("You have no password here, so you cannot prove who you are. Set one under Account, then sign."),
            code="enrolment_needed",
        )
    if person.password_is_handed:
        raise ProofFailed(
            _("Somebody else made your password, so it proves nothing. Choose your own under Password, then sign."),
            code="password_handed",
        )
    if not password:
        raise InvalidInput(_("Write your password: each signature asks for it anew."), code="password_needed", field="password")
    if coded and not code.strip():
        raise InvalidInput(
            _("Write the code of your authenticator, or a recovery code: you enrolled one, so each signature asks for it."),
            code="code_needed",
            field="code",
        )


def _weigh(person: Person, *, password: str, code: str, factors: Mapping[str, Authenticator]) -> tuple[tuple[str, ...], str]:
    """The methods that hold, and which part is wrong ("" if none). A wrong password uses up no code."""
    if not person.check_password(password):
        return (), "password"
    if not factors:
        return ("password",), ""
    given = "".join(code.split())
    for kind in (TOTP, RECOVERY_CODE):  # allauth marks both kinds as used, so that none works twice
        if kind in factors and factors[kind].wrap().validate_code(given):
            return ("password", METHODS[kind]), ""
    return (), "code"


def _take_a_try(limits: Mapping[str, int]) -> dict[str, int]:
    for name in limits:
        _refuse_while_locked(name)
    counts = {name: add_one(name, seconds=int(WINDOW.total_seconds())) for name in limits}
    if any(counts[name] > limit for name, limit in limits.items()):
        for name in limits:
            take_back(name)
            _refuse_while_locked(name)
        raise TooMany(_("Several proofs of yours are being looked at. Try again in a moment."), retry_after=BUSY_SECONDS)
    return counts


def _lock(limits: Mapping[str, int], counts: Mapping[str, int]) -> datetime | None:
    """Until when the person is locked out, if this failure was one too many."""
    until = now() + WINDOW
    locked = [name for name, limit in limits.items() if counts[name] >= limit]
    with counted():
        fresh = [name for name in locked if cache.add(f"{name}:until", until.timestamp(), int(WINDOW.total_seconds()))]
    return until if fresh else None


def minutes_locked(person: Person) -> int:
    """For how many minutes no proof of this person is weighed, after too many that failed; 0 where none did."""
    with counted():
        until = cache.get(f"accounts:proof:person:{person.pk}:until")
    return 0 if until is None else max(0, -(-round(until - now().timestamp()) // 60))


def _refuse_while_locked(name: str) -> None:
    with counted():
        until = cache.get(f"{name}:until")
    if until is None:
        return
    left = max(1, round(until - now().timestamp()))
    raise TooMany(
        _("Too many failed proofs of identity. Wait %(minutes)d min, then try again.") % {"minutes": -(-left // 60)},
        retry_after=left,
    )
