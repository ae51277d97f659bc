"""The clock's edge."""

from __future__ import annotations

from celery import shared_task

from monitoring import drawing, services


@shared_task(name="monitoring.check_predictions")
def check_predictions() -> None:
    """Check the predictions that arrived since the last time, then draw what was found."""
    services.check_waiting_predictions()
    drawing.draw_outdated()
