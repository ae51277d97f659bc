"""The only signal receivers of the house: what Django and allauth say about signing in becomes acts."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa import signals as mfa
from django.contrib.auth import signals as auth
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.counting import worth_an_event
from accounts.events import (
    PasswordChanged,
    SecondFactorEnrolled,
    SecondFactorRemoved,
    SecondFactorRenewed,
    SessionClosed,
    SessionOpened,
    SignInFailed,
)
from accounts.gate import GATE
from accounts.models import Person
from accounts.sources import source_of
from ledger.acts import act
from ledger.events import Event, Ref


def _record(person: Person, fact: Event) -> None:
    with act(person) as this:
        this.record(fact, on=person)


@receiver(auth.user_logged_in, dispatch_uid="accounts.signed_in")
def signed_in(sender: object, request: HttpRequest, user: Person, **_: Any) -> None:
    steps = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    methods = [step["type"] if step["method"] == "mfa" else step["method"] for step in steps]
    _record(user, SessionOpened(methods=methods))


@receiver(auth.user_logged_out, dispatch_uid="accounts.signed_out")
def signed_out(sender: object, request: HttpRequest, user: Person | None, **_: Any) -> None:
    if isinstance(user, Person):
        _record(user, SessionClosed())


@receiver(auth.user_login_failed, dispatch_uid="accounts.sign_in_failed")
def sign_in_failed(sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    named = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    person = Person.objects.filter(email=named).values_list("pk", flat=True).first()
    _note_failure(request, person=str(person or ""), step="password")


@receiver(mfa.authentication_failed, dispatch_uid="accounts.code_failed")
def code_failed(sender: object, request: HttpRequest, user: Person, **_: Any) -> None:
    _note_failure(request, person=user.actor_id, step="code")


def _note_failure(request: HttpRequest | None, *, person: str, step: str) -> None:
    """A stranger can repeat this at will, so it is counted, and few of the counts are recorded."""
    source = source_of(request)
    count = worth_an_event(f"sign_in.{step}", source)
    if count is not None:
        with act(GATE) as this:
            this.record(SignInFailed(in_this_minute=count, person=person, step=step), on=Ref("source", source))


def _now_their_own(person: Person) -> None:
    """What an administrator handed over is replaced, so the person may sign with what only they know."""
    Person.objects.filter(pk=person.pk).update(password_is_handed=False)


@receiver(account.password_changed, dispatch_uid="accounts.password_changed")
def password_changed(sender: object, user: Person, **_: Any) -> None:
    _now_their_own(user)
    _record(user, PasswordChanged(how="changed"))


@receiver(account.password_set, dispatch_uid="accounts.password_set")
def password_set(sender: object, user: Person, **_: Any) -> None:
    _now_their_own(user)
    _record(user, PasswordChanged(how="set"))


@receiver(account.password_reset, dispatch_uid="accounts.password_reset")
def password_reset(sender: object, user: Person, **_: Any) -> None:
    _record(user, PasswordChanged(how="reset"))


@receiver(mfa.authenticator_added, dispatch_uid="accounts.factor_enrolled")
def factor_enrolled(sender: object, user: Person, authenticator: Any, **_: Any) -> None:
    _record(user, SecondFactorEnrolled(kind=str(authenticator.type)))


@receiver(mfa.authenticator_reset, dispatch_uid="accounts.factor_renewed")
def factor_renewed(sender: object, user: Person, authenticator: Any, **_: Any) -> None:
    _record(user, SecondFactorRenewed(kind=str(authenticator.type)))


@receiver(mfa.authenticator_removed, dispatch_uid="accounts.factor_removed")
def factor_removed(sender: object, user: Person, authenticator: Any, **_: Any) -> None:
    _record(user, SecondFactorRemoved(kind=str(authenticator.type)))
