"""What the clock has the ledger do."""

from __future__ import annotations

import logging

from celery import shared_task

from ledger import services
from ledger.signer import SealRefused

log = logging.getLogger(__name__)


@shared_task(name="ledger.sequence_and_seal")
def sequence_and_seal() -> None:
    """New events are in the log and its head is sealed. A refusal is for people to look at, not for a retry to overcome."""
    try:
        services.sequence_and_seal()
    except SealRefused as refusal:
        log.error("The log was not sealed: %s", refusal)
