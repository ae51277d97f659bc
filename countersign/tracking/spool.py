"""What a run reports, on disk before it is sent: nothing is lost with the connection, nor with the process.

A spool is a folder with `run.jsonl`, one JSON object a line (docs/reference/spool-format.md). Its owner alone reads it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
except ImportError:  # Windows has no such locks: two senders of one spool are harmless, because the site ignores what it heard
    flock = None  # type: ignore[assignment]  # a system without it

from countersign.transport import JSON

FORMAT = 1
LINES, FILES, REFUSED = "run.jsonl", "files", "refused.jsonl"
HELD = 64 << 20  # bytes in memory while the disk takes nothing
SENT = 1 << 20  # bytes of lines that were sent and still lie there, before they are cleared away


class Unreadable(Exception):
    """The folder is no spool, or another process writes it; the message says which."""


class Spool:
    """Lines in the order in which they were said, numbered. One thread takes them out while others put them in."""

    def __init__(self, folder: Path, file: BinaryIO) -> None:
        self.folder = folder
        self._file, self._pid = file, os.getpid()
        self._lock = threading.RLock()  # a signal's handler may ask, in the middle of a write of the same thread
        self._held: deque[bytes] = deque()  # while the disk takes nothing
        self._numbers = itertools.count(1)
        self._taken = self._start = self._size = 0
        self.files: deque[tuple[int, str]] = deque()  # artifacts that were said: number of the line, file
        self.done = 0  # number of the last line that was taken out

    @classmethod
    def make(cls, folder: Path, start: JSON) -> Spool:
        """A new spool that begins with this line; `OSError` where the folder cannot be written."""
        folder.mkdir(parents=True, mode=0o700)
        file = os.fdopen(os.open(folder / LINES, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b", buffering=0)
        spool = cls(folder, file)
        spool._claim()
        spool._write(_line({"kind": "start", "format": FORMAT, "number": 0, **start}))
        spool._start = spool._size
        return spool

    @classmethod
    def open(cls, folder: Path) -> Spool:
        """What another process left; `Unreadable` where it is none or still being written."""
        try:
            file = os.fdopen(os.open(folder / LINES, os.O_RDWR), "r+b", buffering=0)
        except OSError as error:
            raise Unreadable(f"{folder} is no spool: {LINES} cannot be opened ({error.strerror}).") from error
        spool = cls(folder, file)
        try:
            spool._claim()
            spool._size = _whole(file)
            first = spool.first()
            if first is None or first.get("kind") != "start" or first.get("format") != FORMAT:
                raise Unreadable(f"{folder} is no spool that this version of countersign reads: update countersign.")
        except BaseException:
            file.close()
            raise
        spool._start = len(_line_at(file, 0))
        return spool

    def append(self, kind: str, **said: Any) -> bool:
        """Put a line at the end; False where neither disk nor memory takes it."""
        with self._lock:
            number = next(self._numbers)
            line = _line({"kind": kind, "number": number, **said})
            if kind == "artifact":
                self.files.append((number, said["file"]))
            if not self._held:
                try:
                    self._write(line)
                    return True
                except (OSError, ValueError):  # the disk is full, or the file was closed
                    pass
            if sum(map(len, self._held)) + len(line) > HELD:
                return False
            self._held.append(line)
            return True

    def first(self) -> JSON | None:
        """The oldest line that was not taken out; None where there is none."""
        with self._lock:
            if self._taken < self._size:
                return _read(_line_at(self._file, self._taken))
            return _read(self._held[0]) if self._held else None

    def take(self) -> None:
        """The oldest line is done with."""
        with self._lock:
            if self._taken < self._size:
                line = _line_at(self._file, self._taken)
                self._taken += len(line)
            else:
                line = self._held.popleft()
            self.done = _read(line)["number"]
            if self._taken == self._size > self._start + SENT and not self._held:
                try:
                    self._file.truncate(self._start)  # the first line stays: it says whose run this is
                    self._size = self._taken = self._start
                except OSError:
                    pass  # they were sent; that they still lie there is harmless

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return self._taken >= self._size and not self._held

    @property
    def in_memory(self) -> int:
        """Lines that the disk did not take: they are lost with the process."""
        return len(self._held)

    def set_aside(self, line: JSON, why: str) -> None:
        """Keep a line that the site refused, beside the others, with the reason."""
        try:
            with (self.folder / REFUSED).open("ab") as file:
                file.write(_line({**line, "why": why}))
        except OSError:
            pass  # who reports has already said that it was refused, and why

    def copy_of(self, number: int) -> Path:
        """Where the copy of the artifact of that line lies, if one was made."""
        return self.folder / FILES / str(number)

    def close(self) -> None:
        if flock is not None and os.getpid() == self._pid and not self._file.closed:
            flock(self._file, LOCK_UN)  # a forked child may still hold the file open
        self._file.close()

    def remove(self) -> None:
        """Everything was sent. What the site refused stays, and with it the folder."""
        self.close()
        for file in [self.folder / LINES, *(self.folder / FILES).glob("*")]:
            file.unlink(missing_ok=True)
        for folder in (self.folder / FILES, self.folder):
            with contextlib.suppress(OSError):  # something is left in it
                folder.rmdir()

    def _claim(self) -> None:
        if flock is None:
            return
        try:
            flock(self._file, LOCK_EX | LOCK_NB)
        except OSError as error:
            raise Unreadable(f"{self.folder} is still being written: the run goes on, and sends by itself.") from error

    def _write(self, line: bytes) -> None:
        """Whole or not at all: half a line is written over by the next one, and left out by whoever reads before that."""
        done = 0
        self._file.seek(self._size)
        while done < len(line):
            done += self._file.write(line[done:]) or 0
        self._size += len(line)


def read(folder: Path) -> list[JSON]:
    """All lines of a spool, also while it is written; a last line that was cut off is left out."""
    try:
        lines = (folder / LINES).read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise Unreadable(f"{folder} is no spool: {LINES} cannot be read ({error.strerror}).") from error
    found = [_read(line) for line in lines]
    if not found or found[0].get("kind") != "start":
        raise Unreadable(f"{folder} holds no spool: its first line is not the start of a run.")
    return found


def spools(folder: Path) -> list[Path]:
    """The spools in a folder such as that of COUNTERSIGN_OFFLINE, the oldest first."""
    return sorted(file.parent for file in folder.glob(f"*/{LINES}"))


def _line(said: JSON) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _read(line: bytes) -> JSON:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Unreadable("A line of the spool is no JSON: the file was damaged.") from error
    if not isinstance(found, dict):
        raise Unreadable("A line of the spool is no object: the file was damaged.")
    return found


def _line_at(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    parts: list[bytes] = []
    while chunk := file.read(1 << 16):
        head, end, _rest = chunk.partition(b"\n")
        parts += [head, end]
        if end:
            break
    return b"".join(parts)


def _whole(file: BinaryIO) -> int:
    """How many bytes there are up to the end of the last whole line."""
    place = file.seek(0, os.SEEK_END)
    while place:
        start = max(0, place - (1 << 16))
        file.seek(start)
        found = file.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
