"""Runs in a log folder: each folder that holds event files is one, as in TensorBoard."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from countersign.importing.tensorboard.events import Events, Points, start_step
from countersign.importing.tensorboard.records import AT_ONCE, EventFile
from countersign.importing.tensorboard.wire import Malformed

# A session_log with status START, as every writer of the format puts it: a quick look that spares a second reading.
_MAYBE_START = re.compile(rb"\x3a[\x02-\x7f]\x08\x01", re.DOTALL)


@dataclass(frozen=True)
class Opening:
    """What a run begins with."""

    source: str  # names the run wherever its folder lies: by the folder's and the first file's name and the first record
    time: int | None  # ms since 1970


@dataclass(frozen=True)
class Batch:
    """Points that are new, and how far the files were read with them."""

    curves: dict[str, Points]
    read: dict[str, int]  # file name -> offset
    superseded: int  # points that a later session wrote anew: left out


@dataclass
class RunFolder:
    """The event files of one folder, read from `read` on."""

    path: Path
    name: str  # relative to the log folder; "" is that folder itself
    home: Path | None = None  # the log folder: files that are linked from outside it are not read
    read: dict[str, int] = field(default_factory=dict)
    events: Events = field(default_factory=Events)
    files: dict[str, EventFile] = field(default_factory=dict)

    def opening(self) -> Opening | None:
        """The first record that was written; None before there is one."""
        for name in self._names():
            rows, _places = EventFile(self.path / name).read()
            if rows:
                said = "\0".join([self.path.resolve().name, name]).encode("utf-8", "surrogateescape") + rows[0]
                events = Events()
                events.take(rows[:1], [0])
                return Opening("tensorboard:" + hashlib.sha256(said).hexdigest(), events.first)
        return None

    def size(self) -> int:
        """Bytes of all event files."""
        return sum((self.path / name).stat().st_size for name in self._names())

    def look(self) -> Look:
        """How far the files go at this moment, and where sessions start in what was not read yet."""
        ends: dict[str, int] = {}
        for name in self._names():
            if name not in self.files:
                self.files[name] = EventFile(self.path / name, self.read.get(name, 0))
            ends[name] = (self.path / name).stat().st_size
        starts = [
            (name, place, step)
            for name, end in ends.items()
            for place, step in _starts(self.path / name, self.files[name].offset, end)
        ]
        return Look(ends, starts)

    def batches(self, look: Look) -> Iterator[Batch]:
        """What is new up to `look`, file by file in the order of their names, a MiB at a time.

        A session that starts at a step supersedes what was written before it from that step on: TensorBoard's rule.
        """
        for name, end in look.ends.items():
            file = self.files[name]
            before = -1
            while file.offset not in (before, end):
                before = file.offset
                rows, places = file.read(end)
                curves: dict[str, Points] = {}
                superseded = 0
                for session in self.events.take(rows, places):
                    limit = look.limit(name, session.place)
                    for tag, points in session.curves.items():
                        kept = points if limit is None else _below(limit, points)
                        superseded += len(points) - len(kept)
                        if tag in curves:
                            curves[tag].steps += kept.steps
                            curves[tag].values += kept.values
                            curves[tag].times += kept.times
                        elif kept.steps:
                            curves[tag] = kept
                self.read[name] = file.offset
                yield Batch(curves, dict(self.read), superseded)

    def _names(self) -> list[str]:
        events = (entry for entry in os.scandir(self.path) if is_event_file(entry))
        return sorted(entry.name for entry in events if self.home is None or _lies_in(self.home, Path(entry.path)))


@dataclass(frozen=True)
class Look:
    """The sizes of the files of a run at one moment, and the sessions that start in what was not read before."""

    ends: dict[str, int]
    starts: list[tuple[str, int, int]]  # (file, offset, step)

    def limit(self, name: str, place: int) -> int | None:
        """The lowest step at which a later session starts anew."""
        return min((step for file, at, step in self.starts if (file, at) > (name, place)), default=None)


def run_folders(top: Path, *, left: set[str] | None = None) -> list[RunFolder]:
    """The folders below `top` that hold event files, and `top` itself if it does. Folders linked from within are followed, each
    once; a link that leaves `top` is not, for it could name everything that the user may read: `left` takes its place."""
    found, seen, home = [], set(), top.resolve()
    for folder, below, files in os.walk(top, followlinks=True):
        about = Path(folder).stat()
        if (about.st_dev, about.st_ino) in seen:
            below.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        relative = Path(folder).relative_to(top).as_posix()
        events = [name for name in files if "tfevents" in name]
        leaving = {name for name in [*below, *events] if not _lies_in(home, Path(folder, name))}
        if left is not None:
            left.update(Path(relative, name).as_posix() for name in leaving)
        below[:] = sorted(set(below) - leaving)
        if set(events) - leaving:
            found.append(RunFolder(Path(folder), "" if relative == "." else relative, home))
    return found


def _lies_in(home: Path, path: Path) -> bool:
    return not path.is_symlink() or path.resolve().is_relative_to(home)


def is_event_file(entry: os.DirEntry[str]) -> bool:
    """TensorBoard's own rule: the name says so."""
    return "tfevents" in entry.name and entry.is_file()


def _below(limit: int, points: Points) -> Points:
    if max(points.steps, default=limit - 1) < limit:
        return points
    kept = [place for place, step in enumerate(points.steps) if step < limit]
    return Points(
        [points.steps[place] for place in kept],
        [points.values[place] for place in kept],
        [points.times[place] for place in kept],
    )


def _starts(path: Path, begin: int, end: int) -> list[tuple[int, int]]:
    """(offset, step) of every session that starts between these offsets."""
    if not _may_start(path, begin, end):
        return []
    file, found, before = EventFile(path, begin), list[tuple[int, int]](), -1
    while file.offset not in (before, end):
        before = file.offset
        for row, place in zip(*file.read(end), strict=True):
            if _MAYBE_START.search(row):
                try:
                    step = start_step(row[:-4])
                except Malformed:
                    continue
                if step is not None:
                    found.append((place, step))
    return found


def _may_start(path: Path, begin: int, end: int) -> bool:
    with path.open("rb") as file:
        file.seek(begin)
        tail = b""
        while begin < end and (chunk := file.read(AT_ONCE)):
            if _MAYBE_START.search(tail + chunk):
                return True
            begin, tail = begin + len(chunk), chunk[-3:]
    return False
