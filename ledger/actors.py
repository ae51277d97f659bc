"""Who acts: a person, or one of the few parts of the system that act by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Actor(Protocol):
    """Whoever an act can name: `accounts.Person`, or a `System` below. `actor_id` is a pseudonym, never a name or an address."""

    @property
    def actor_kind(self) -> str: ...  # "person" or "system"

    @property
    def actor_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class System:
    """A part of the system that acts without a person."""

    actor_id: str
    actor_kind: str = "system"


WORKER = System("worker")  # does what was asked for: inspections, evaluations, reports
CLOCK = System("clock")  # does what is due: leases that ran out, scheduled checks
INSTALLER = System("installer")  # puts in place what every database must hold
ENVELOPE = System("envelope")  # approves and releases what people signed beforehand: see governance.models.ChangeEnvelope
