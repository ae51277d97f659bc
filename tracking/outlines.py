"""What is drawn of curves: their outlines, kept in the cache and kept up with what was added since.

A page that follows a training asks for its curves every few seconds. Only the chunks that were added since the last time are read
from the database; so a curve of a million points is drawn as fast as one of ten thousand (docs/adr/0022).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import numpy as np
from django.core.cache import cache
from django.db.models import Q

from core.charts import Line
from measures.outline import KEPT, Outline, Points, points, thin
from tracking.models import MetricChunk, MetricSeries

COLUMNS = 320  # of a picture; each shows at most four points of a line
KEPT_FOR = 24 * 3600  # seconds; a curve that nobody looked at for so long is read anew
AT_ONCE = 1 << 18  # points that are joined before they are summed up
_FORM = 1  # of what is kept in the cache; another number forgets what was kept in an earlier form
_HEAD = struct.Struct("<qqq")


@dataclass(frozen=True, slots=True)
class CurveOutline:
    """The outline of one curve: its finite points, and those that are NaN or infinite. `place` is that of the last chunk in it,
    which may have grown since; `before` counts the points of the chunks before that one."""

    finite: Outline = field(default_factory=Outline)
    broken: Outline = field(default_factory=Outline)
    place: int = 0
    before: int = 0

    @property
    def count(self) -> int:
        return self.finite.count + self.broken.count

    def to_bytes(self) -> bytes:
        first = self.finite.to_bytes()
        return _HEAD.pack(self.place, self.before, len(first)) + first + self.broken.to_bytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> CurveOutline:
        place, before, length = _HEAD.unpack_from(kept)
        body = kept[_HEAD.size :]
        return cls(Outline.from_bytes(body[:length]), Outline.from_bytes(body[length:]), place, before)


def outlines_of(series: Sequence[MetricSeries]) -> dict[UUID, CurveOutline]:
    """The outline of each series as it stands in the database: one question to the cache, and at most one to the database."""
    kept = cache.get_many([key_of(one.pk) for one in series])
    known = {one.pk: CurveOutline.from_bytes(kept[key_of(one.pk)]) for one in series if key_of(one.pk) in kept}
    found = {one.pk: known.get(one.pk, CurveOutline()) for one in series}
    behind = {one.pk: found[one.pk] for one in series if found[one.pk].count < one.count}
    if behind:
        caught_up = {pk: _extended(behind[pk], chunks) for pk, chunks in _added(behind)}
        cache.set_many({key_of(pk): outline.to_bytes() for pk, outline in caught_up.items()}, timeout=KEPT_FOR)
        found |= caught_up
    return found


def line_of(series: MetricSeries, outline: CurveOutline, *, short: str, seconds_since: int | None = None) -> Line:
    """The curve as a chart draws it: over its steps, or over the seconds since a moment (milliseconds since 1970)."""
    finite, broken = outline.finite.kept, outline.broken.kept
    if seconds_since is not None:  # a point without a time has no place on that axis
        finite, broken = finite[finite["time"] > 0], broken[broken["time"] > 0]
    x, lost = _along(finite, seconds_since), _along(broken, seconds_since)
    drawn, marked = thin(x, finite["value"], COLUMNS), thin(lost, np.zeros(len(lost)), COLUMNS)
    steps, values = np.concatenate([x[drawn], lost[marked]]), np.concatenate([finite["value"][drawn], broken["value"][marked]])
    order = np.argsort(steps, kind="stable")
    return Line(
        label=series.name,
        steps=steps[order].tolist(),
        values=values[order].tolist(),
        count=series.count,
        not_finite=series.not_finite,
        short=short,
    )


def thinned(outline: CurveOutline, most: int) -> Points:
    """At most so many of the finite points by step, first, lowest, highest and last of equal parts, so that peaks survive."""
    kept = outline.finite.kept
    return kept[thin(kept["step"], kept["value"], max(1, most // KEPT))]


def _along(some: Points, seconds_since: int | None) -> Points:
    return some["step"] if seconds_since is None else (some["time"] - seconds_since) / 1000


def key_of(pk: UUID) -> str:
    """Under which name a series' outline lies in the cache."""
    return f"curve:{_FORM}:{pk}"


def _added(behind: dict[UUID, CurveOutline]) -> Iterator[tuple[UUID, Iterable[MetricChunk]]]:
    """For each series the chunks from the last one known on."""
    wanted = Q()
    for pk, outline in behind.items():
        wanted |= Q(series_id=pk, place__gte=outline.place)
    chunks = MetricChunk.objects.filter(wanted).order_by("series_id", "place").iterator(chunk_size=16)
    return groupby(chunks, key=lambda chunk: chunk.series_id)


def _extended(outline: CurveOutline, chunks: Iterable[MetricChunk]) -> CurveOutline:
    finite, broken, place, before = outline.finite, outline.broken, outline.place, outline.before
    seen, waiting, many = outline.count - outline.before, list[Points](), 0  # `seen`: points known of the chunk at `place`
    size = seen
    for chunk in chunks:
        if chunk.place != place:
            place, before, seen = chunk.place, before + size, 0
        size = chunk.count
        added = chunk.points()[seen:]
        waiting.append(points(added.steps, added.values, added.times))
        many += len(added)
        if many >= AT_ONCE:
            finite, broken = _with(finite, broken, waiting)
            waiting, many = [], 0
    if waiting:
        finite, broken = _with(finite, broken, waiting)
    return CurveOutline(finite, broken, place, before)


def _with(finite: Outline, broken: Outline, waiting: Sequence[Points]) -> tuple[Outline, Outline]:
    joined = np.concatenate(waiting)
    is_finite = np.isfinite(joined["value"])
    return finite.extended(joined[is_finite]), broken.extended(joined[~is_finite])
