"""What falls due by itself: approvals and conditions that run out, reminders, deliveries. Each part registers what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable

from core.registry import Registry

log = logging.getLogger(__name__)
# Each does what is due now, in acts of its own, and finds nothing to do when called again. Registered in AppConfig.ready.
falling_due: Registry[Callable[[], None]] = Registry("thing that falls due")


def do_what_is_due() -> None:
    """Everything registered has had its turn; a part that fails is logged and keeps no other from its own."""
    for name, deed in zip(falling_due.names(), falling_due, strict=True):
        try:
            deed()
        except Exception:
            log.exception("What is due could not be done", extra={"facts": {"part": name}})
