"""Past facts about who is told."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("webhook.made", version=1)
@dataclass(frozen=True, kw_only=True)
class WebhookMade(Event):
    """From now on an address outside is told of these kinds of events."""

    says = _("Webhook made")
    look = ("webhook", "info")

    team: str  # empty: everywhere
    kinds: list[str]
    url: Private  # may hold a token


@event("webhook.stopped", version=1)
@dataclass(frozen=True, kw_only=True)
class WebhookStopped(Event):
    """The address is told of nothing any more."""

    says = _("Webhook stopped: %(because)s")
    look = ("webhook-off", "warn")

    because: str  # asked, or failing


@event("webhook.started", version=1)
@dataclass(frozen=True, kw_only=True)
class WebhookStarted(Event):
    """The address is told again, of what happens from now on."""

    says = _("Webhook started again")
    look = ("webhook", "info")


@event("webhook.tested", version=1)
@dataclass(frozen=True, kw_only=True)
class WebhookTested(Event):
    """Somebody asked that a test be sent to the address."""

    says = _("Test of a webhook asked for")
    look = ("webhook", "idle")
