"""Refusals. Each carries one sentence that says what was wrong and what to do; edges turn it into a status."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A refusal that a person can act on. `code` is stable for programs, the message is for people."""

    status = 422
    code = "refused"
    title: str | Promise = _("The request was refused")

    def __init__(self, message: str, *, code: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.facts = facts  # extra members of the problem details; never personal data


class InvalidInput(DomainError):
    """The input has the wrong shape or names something that cannot be used."""

    code = "invalid_input"
    title = _("The input is not valid")


class NotAllowed(DomainError):
    """The person sees the thing but may not do this. The reason is shown."""

    status = 403
    code = "not_allowed"
    title = _("Not allowed")


class WrongState(DomainError):
    """Somebody was faster, or the thing is not in a state in which this can be done."""

    status = 409
    code = "wrong_state"
    title = _("Not possible in the present state")


class Missing(DomainError):
    """It does not exist, or the person may not know that it does."""

    status = 404
    code = "not_found"
    title = _("Not found")


class TooMany(DomainError):
    """Too many attempts; `retry_after` seconds stand in the facts."""

    status = 429
    code = "too_many_attempts"
    title = _("Too many attempts")


class Unavailable(DomainError):
    """A part that is needed does not answer."""

    status = 503
    code = "unavailable"
    title = _("Not available right now")
