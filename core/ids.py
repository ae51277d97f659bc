"""Public ids: UUID version 7 (RFC 9562 5.7), which sort by time of making."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

RANDOM_BITS = 74
STEP = 2**32  # at most, between two ids of one millisecond

_lock = threading.Lock()
_last = (0, 0)


def uuid7() -> uuid.UUID:
    """In one process each is greater than the one before, also within a millisecond and when the clock goes back (RFC 9562 6.2,
    monotonic random)."""
    global _last  # noqa: PLW0603 - what monotonic means
    with _lock:
        milliseconds, tail = time.time_ns() // 1_000_000, secrets.randbits(RANDOM_BITS)
        if milliseconds <= _last[0]:
            milliseconds, tail = _last[0], _last[1] + 1 + secrets.randbelow(STEP)
            if tail >= 2**RANDOM_BITS:
                milliseconds, tail = milliseconds + 1, secrets.randbits(RANDOM_BITS)
        _last = milliseconds, tail
    head, rest = divmod(tail, 2**62)
    return uuid.UUID(int=(milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | head << 64 | 0b10 << 62 | rest)
