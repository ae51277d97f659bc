"""Having an address outside told of what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from celery import current_app
from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance import events, lifecycle
from governance.models import Webhook
from governance.permissions import can_manage_webhooks
from governance.webhooks.addresses import resolved
from governance.webhooks.signing import secret_of
from ledger.acts import act
from ledger.events import Private
from ledger.models import Tree

if TYPE_CHECKING:
    from accounts.models import Person, Team


def make_webhook(*, team: Team | None, url: str, kinds: Sequence[str], by: Person) -> tuple[Webhook, str]:
    """The address is told of these kinds of events from now on; with the secret by which it knows them, shown this once."""
    wanted = [kind for kind in Webhook.Kind.values if kind in kinds]
    if not wanted or set(kinds) - set(Webhook.Kind.values):
        raise InvalidInput(
            _("Choose at least one of: %(kinds)s.") % {"kinds": ", ".join(Webhook.Kind.values)}, field="kinds", code="kinds"
        )
    can_manage_webhooks(by, team).enforce()
    resolved(url)  # asks the network's name service, so outside the act
    with act(by, attempt="make_webhook", on=team) as this:
        can_manage_webhooks(by, team).enforce()
        place = Tree.objects.values_list("size", flat=True).first() or 0
        made = Webhook.objects.create(
            team=team, url=url, kinds=wanted, made_by=by, made_at=this.at, next_at=this.at, cursor=place
        )
        fact = events.WebhookMade(team=str(team.pk) if team else "", kinds=[str(kind) for kind in wanted], url=Private(url))
        this.record(fact, on=made)
    return made, secret_of(made.pk)


def stop_webhook(webhook: Webhook, *, by: Person) -> None:
    """The address is told of nothing any more."""
    with act(by, attempt="stop_webhook", on=webhook) as this:
        can_manage_webhooks(by, webhook.team).enforce()
        lifecycle.stop_webhook(webhook, because="asked", within=this)


def start_webhook(webhook: Webhook, *, by: Person) -> None:
    """The address is told again, of what happens from now on: what it missed stands in the trail."""
    with act(by, attempt="start_webhook", on=webhook) as this:
        can_manage_webhooks(by, webhook.team).enforce()
        place = Tree.objects.values_list("size", flat=True).first() or 0
        lifecycle.start_webhook(webhook, cursor=place, within=this)


def test_webhook(webhook: Webhook, *, by: Person) -> None:
    """A worker sends a test to the address at once."""
    with act(by, attempt="test_webhook", on=webhook) as this:
        can_manage_webhooks(by, webhook.team).enforce()
        this.record(events.WebhookTested(), on=webhook)
        key = str(webhook.pk)
        transaction.on_commit(lambda: current_app.send_task("governance.test_webhook", args=[key]), robust=True)
