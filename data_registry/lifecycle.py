"""The steps of a dataset version and of its profile."""

from __future__ import annotations

from data_registry.models import DatasetVersion
from ledger.acts import Transition
from ledger.leases import COMPLETE, FAIL

State = DatasetVersion.State

REGISTER = Transition(frozenset({State.DRAFT}), State.REGISTERED)

__all__ = ["COMPLETE", "FAIL", "REGISTER"]
