"""Past facts about what production reported and what checks of it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("observations.received", version=1)
@dataclass(frozen=True, kw_only=True)
class ObservationsReceived(Event):
    """A batch of predictions arrived from an environment, as sums that its digest names."""

    says = _("%(rows)s observations received from %(environment)s")
    look = ("activity", "idle")

    version_id: str
    environment: str
    rows: int
    digest: str


@event("predictions.checked", version=1)
@dataclass(frozen=True, kw_only=True)
class PredictionsChecked(Event):
    """The scheduled check compared the predictions of the waiting batches with their reference; both rules answered."""

    look = ("chart-line", "info")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        rules = {data.get("source_rule"), data.get("interval_rule")}
        if "fired" in rules:
            return _("Predictions on %(rows)s rows checked: not distributed as expected")
        if "quiet" in rules:
            return _("Predictions on %(rows)s rows checked: distributed as expected")
        return _("Predictions on %(rows)s rows could not be checked: neither rule applies")

    version_id: str
    environment: str
    rows: int
    source_rule: str  # fired, quiet or not_applied
    interval_rule: str
    digest: str  # over what was checked and every figure of the answer


@event("alert.opened", version=1)
@dataclass(frozen=True, kw_only=True)
class AlertOpened(Event):
    """Something in production asks for a person."""

    says = _("Alert: %(sentence)s")
    look = ("bell-ring", "bad")

    version_id: str
    environment: str
    rule: str
    sentence: str
    facts_digest: str


@event("alert.acknowledged", version=1)
@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged(Event):
    """A person has seen the alert and looks into it."""

    says = _("Alert acknowledged")
    look = ("eye", "warn")


@event("alert.closed", version=1)
@dataclass(frozen=True, kw_only=True)
class AlertClosed(Event):
    """A person ended the alert, saying why."""

    says = _("Alert closed")
    look = ("circle-check", "idle")

    why: Private
