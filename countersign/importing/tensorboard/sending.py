"""One run of a log folder on its way to the site: started once, continued where it was left, ended when it is over."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from countersign.importing.tensorboard.events import Points
from countersign.importing.tensorboard.folders import Batch, Look, RunFolder
from countersign.tracking import api
from countersign.transport import JSON, Transport

RUNNING = "running"
POSITION, CONTINUED = "tensorboard.position", "tensorboard.continued_as"
ENDED_HOW = "tensorboard.end"
BROKEN_OFF, SILENT = "its file breaks off", "taken for granted: no event followed the last"
CURVES, POINTS = 500, 100_000  # of one batch
# What the site takes of one run
MOST_CURVES, NAME, STEP, PARAMS, RUN_NAME = 2_000, 250, 2**53 - 1, 200_000, 200
_WRITER = uuid.UUID("5f0c7a52-3f0f-4c8c-9d52-0f6f2c7b6b7e")  # makes one writer of each source, the same on every machine


@dataclass
class Position:
    """How far the site has heard a run. A tag carries it in the very batch that carries the points: both are kept, or neither."""

    number: int = 0  # of the last batch
    read: dict[str, int] = field(default_factory=dict)  # file -> offset
    until: dict[str, int] = field(default_factory=dict)  # of a reading that went in several batches, and is not through
    highest: int | None = None  # step
    last: int | None = None  # ms since 1970
    ended: str = ""  # what the last event says


class Changed(Exception):
    """Nobody knows any more what the site has of a run; the message says why."""


@dataclass
class Sending:
    """What is new in one folder goes to the site, in batches that are never counted twice."""

    site: Transport
    folder: RunFolder
    run: JSON = field(default_factory=dict)
    points: int = 0  # sent by this process
    superseded: int = 0
    restarts: list[int] = field(default_factory=list)  # steps at which a run was begun anew
    left: dict[tuple[str, str], str] = field(default_factory=dict)  # what the site does not take, its name -> why
    at: Position = field(default_factory=Position)
    source: str = ""
    _pending: deque[tuple[int, int, JSON]] = field(default_factory=deque)  # number, points, and what is logged
    _known: set[str] = field(default_factory=set)  # curves that the site has
    _params: dict[str, Any] = field(default_factory=dict)  # that the site has
    _grown: bool = False  # since it was ended
    _facts: JSON = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        return bool(self.run)

    @property
    def state(self) -> str:
        return str(self.run.get("state", ""))

    def begin(self, **facts: Any) -> bool:
        """The run stands on the site, new or as it was left; False where the folder holds no whole record yet."""
        opening = self.folder.opening()
        if opening is None:
            return False
        self._facts = facts | {"started_at": _moment(opening.time) if opening.time else None}
        self._open(opening.source)
        seen = {self.source}
        while following := self.run.get("tags", {}).get(CONTINUED):
            if following in seen:
                raise Changed(f"its tag {CONTINUED} was changed and leads back to it; remove that tag")
            seen.add(following)
            self._open(following)
        return True

    def send(self, told: Callable[[int], None] | None = None) -> None:
        """The site has everything that is written by now. Raises as the transport does; calling again goes on from there."""
        self._deliver()
        while self._send_up_to(self._look(), told):
            pass  # what was left unfinished is sent; now what came after it

    def _send_up_to(self, look: Look, told: Callable[[int], None] | None) -> bool:
        """Everything up to `look`; True where this was a reading that an earlier process had left unfinished."""
        continued = bool(self.at.until)
        for batch in self.folder.batches(look):
            before = self.at.read
            self._queue(batch)
            self._deliver()
            if told:
                told(sum(batch.read.values()) - sum(before.values()))
        return continued

    def end(self, *, quiet: bool) -> str:
        """Ends the run where its last event says how it ended, or where nothing more is to come; the state that it is in."""
        unfinished = any(file.broken_off or file.stopped for file in self.folder.files.values())
        state, how = self.at.ended, "its last event says so"
        if not state and quiet:
            state, how = ("killed", BROKEN_OFF) if unfinished else ("finished", SILENT)
        if state and (state != self.state or self._grown):
            api.log(self.site, self.run["id"], tags={ENDED_HOW: how})
            self._end(state)
        return self.state

    # -- how -------------------------------------------------------------------------------------------------------------------

    def _open(self, source: str, *, again: str = "") -> None:
        self.source = source
        facts = self._facts | {"name": self._facts["name"][-RUN_NAME + len(again) :] + again}
        self.run = api.start_run(self.site, origin="import", source=source, **facts)
        self.at = self._position()
        self.folder = RunFolder(self.folder.path, self.folder.name, self.folder.home, read=dict(self.at.read))
        self._params = dict(self.run.get("params", {}))
        self._known = {one["name"] for one in self.run.get("series", [])}
        self._pending.clear()

    def _position(self) -> Position:
        kept = self.run.get("tags", {}).get(POSITION)
        if kept is None and not self.run.get("series"):
            return Position()
        try:
            found = Position(**json.loads(kept or ""))
            numbers: list[Any] = [found.number, *found.read.values(), *found.until.values(), found.highest or 0, found.last or 0]
        except (TypeError, ValueError, AttributeError):
            numbers = [None]
        if not all(type(number) is int for number in numbers) or not isinstance(found.ended, str):
            raise Changed(f"its tag {POSITION} was changed, so nobody knows what was sent; hide the run and rename the folder")
        return found

    def _look(self) -> Look:
        """What the files hold by now; a reading that was left unfinished first goes as far as it went, so that its batches,
        with the same numbers, hold the same points."""
        look = self.folder.look()
        if self.at.until:
            ends = {name: min(end, self.at.until[name]) for name, end in look.ends.items() if name in self.at.until}
            return Look(ends, look.starts)
        if any(self.at.highest is not None and step <= self.at.highest for _file, _place, step in look.starts):
            self._begin_anew(min(look.starts, key=lambda start: start[2]))
            return self.folder.look()
        return look

    def _begin_anew(self, start: tuple[str, int, int]) -> None:
        """A session that starts over at a step that was sent already: the run so far was broken off, and another goes on."""
        file, place, step = start
        following = f"{self.source.split('+')[0]}+{file}@{place}"
        api.log(
            self.site, self.run["id"], tags={CONTINUED: following, ENDED_HOW: f"its training was started anew at step {step}"}
        )
        if self.state == RUNNING:
            self._end(api.KILLED)
        self.restarts.append(step)
        self._open(following, again=f" from step {step}")

    def _queue(self, batch: Batch) -> None:
        """The calls that send a batch; the last of them moves the position."""
        events = self.folder.events
        self.superseded += batch.superseded
        curves = {tag: kept for tag, points in batch.curves.items() if self._may_keep(tag) and (kept := self._near(tag, points))}
        params = self._new_params(events.params)
        self._grown = True
        parts = list(_divided(curves)) or [{}]
        highest = max((max(points.steps) for points in curves.values()), default=None)
        after = Position(
            number=self.at.number + len(parts),
            read=batch.read,
            highest=max((step for step in (highest, self.at.highest) if step is not None), default=None),
            last=max((moment for moment in (events.last, self.at.last) if moment is not None), default=None),
            ended=events.ended,
        )
        until = Position(**(asdict(self.at) | {"until": batch.read}))
        for place, part in enumerate(parts, start=1):
            facts: JSON = {
                "series": [api.packed(tag, points.steps, points.values, points.times) for tag, points in part.items()],
                "params": params if place == 1 else {},
                "tags": {POSITION: json.dumps(asdict(after if place == len(parts) else until), separators=(",", ":"))},
            }
            self._pending.append((self.at.number + place, sum(map(len, part.values())), facts))
        self.at = after

    def _deliver(self) -> None:
        writer = str(uuid.uuid5(_WRITER, self.source))
        while self._pending:
            number, points, facts = self._pending[0]
            if points and self.state != RUNNING:  # it goes on after all
                self.run = api.reopen_run(self.site, self.run["id"])
            api.log(self.site, self.run["id"], batch=(writer, number), **facts)
            self.points += points
            self._pending.popleft()

    def _end(self, state: str) -> None:
        """A time of its end before that of its beginning would be refused: clocks differ."""
        ended_at = None if self.at.last is None else _moment(self.at.last)
        if ended_at and ended_at < datetime.fromisoformat(self.run["started_at"]):
            ended_at = None
        self.run = api.end_run(self.site, self.run["id"], state=state, ended_at=ended_at)
        self._grown = False

    def _may_keep(self, tag: str) -> bool:
        if not 0 < len(tag.strip()) <= NAME or "\0" in tag:
            self.left["curve", tag[:NAME]] = "its name is empty, too long or holds signs that cannot be kept"
        elif tag.strip() not in self._known and len(self._known) >= MOST_CURVES:
            self.left["curve", tag] = f"a run has at most {MOST_CURVES:,} curves"
        else:
            self._known.add(tag.strip())
            return True
        return False

    def _near(self, tag: str, points: Points) -> Points:
        """Without points at steps that the site does not take."""
        if min(points.steps) >= -STEP and max(points.steps) <= STEP:
            return points
        kept = Points()
        for step, value, moment in zip(points.steps, points.values, points.times, strict=True):
            if abs(step) <= STEP:
                kept.add(step, value, moment)
            else:
                self.left["point", f"{tag} at {step:,}"] = "its step has more than 53 bits"
        return kept

    def _new_params(self, found: dict[str, Any]) -> dict[str, Any]:
        """Parameters that the site has not, as far as it takes them."""
        new: dict[str, Any] = {}
        room = PARAMS - len(json.dumps(self._params))
        for name, value in found.items():
            if name in self._params or ("parameter", name[:NAME]) in self.left:
                continue
            size = len(json.dumps({name: value}))
            if size > room or "\0" in f"{name}{value}":
                why = "the parameters of a run are too large together, or hold signs that cannot be kept"
                self.left["parameter", name[:NAME]] = why
                continue
            room -= size
            self._params[name] = new[name] = value
        return new


def _divided(curves: dict[str, Points]) -> Iterator[dict[str, Points]]:
    """The points in as many parts as their number needs, the same for the same points."""
    part: dict[str, Points] = {}
    room = POINTS
    for tag in sorted(curves):
        points = curves[tag]
        begin = 0
        while begin < len(points):
            end = begin + room
            part[tag] = Points(points.steps[begin:end], points.values[begin:end], points.times[begin:end])
            room -= len(part[tag])
            begin = end
            if not room or len(part) == CURVES:
                yield part
                part, room = {}, POINTS
    if part:
        yield part


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def silent_for(sending: Sending) -> float:
    """Seconds since the last event that was sent."""
    return time.time() - (sending.at.last or 0) / 1000
