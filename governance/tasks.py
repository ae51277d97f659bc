"""What the clock asks governance to do."""

from __future__ import annotations

from celery import shared_task

from governance import services
from governance.due import do_what_is_due
from governance.models import Webhook
from governance.webhooks import delivering


@shared_task(name="governance.fall_due")
def fall_due() -> None:
    do_what_is_due()


@shared_task(name="governance.deliver_webhooks")
def deliver_webhooks() -> None:
    delivering.deliver_what_waits()


@shared_task(name="governance.test_webhook")
def test_webhook(key: str) -> None:
    delivering.deliver_test(Webhook.objects.get(pk=key))


@shared_task(name="governance.decide_by_envelopes")
def decide_by_envelopes() -> None:
    services.decide_by_envelopes()
