"""What tests of every context use of the ledger: `story` tells the event types recorded since the test began."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def story(db: None) -> Callable[[], list[str]]:
    """The types of the events recorded since the test began, in their order."""
    from ledger.models import Event  # noqa: PLC0415 - plug-ins load before Django does

    before = set(Event.objects.values_list("pk", flat=True))

    def tell() -> list[str]:
        told = Event.objects.in_order().values_list("pk", "type")
        return [event_type for pk, event_type in told if pk not in before]

    return tell
