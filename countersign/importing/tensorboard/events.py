"""Points of curves from the records of event files, in the order in which they were written."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from countersign.importing.tensorboard import hparams
from countersign.importing.tensorboard.tensors import number_of
from countersign.importing.tensorboard.wire import BYTES, FIXED32, FIXED64, VARINT, Malformed, fields, signed, text, varint

LATEST = 253_402_300_800  # seconds; the year 10000, which no date can name
KINDS = 20  # different things that are left out and named
MANY = 100_000  # curves that are remembered between two readings
# Event
_WALL_TIME, _STEP, _SUMMARY, _SESSION_LOG = 1 << 3 | FIXED64, 2 << 3 | VARINT, 5 << 3 | BYTES, 7 << 3 | BYTES
_OTHER_EVENTS = {4: "graph", 6: "log message", 8: "run metadata", 9: "graph"}
# Summary, and its Value
_VALUE = 1 << 3 | BYTES
_TAG, _SIMPLE, _TENSOR, _METADATA = 1 << 3 | BYTES, 2 << 3 | FIXED32, 8 << 3 | BYTES, 9 << 3 | BYTES
_OTHER_VALUES = {3: "histogram", 4: "image", 5: "histogram", 6: "audio clip"}
# SummaryMetadata, and its PluginData
_PLUGIN, _DATA_CLASS, _NAME, _CONTENT = 1 << 3 | BYTES, 4 << 3 | VARINT, 1 << 3 | BYTES, 2 << 3 | BYTES
_SCALAR = 1  # DataClass
_PLUGINS = {"images": "image", "histograms": "histogram", "audio": "audio clip", "text": "text"}
# SessionLog
_STATUS, START, _STOP = 1 << 3 | VARINT, 1, 2
_time_at, _value_at = struct.Struct("<d").unpack_from, struct.Struct("<f").unpack_from


@dataclass
class Points:
    """The points of one curve: steps, values, and times in ms since 1970."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, step: int, value: float, time: int) -> None:
        self.steps.append(step)
        self.values.append(value)
        self.times.append(time)


@dataclass
class Session:
    """What was written from `place` in the file on, up to the next start of a session."""

    place: int
    curves: dict[str, Points] = field(default_factory=dict)


@dataclass
class Events:
    """Reads the events of one run. What a curve is, its first event says, as in TensorBoard."""

    params: dict[str, Any] = field(default_factory=dict)
    other_params: int = 0  # that cannot be read, or were given another value before
    ended: str = ""  # finished or failed, where the last event of all says so
    first: int | None = None  # ms since 1970
    last: int | None = None
    left_out: Counter[str] = field(default_factory=Counter)  # what is no scalar, by what it is
    unreadable: int = 0  # records that are no events
    _kinds: dict[str, str] = field(default_factory=dict)  # tag -> its plug-in; "" where it named none
    _open: dict[str, Points] = field(default_factory=dict)
    _shapes: dict[bytes, Points] = field(default_factory=dict)  # the bytes of an event around its step and value -> its curve
    _holes: dict[int, int] = field(default_factory=dict)  # bytes behind the step -> bytes from the value on
    _sessions: list[Session] = field(default_factory=list)
    _end: tuple[str, int] | None = None  # how it ended, and the number of points before

    def take(self, rows: Iterable[bytes], places: list[int]) -> list[Session]:
        """The points of records as `EventFile.read` gives them, divided where a session starts."""
        if not places:
            return []
        self._sessions, shapes, holes = [Session(places[0])], self._shapes, self._holes
        for row, place in zip(rows, places, strict=True):
            # Most records differ from one before them in time, step and value alone: the other bytes are the same, and mean
            # the same. Time and step stand first; how far from the end the value stands goes by the length of what follows.
            if len(row) > 24 and row[0] == _WALL_TIME and row[9] == _STEP:
                step, end = row[10], 11
                if step > 127:
                    step, end = (step & 127 | row[11] << 7, 12) if row[11] < 128 else _varint(row, 10)
                hole = holes.get(len(row) - end, 8)
                points = shapes.get(row[end:-hole] + row[4 - hole : -4])
                if points is not None:
                    (time,) = _time_at(row, 1)
                    if 0 <= time < LATEST:
                        points.steps.append(step)
                        points.values.append(_value_at(row, len(row) - hole)[0])
                        points.times.append(round(time * 1000))
                        continue
            try:
                self._event(row[:-4], place)
            except Malformed:
                self.unreadable += 1
        self._close()
        return self._finished()

    def _finished(self) -> list[Session]:
        sessions, self._sessions = self._sessions, []
        found = [points for session in sessions for points in session.curves.values()]
        for points in found:
            self._heard(min(points.times))
            self._heard(max(points.times))
        if self._end is not None:  # an end counts only where no point follows it: some writers note the end when they begin
            state, before = self._end
            self.ended = state if before == sum(map(len, found)) else ""
        elif found:
            self.ended = ""
        self._end = None
        return sessions

    def _heard(self, time: int) -> None:
        if time > 0:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)

    def _close(self) -> None:
        """What was read so far belongs to the session that ends here."""
        closed = self._sessions[-1].curves
        for tag, points in self._open.items():
            if points.steps:
                closed[tag] = Points(points.steps, points.values, points.times)
                points.steps, points.values, points.times = [], [], []
        if len(self._open) > MANY:
            self._open, self._shapes, self._holes = {}, {}, {}

    def _event(self, event: bytes, place: int) -> None:
        time, step, summaries, status = 0.0, 0, list[bytes](), 0
        for key, value in fields(event):
            if key == _WALL_TIME:
                (time,) = _time_at(value)
            elif key == _STEP:
                step = signed(value)
            elif key == _SUMMARY:
                summaries.append(value)
            elif key == _SESSION_LOG:
                status = status_of(value)
            elif key >> 3 in _OTHER_EVENTS:
                self._leave_out(_OTHER_EVENTS[key >> 3])
        if not 0 <= time < LATEST:
            raise Malformed
        moment = round(time * 1000)
        numbers = [self._number(value) for summary in summaries for key, value in fields(summary) if key == _VALUE]
        if status == START:
            self._close()
            self._sessions.append(Session(place))
            self.ended, self._end = "", None
        elif status == _STOP:
            self._ends("finished")
        for found in numbers:
            if found is not None:
                self._points(found[0]).add(step, found[1], moment)
        self._heard(moment)
        if len(numbers) == 1 and numbers[0] is not None and event[0] == _WALL_TIME and event[9] == _STEP:
            self._learn(event, *numbers[0])

    def _number(self, value: bytes) -> tuple[str, float] | None:
        """Tag and number of a scalar; anything else is counted."""
        tag, plugin, content, data_class, what, held = "", "", b"", 0, 0, b""
        for key, part in fields(value):
            if key == _TAG:
                tag = text(part)
            elif key == _METADATA:
                plugin, content, data_class = _metadata(part)
            elif key in (_SIMPLE, _TENSOR) or key >> 3 in _OTHER_VALUES:
                what, held = key, part
        if plugin == "hparams":
            self._session(content)
        elif what == _SIMPLE:
            return tag, _value_at(held)[0]
        elif what == _TENSOR:
            kind = self._kinds.setdefault(tag, "scalars" if data_class == _SCALAR else plugin)
            number = number_of(held) if kind in ("scalars", "") else None
            if number is not None:
                return tag, number
            self._leave_out(_PLUGINS.get(kind, f"tensor of {kind[:40]}" if kind else "tensor"))
        elif what:
            self._leave_out(_OTHER_VALUES[what >> 3])
        return None

    def _points(self, tag: str) -> Points:
        return self._open.setdefault(tag, Points())

    def _learn(self, event: bytes, tag: str, number: float) -> None:
        """Events that have the same bytes around their step and value are known from now on.

        Where the value stands is tried out: another number is put there, and must be what is read then.
        """
        try:
            _step, end = varint(event, 10)
            ((in_event, summary),) = fields(event[end:])
            ((in_summary, _value),) = fields(summary)
            place = event.rfind(struct.pack("<f", number), end)
            if (in_event, in_summary) != (_SUMMARY, _VALUE) or place < 0:
                return
            other = 2.0 if number == 1.0 else 1.0
            ((_key, tried),) = fields(event[end:place] + struct.pack("<f", other) + event[place + 4 :])
            ((_key, value),) = fields(tried)
            known = self._number(value) == (tag, other)
        except (Malformed, ValueError, OverflowError):  # several fields, or a number that is no float32
            return
        hole = len(event) + 4 - place
        if known and self._holes.setdefault(len(event) + 4 - end, hole) == hole:
            self._shapes[event[end:place] + event[place + 4 :]] = self._points(tag)

    def _session(self, content: bytes) -> None:
        found = hparams.session(content)
        self.other_params += found.unreadable
        for name, value in found.params.items():
            if self.params.setdefault(name, value) != value:
                self.other_params += 1
        if found.state:
            self._ends(found.state)

    def _ends(self, state: str) -> None:
        done = [*self._open.values(), *(points for session in self._sessions for points in session.curves.values())]
        self._end = state, sum(map(len, done))

    def _leave_out(self, what: str) -> None:
        self.left_out[what if what in self.left_out or len(self.left_out) < KINDS else "other entry"] += 1


def status_of(session_log: bytes) -> int:
    """START, STOP or what else a SessionLog says."""
    found = 0
    for key, value in fields(session_log):
        if key == _STATUS:
            found = value
    return found


def start_step(event: bytes) -> int | None:
    """The step from which on a session starts anew, where the event says that one does."""
    step, status = 0, 0
    for key, value in fields(event):
        if key == _STEP:
            step = signed(value)
        elif key == _SESSION_LOG:
            status = status_of(value)
    return step if status == START else None


def _varint(row: bytes, here: int) -> tuple[int, int]:
    """A step of more than 14 bits. One that is cut off, or negative, has no shape that is known: it is looked at in full."""
    try:
        step, end = varint(row, here)
    except Malformed:
        return 0, len(row)
    return (0, len(row)) if step >> 63 else (step, end)


def _metadata(metadata: bytes) -> tuple[str, bytes, int]:
    """The plug-in's name, its content, and the class of the data."""
    plugin, content, data_class = "", b"", 0
    for key, value in fields(metadata):
        if key == _PLUGIN:
            for inner, part in fields(value):
                if inner == _NAME:
                    plugin = text(part)
                elif inner == _CONTENT:
                    content = part
        elif key == _DATA_CLASS:
            data_class = value
    return plugin, content, data_class
