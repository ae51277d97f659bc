"""The steps of an alert, as data; the only callers of `Act.move` here."""

from __future__ import annotations

from ledger.acts import Act, Transition
from ledger.events import Private
from monitoring import events
from monitoring.models import Alert

ACKNOWLEDGE = Transition(frozenset({Alert.State.OPEN}), Alert.State.ACKNOWLEDGED)
CLOSE = Transition(frozenset({Alert.State.OPEN, Alert.State.ACKNOWLEDGED}), Alert.State.CLOSED)


def acknowledge(alert: Alert, *, within: Act) -> None:
    within.move(alert, ACKNOWLEDGE, events.AlertAcknowledged())


def close(alert: Alert, *, why: str, within: Act) -> None:
    within.move(alert, CLOSE, events.AlertClosed(why=Private(why)))
