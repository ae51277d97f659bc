"""Whole, undamaged records of an event file, from any offset on: the TFRecord frame.

A record is its length (8 bytes), the length's checksum (4), the data, and the data's checksum (4). A wrong length leaves nobody
to say where the next record begins, so reading ends there. Wrong data are left out by themselves. What is cut off at the end of
the file is waited for: the file may still be written.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

from countersign.importing.tensorboard.checksums import damaged, masked

HEADER, FOOTER = 12, 4  # bytes around the data
AT_ONCE = 1 << 20  # bytes read at a time, and so about the memory that reading takes
LARGEST = 16 << 20  # bytes of one record; larger ones hold images or models, never a scalar, and are passed over unread
NAMED = 5  # damaged places that are told one by one
_KNOWN = 1 << 16  # lengths up to here are remembered with their headers


@dataclass
class EventFile:
    """One event file, read up to `offset`."""

    path: Path
    offset: int = 0
    stopped: str = ""  # why nothing can be read from `offset` on, as far as the file goes now
    broken_off: bool = False  # the file ends in the middle of a record, or with one that does not match its checksum
    damaged: int = 0  # records whose data do not match their checksum: left out
    places: list[int] = field(default_factory=list)  # where the first of them begin
    too_large: int = 0  # records that were passed over
    _lengths: dict[bytes, int] = field(default_factory=dict, repr=False)

    def read(self, until: int | None = None) -> tuple[list[bytes], list[int]]:
        """The records (each with its checksum, 4 bytes, behind it) that follow `offset`, and where each begins.

        With `until`, the file is taken to end there. Nothing is left once `offset` does not move any more.
        Raises `OSError` where the file cannot be read.
        """
        self.stopped, self.broken_off = "", False
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size if until is None else until
            if size < self.offset:
                self.stopped = f"it has {size:,} bytes, fewer than were read of it before ({self.offset:,}): was it replaced?"
                return [], []
            file.seek(self.offset)
            held = file.read(min(AT_ONCE, size - self.offset))
            ends = self._ends(held)
            if not ends and len(held) >= HEADER and not self.stopped:  # the first record is larger than what was read
                whole = HEADER + _length(held[:HEADER]) + FOOTER
                if self.offset + whole > size:
                    self.broken_off = True
                    return [], []
                if whole > LARGEST:
                    self.too_large += 1
                    self.offset += whole
                    return [], []
                held += file.read(whole - len(held))
                ends = self._ends(held)
        at_the_end = self.offset + len(held) >= size
        return self._sound(held, ends, at_the_end=at_the_end)

    def _ends(self, held: bytes) -> list[int]:
        """Where each record that lies whole in `held` ends. The checksum of each length holds, or reading stops there."""
        ends: list[int] = []
        lengths, here, size = self._lengths, 0, len(held)
        while True:
            header = held[here : here + HEADER]
            length = lengths.get(header, -1)
            if length < 0:
                if len(header) < HEADER:
                    return ends
                length = _length(header)
                if length < 0:
                    self.stopped = f"the length of the record at byte {self.offset + here:,} does not match its checksum"
                    return ends
                if length < _KNOWN:
                    lengths[header] = length
            here += HEADER + length + FOOTER
            if here > size:
                return ends
            ends.append(here)

    def _sound(self, held: bytes, ends: list[int], *, at_the_end: bool) -> tuple[list[bytes], list[int]]:
        """The records that match their checksums; `offset` stands behind them."""
        starts = [0, *ends[:-1]] if ends else []
        rows = [held[start + HEADER : end] for start, end in zip(starts, ends, strict=True)]
        by_length: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            by_length.setdefault(len(row), []).append(place)
        wrong = {same[bad] for same in by_length.values() for bad in damaged([rows[place] for place in same])}
        last = len(rows) - 1
        if at_the_end and last in wrong and ends[-1] == len(held):  # perhaps it is being written at this moment
            wrong.discard(last)
            rows, starts, ends = rows[:last], starts[:last], ends[:last]
            self.broken_off = True
        begun, done = self.offset, ends[-1] if ends else 0
        self.offset += done
        self.broken_off = self.broken_off or (at_the_end and done < len(held) and not self.stopped)
        if wrong:
            self.damaged += len(wrong)
            self.places += [begun + starts[place] for place in sorted(wrong)][: NAMED - len(self.places)]
            return (
                [row for place, row in enumerate(rows) if place not in wrong],
                [begun + start for place, start in enumerate(starts) if place not in wrong],
            )
        return rows, [begun + start for start in starts]


def _length(header: bytes) -> int:
    """The length that a header gives; -1 where its checksum does not match."""
    length, checksum = struct.unpack("<QI", header)
    return length if masked(header[:8]) == checksum else -1
