"""Past facts about signatures: given, taken back, and answered for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("accountability.accepted", version=1)
@dataclass(frozen=True, kw_only=True)
class AccountabilityAccepted(Event):
    """A person accepted that their electronic signature binds them as one by hand does; asked once, before the first."""

    says = _("Accepted that an electronic signature equals one by hand (text %(text_version)s)")
    look = ("handshake", "info")

    text_version: int
    text_digest: str


@event("sign_off.given", version=1)
@dataclass(frozen=True, kw_only=True)
class SignOffGivenFirst(Event):
    """As version 2, before each signature had a record of its own. Nothing writes it any more."""

    says = _("Signed as %(role)s: %(verdict)s, meaning “%(meaning)s”")
    look = ("signature", "info")

    version_id: str
    role: str
    verdict: str
    meaning: str
    digest: str
    policy: str
    proof: list[str]
    comment: Private = Private("")
    name: Private = Private("")


@event("sign_off.given", version=2)
@dataclass(frozen=True, kw_only=True)
class SignOffGivenSecond(Event):
    """As version 3, before anybody signed by delegation. Nothing writes it any more."""

    says = _("Signed as %(role)s: %(verdict)s, meaning “%(meaning)s”")
    look = ("signature", "info")

    version_id: str
    signature: str
    payload: str  # sha256 of the signature record's payload, see docs/reference/signature-record.md
    role: str
    step: int
    verdict: str
    meaning: str
    digest: str
    policy: str
    proof: list[str]
    local_offset: str
    conditions: int
    on_behalf_of: str
    delegation: str
    comment: Private = Private("")
    name: Private = Private("")


@event("sign_off.given", version=3)
@dataclass(frozen=True, kw_only=True)
class SignOffGiven(Event):
    """A person proved who they are and gave a verdict, with its meaning, on exactly what the digest names, for themselves or by
    delegation. Its record is named by the digest of its payload, and holds the same commitments to names and comment."""

    says = _("Signed as %(role)s: %(verdict)s, meaning “%(meaning)s”")
    look = ("signature", "info")

    version_id: str
    signature: str
    payload: str  # sha256 of the signature record's payload, see docs/reference/signature-record.md
    role: str
    step: int
    verdict: str
    meaning: str
    digest: str
    policy: str
    proof: list[str]
    local_offset: str
    conditions: int
    on_behalf_of: str  # pseudonym of the delegator; empty: somebody signs for themselves
    delegation: str  # its id
    comment: Private = Private("")
    name: Private = Private("")
    delegator: Private | None = None  # the delegator's name; null: somebody signs for themselves

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data["on_behalf_of"]:
            return _("Signed as %(role)s on behalf of another, by delegation: %(verdict)s, meaning “%(meaning)s”")
        return cls.says


@event("sign_off.withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class SignOffWithdrawn(Event):
    """A signer took their own signature back before its step closed; it no longer counts, and stays on record."""

    says = _("Own signature as %(role)s withdrawn")
    look = ("undo-2", "warn")

    version_id: str
    signature: str
    payload: str
    role: str
    digest: str
    proof: list[str]
    reason: Private = Private("")
    name: Private = Private("")
