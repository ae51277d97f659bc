"""Past facts about what the gate has certified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("gate.attested", version=1)
@dataclass(frozen=True, kw_only=True)
class GateAttested(Event):
    """The gate signed an answer about a version in an environment; what it signed before no longer counts."""

    look = ("stamp", "idle")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("result") == "PASSED":
            return _("Attestation issued for %(environment)s: allowed")
        return _("Attestation taken back for %(environment)s: not allowed")

    environment: str
    checkpoint: str
    result: str  # PASSED or FAILED
    digest: str  # of the signed payload
    expires: str  # UTC; empty where the answer is FAILED
    replaces: str = ""  # digest of the payload before it, where there was one
