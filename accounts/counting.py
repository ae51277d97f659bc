"""Counts attempts in the cache, which all processes share, and says which of them the log should hear of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from core.clock import now
from core.errors import Unavailable

EVENTS_A_MINUTE = 60  # of one kind from all sources together: an attacker with many addresses must not flood the log either


@contextmanager
def counted() -> Iterator[None]:
    """What cannot be counted is not tried: without the cache, guessing would be free."""
    try:
        yield
    except RedisError as error:
        raise Unavailable(_("Attempts cannot be counted right now, so none is accepted. Try again in a minute.")) from error


def add_one(name: str, *, seconds: int) -> int:
    """The count of `name` with this one, in a window of `seconds` that begins with the first."""
    with counted():
        cache.add(name, 0, seconds)
        try:
            count = cache.incr(name)
        except ValueError:  # the window closed between the two
            cache.add(name, 0, seconds)
            count = cache.incr(name)
        if count <= 1:
            cache.touch(name, seconds)  # Redis counts on without an end where the window closes within `incr`: give it one
        return count


def take_back(name: str) -> None:
    """One less, for an attempt that was none."""
    with counted():
        try:
            cache.decr(name)
        except ValueError:
            return  # its window closed meanwhile


def worth_an_event(kind: str, source: str) -> int | None:
    """How many of `kind` came from `source` in this minute, if it is the 1st, 10th, 100th ...; else None."""
    minute = int(now().timestamp()) // 60
    count = add_one(f"accounts:{kind}:{source}:{minute}", seconds=120)
    if str(count).strip("0") != "1":
        return None
    return count if add_one(f"accounts:{kind}:all:{minute}", seconds=120) <= EVENTS_A_MINUTE else None
