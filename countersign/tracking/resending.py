"""Sends what a process could not send itself, out of its spool."""

from __future__ import annotations

import logging
from pathlib import Path

from countersign.tracking.delivering import Delivery, Later, signed_in
from countersign.tracking.spool import Spool
from countersign.transport import JSON, Transport

_log = logging.getLogger("countersign")


def send_spool(folder: Path, *, team: str = "", client: Transport | None = None) -> JSON:
    """What a process has left in its spool has arrived, and the spool is gone; {run, name, url, refused}. Raises `Unreachable`,
    `Refused`, `NotSignedIn`, `Unreadable`, and then the spool holds what it held."""
    spool = Spool.open(folder)
    delivery = Delivery((lambda: client) if client else signed_in, _log.warning)
    try:
        start = spool.first() or {}
        if team:
            start["facts"] = {**start["facts"], "team": team}
        delivery.begin(start)
        spool.take()
        while delivery.next(spool):
            pass
    except Later as failure:
        spool.close()
        raise (failure.__cause__ or failure) from None
    except BaseException:
        spool.close()
        raise
    finally:
        delivery.close()
    spool.remove()
    name = str(start["facts"].get("name", ""))
    return {"run": delivery.run, "name": name, "url": delivery.url, "refused": delivery.refused}
