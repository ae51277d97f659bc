"""The one source of time. Tests freeze it by replacing `now`'s source, never by patching callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, in UTC."""
    return _frozen or datetime.now(UTC)


def today() -> date:
    """The present day in UTC, by which due dates count."""
    return now().date()


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits and `Z`: the one form that is hashed."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock at `moment`: for tests only."""
    global _frozen  # noqa: PLW0603 - one process-wide clock is the point
    before, _frozen = _frozen, moment
    try:
        yield
    finally:
        _frozen = before
