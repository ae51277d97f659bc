"""What a script said, as lines of the spool: points in batches of packed series, the rest as it came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from countersign.tracking import api
from countersign.transport import JSON

AT_ONCE = 20_000  # points in one line of the spool, less than a megabyte
POINT = 4  # parts of a point


def lines(said: deque[Any]) -> Iterator[tuple[str, JSON, int]]:
    """What waits, as lines of the spool with the number of points in each: points in batches, the rest as it came."""
    points: list[tuple[str, int, float, int]] = []
    while said:
        one = said.popleft()  # only one gathers at a time
        if is_point := len(one) == POINT:
            points.append(one)
        if points and (not is_point or len(points) == AT_ONCE or not said):
            yield "log", {"facts": {"series": _series(points)}}, len(points)
            points = []
        if not is_point and (one[0] != "log" or one[1]["facts"]):
            yield *one, 0
    if points:
        yield "log", {"facts": {"series": _series(points)}}, len(points)


def _series(rows: list[tuple[str, int, float, int]]) -> list[JSON]:
    columns: dict[str, tuple[list[int], list[float], list[int]]] = {}
    for name, step, value, moment in rows:
        steps, found, times = columns.setdefault(name, ([], [], []))
        steps.append(step)
        found.append(value)
        times.append(moment)
    return [api.packed(name, *three) for name, three in columns.items()]
