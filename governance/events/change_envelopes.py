"""Past facts about change envelopes: drafted, signed, in force, ended, and what was decided by them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("change_envelope.drafted", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeDrafted(Event):
    """Limits were proposed within which retrained versions may be released by themselves."""

    says = _("Change envelope drafted for %(environment)s, named by %(digest)s")
    look = ("file-pen", "info")

    model_id: str
    environment: str
    baseline: str
    policy: str  # digest
    digest: str
    expires: str


@event("change_envelope.signed", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeSigned(Event):
    """One person signed exactly these limits."""

    says = _("Change envelope signed as %(role)s, named by %(digest)s")
    look = ("signature", "ok")

    signature: str
    record: str  # digest of the signature's own record
    role: str
    step: int
    meaning: str
    digest: str
    proof: list[str]
    name: Private


@event("change_envelope.activated", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeActivated(Event):
    """Every signature was given: versions within the limits are released by themselves from now on."""

    says = _("Change envelope in force, named by %(digest)s")
    look = ("badge-check", "ok")

    digest: str


@event("change_envelope.withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeWithdrawn(Event):
    """The proposed limits were taken back before they were in force."""

    says = _("Draft of a change envelope withdrawn")
    look = ("undo-2", "idle")

    digest: str
    reason: Private


@event("change_envelope.revoked", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeRevoked(Event):
    """Nothing more is released under the limits."""

    says = _("Change envelope revoked, named by %(digest)s")
    look = ("ban", "bad")

    digest: str
    role: str
    proof: list[str]
    reason: Private


@event("change_envelope.expired", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeExpired(Event):
    """The date was reached after which nothing is released under the limits."""

    says = _("Change envelope expired, named by %(digest)s")
    look = ("clock-alert", "warn")

    digest: str


@event("change_envelope.kept", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopeKept(Event):
    """A retrained version lay within every limit, so the standing approval covers it."""

    says = _("Within every limit of the change envelope %(envelope)s; the decision is named by %(decision)s")
    look = ("badge-check", "ok")

    envelope: str  # digest
    decision: str  # digest
    pinned: str
    nth: int  # of the releases in the period
    most: int


@event("change_envelope.passed", version=1)
@dataclass(frozen=True, kw_only=True)
class ChangeEnvelopePassed(Event):
    """A retrained version passed a limit, or one could not be assessed, so people decide."""

    says = _("Outside of the change envelope %(envelope)s: %(limits)s")
    look = ("triangle-alert", "warn")

    envelope: str
    decision: str
    pinned: str
    limits: list[str]  # the names of those that were not met
