"""What the clock asks governance to do."""

from __future__ import annotations

from celery import shared_task

from governance.due import do_what_is_due


@shared_task(name="governance.fall_due")
def fall_due() -> None:
    do_what_is_due()
