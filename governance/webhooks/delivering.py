"""The log is the outbox: each webhook goes along it with a place of its own, and is told of each entry in order until it has it.

At least once: a worker that dies after sending sends again. A receiver knows a repetition by the entry's id.
"""

from __future__ import annotations

import json
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from core import clock
from core.ids import uuid7
from governance import lifecycle
from governance.models import Delivery, Webhook
from governance.webhooks import kinds
from governance.webhooks.sending import Sent, send
from governance.webhooks.signing import HEADER, secret_of, signature
from ledger.actors import CLOCK
from ledger.acts import act
from ledger.models import Leaf, Tree

log = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 10, 3600  # seconds before the second attempt, doubled each time up to the longest
MOST_ATTEMPTS = 10  # of one entry: for about an hour and a half
GIVES_UP_AFTER = timedelta(days=1)  # without one delivery: the webhook stops, and those who manage it are told
KEPT = timedelta(days=30)  # attempts
AT_ONCE = 50  # entries that one turn tells one webhook of
LOOKED_AT = 500  # entries of the log that one turn looks at
LEASE = timedelta(minutes=20)  # longer than AT_ONCE deliveries can take


def deliver_what_waits() -> None:
    """Every webhook whose turn it is has been told of what it had not yet been told of."""
    now = clock.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    end = Tree.objects.values_list("size", flat=True).first() or 0
    for hook in Webhook.objects.filter(free, state=Webhook.State.ACTIVE, next_at__lte=now, cursor__lt=end):
        # Only as it was read: while others were told, another worker may have tried, or somebody may have stopped it.
        lease, row = clock.now() + LEASE, Webhook.objects.filter(pk=hook.pk)
        as_read = Q(state=Webhook.State.ACTIVE, cursor=hook.cursor, attempts=hook.attempts, next_at=hook.next_at)
        if row.filter(free, as_read).update(leased_until=lease) == 1:
            try:
                _follow(hook, end)
            finally:
                row.filter(leased_until=lease).update(leased_until=None)
    Delivery.objects.filter(at__lt=now - KEPT).delete()


def deliver_test(webhook: Webhook) -> None:
    """A test has been sent; it is not repeated, and its failure stops nothing."""
    key = uuid7()
    body = {"id": str(key), "kind": "test", "type": "test", "at": clock.stamp(clock.now()), "data": {}}
    _note(webhook, key, "test", _send(webhook, key, body), attempt=1, last=True)


def wait_before(attempt: int) -> timedelta:
    """How long after the `attempt`th failure the next attempt is made: doubled each time, and of that half to all by chance, so
    that many that failed at once do not come back at once."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    return timedelta(seconds=whole / 2 + secrets.randbelow(1000) / 1000 * whole / 2)


def _follow(hook: Webhook, end: int) -> None:
    until = min(end, hook.cursor + LOOKED_AT)
    places = Leaf.objects.filter(index__gte=hook.cursor, index__lt=until)
    leaves = list(places.filter(event__type__in=kinds.TYPES).select_related("event").order_by("index")[: AT_ONCE + 1])
    versions = kinds.versions_of(leaf.event for leaf in leaves)
    for leaf in leaves[:AT_ONCE]:
        kind, version = kinds.kind_of(leaf.event), versions.get(leaf.event_id)
        if kind is not None and kinds.concerns(hook, kind, version):
            attempts = hook.attempts if leaf.index == hook.cursor else 0
            if not _tell(hook, leaf, kind, kinds.told(leaf.event, kind, version), attempts + 1):
                return
        _go_on(hook, leaf.index + 1)
    if len(leaves) <= AT_ONCE:
        _go_on(hook, until)


def _go_on(hook: Webhook, place: int) -> None:
    hook.cursor, hook.attempts = place, 0
    Webhook.objects.filter(pk=hook.pk, cursor__lt=place).update(cursor=place, attempts=0)


def _tell(hook: Webhook, leaf: Leaf, kind: str, body: dict[str, Any], attempt: int) -> bool:
    """Whether the webhook goes on to the next entry: it was told, or this entry is given up."""
    sent = _send(hook, leaf.event_id, body)
    last = attempt >= MOST_ATTEMPTS
    _note(hook, leaf.event_id, kind, sent, attempt=attempt, last=last)
    now = clock.now()
    row = Webhook.objects.filter(pk=hook.pk)
    if sent.delivered:
        row.update(failing_since=None)
        return True
    since = hook.failing_since or now
    row.update(failing_since=since, attempts=attempt, next_at=now + wait_before(attempt), cursor=leaf.index)
    if now - since >= GIVES_UP_AFTER:
        _stop(hook, now)
        return False
    if last:
        _go_on(hook, leaf.index + 1)
    return False  # the next entry waits as well: a receiver that fails is not sent a hundred at once


def _stop(hook: Webhook, now: datetime) -> None:
    with act(CLOCK) as this:
        fresh = Webhook.objects.select_for_update().get(pk=hook.pk)
        if fresh.state == Webhook.State.ACTIVE:
            lifecycle.stop_webhook(fresh, because="failing", within=this)
    log.warning("A webhook that fails was stopped", extra={"facts": {"webhook": str(hook.pk), "at": clock.stamp(now)}})


def _send(hook: Webhook, key: UUID, body: dict[str, Any]) -> Sent:
    data = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Countersign-Webhook/1",
        "Countersign-Delivery": str(key),
        "Countersign-Webhook": str(hook.pk),
        HEADER: signature(secret_of(hook.pk), data, at=int(clock.now().timestamp())),
        "Connection": "close",
    }
    return send(hook.url, data, headers)


def _note(hook: Webhook, key: UUID, kind: str, sent: Sent, *, attempt: int, last: bool) -> None:
    outcome = Delivery.Outcome.DELIVERED if sent.delivered else Delivery.Outcome.GIVEN_UP if last else Delivery.Outcome.FAILED
    Delivery.objects.create(
        webhook=hook,
        event=key,
        kind=kind,
        attempt=attempt,
        outcome=outcome,
        status=sent.status,
        milliseconds=sent.milliseconds,
        error=sent.error,
        at=clock.now(),
    )
