"""Past facts about the conditions of approvals."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("condition.set", version=1)
@dataclass(frozen=True, kw_only=True)
class ConditionSet(Event):
    """A signature approves under this condition: what, whose, until when, and which evidence is asked for."""

    says = _("Condition %(number)s set, due %(due)s")
    look = ("list-checks", "warn")

    version_id: str
    review: str
    signature: str
    number: int
    role: str
    owner: str
    due: str
    text: Private = Private("")
    evidence: Private = Private("")


@event("condition.reported", version=1)
@dataclass(frozen=True, kw_only=True)
class ConditionReported(Event):
    """The owner says that the condition is met, and with what."""

    says = _("Condition %(number)s reported met")
    look = ("send", "info")

    version_id: str
    number: int
    evidence_digest: str
    report: Private = Private("")


@event("condition.met", version=1)
@dataclass(frozen=True, kw_only=True)
class ConditionMet(Event):
    """Somebody with the role that set it, and not its owner, signed that the condition is met."""

    says = _("Condition %(number)s acknowledged as met")
    look = ("circle-check", "ok")

    version_id: str
    number: int
    signature: str
    payload: str
    role: str
    proof: list[str]
    reason: Private = Private("")
    name: Private = Private("")


@event("condition.not_met", version=1)
@dataclass(frozen=True, kw_only=True)
class ConditionReportRefused(Event):
    """What the owner reported does not meet the condition; it is open again, until the same date."""

    says = _("Condition %(number)s is not met yet")
    look = ("circle-x", "warn")

    version_id: str
    number: int
    signature: str
    payload: str
    role: str
    proof: list[str]
    reason: Private = Private("")
    name: Private = Private("")


@event("condition.missed", version=1)
@dataclass(frozen=True, kw_only=True)
class ConditionMissed(Event):
    """The date came and the condition was not met: the approval is suspended."""

    says = _("Condition %(number)s missed: it was due %(due)s")
    look = ("clock-alert", "bad")

    version_id: str
    number: int
    due: str
