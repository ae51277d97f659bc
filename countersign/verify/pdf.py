"""A reader of the PDF files that we make: cross-reference tables and streams, object streams, nothing encrypted or repaired."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from countersign.verify import limits
from countersign.verify.outcome import Refused
from countersign.verify.pdf_objects import WHITE, Ref, Stream, parse_indirect, parse_value

HEADER = re.compile(rb"%PDF-1\.[4-7]\r?\n")
TAIL = re.compile(rb"startxref\r?\n([0-9]{1,12})\r?\n%%EOF\r?\n?")
TABLE = re.compile(rb"xref" + WHITE + rb"+")
SUBSECTION = re.compile(rb"([0-9]{1,10}) ([0-9]{1,10}) ?\r?\n")
ROW = re.compile(rb"([0-9]{10}) ([0-9]{5}) ([nf])(?: \r| \n|\r\n)")
TRAILER = re.compile(WHITE + rb"*+trailer" + WHITE + rb"*+")
PAIR = re.compile(WHITE + rb"*+([0-9]{1,10})" + WHITE + rb"+([0-9]{1,10})")
MOST_REVISIONS = 8


@dataclass(frozen=True)
class Entry:
    """Where an object stands: at an offset of the file, or as the n-th of an object stream."""

    offset: int = -1
    generation: int = 0
    container: int = -1


@dataclass(frozen=True)
class Revision:
    """One cross-reference section with its trailer: an original, or an update appended to one."""

    offset: int
    trailer: dict[str, Any]
    entries: dict[int, Entry | None]  # None: a free number


@dataclass
class Document:
    """A PDF file taken apart as far as its tables; objects are read when asked for."""

    data: bytes
    revisions: list[Revision]  # the newest first
    _entries: dict[int, Entry | None] = field(default_factory=dict)
    _objects: dict[int, Any] = field(default_factory=dict)
    _containers: dict[int, dict[int, Any]] = field(default_factory=dict)
    _decompressed: int = 0
    _spans: int = 0

    @classmethod
    def read(cls, data: bytes) -> Document:
        """The document in `data`, if it begins and ends as a PDF does and its tables can be read."""
        if len(data) > limits.FILE_BYTES:
            raise Refused(f"The file is larger than {limits.FILE_BYTES >> 20} MiB.")
        if not HEADER.match(data):
            raise Refused("This is not a PDF file of a version that reports are written in.")
        tail_begins = data.rfind(b"startxref")
        tail = TAIL.fullmatch(data, tail_begins) if tail_begins >= 0 else None
        if tail is None:
            raise Refused("The file does not end as a PDF does: it is cut short, or something follows its end.")
        document = cls(data=data, revisions=[])
        offset: int | None = int(tail[1])
        while offset is not None:
            revision = document._revision(offset)
            document.revisions.append(revision)
            offset = revision.trailer.get("Prev")
            if offset is not None and (not isinstance(offset, int) or offset >= revision.offset):
                raise Refused("The PDF's tables do not lead backwards from one revision to the one before.")
            if len(document.revisions) > MOST_REVISIONS:
                raise Refused(f"The PDF has more than {MOST_REVISIONS} revisions.")
        for revision in reversed(document.revisions):
            document._entries.update(revision.entries)
        return document

    @property
    def trailer(self) -> dict[str, Any]:
        """The newest trailer."""
        return self.revisions[0].trailer

    def resolve(self, value: Any) -> Any:
        """`value`, or what it refers to."""
        return self.get(value) if isinstance(value, Ref) else value

    def dictionary(self, value: Any, *, what: str) -> dict[str, Any]:
        """The dictionary that `value` is or refers to."""
        value = self.resolve(value)
        if not isinstance(value, dict):
            raise Refused(f"The PDF's {what} is missing or is no dictionary.")
        return value

    def array(self, value: Any, *, what: str) -> list[Any]:
        """The array that `value` is or refers to."""
        value = self.resolve(value)
        if not isinstance(value, list):
            raise Refused(f"The PDF's {what} is missing or is no array.")
        return value

    def get(self, ref: Ref) -> Any:
        """The object with the number of `ref`; never a reference itself."""
        entry = self._entries.get(ref.number)
        if entry is None or entry.generation != ref.generation:
            raise Refused(f"The PDF refers to object {ref.number}, which it does not hold.")
        if ref.number not in self._objects:
            self._objects[ref.number] = self._load(ref.number, entry)
        return self._objects[ref.number]

    def objects(self) -> Iterator[tuple[int, Any]]:
        """Every object that the tables name, with its number."""
        for number, entry in self._entries.items():
            if entry is not None:
                yield number, self.get(Ref(number, entry.generation))

    def content(self, stream: Stream) -> bytes:
        """The stream's bytes, decompressed within the limits."""
        chain = stream.dictionary.get("Filter")
        if chain is None or chain == []:
            return stream.raw
        if chain not in ("FlateDecode", ["FlateDecode"]) or stream.dictionary.get("DecodeParms") is not None:
            raise Refused("The PDF has a stream that is compressed in a way that reports do not use.")
        allowed = min(limits.STREAM_BYTES, limits.ALL_STREAMS_BYTES - self._decompressed)
        decompressor = zlib.decompressobj()
        try:
            content = decompressor.decompress(stream.raw, max(allowed, 0) + 1)
        except zlib.error:
            raise Refused("The PDF has a stream that cannot be decompressed.") from None
        if len(content) > allowed:
            raise Refused("The PDF's streams grow beyond what a report may hold.")
        if not decompressor.eof or decompressor.unused_data.strip(b"\r\n"):
            raise Refused("The PDF has a compressed stream that is cut short or followed by something else.")
        self._decompressed += len(content)
        return content

    def _load(self, number: int, entry: Entry) -> Any:
        if entry.container >= 0:
            members = self._members(entry.container)
            if number not in members:
                raise Refused(f"The PDF's object {number} is not where its table says.")
            return members[number]
        ref, value, end = parse_indirect(self.data, entry.offset)
        self._spans += end - entry.offset
        if self._spans > len(self.data):  # else a small file with objects inside one another could keep us busy for hours
            raise Refused("The PDF has objects that overlap.")
        if ref != Ref(number, entry.generation) or isinstance(value, Ref):
            raise Refused(f"The PDF's object {number} is not where its table says.")
        return value

    def _members(self, container: int) -> dict[int, Any]:
        if container not in self._containers:
            entry = self._entries.get(container)
            if entry is None or entry.container >= 0:
                raise Refused("The PDF keeps an object in a stream that it does not hold.")
            self._containers[container] = self._unpack(self.get(Ref(container, entry.generation)))
        return self._containers[container]

    def _unpack(self, stream: Any) -> dict[int, Any]:
        if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "ObjStm" or "Extends" in stream.dictionary:
            raise Refused("The PDF keeps objects in something that is no object stream.")
        count, first = stream.dictionary.get("N"), stream.dictionary.get("First")
        content = self.content(stream)
        if not _whole(count) or not _whole(first) or count > limits.PDF_OBJECTS or first > len(content):
            raise Refused("The PDF has an object stream without usable numbers.")
        members: dict[int, Any] = {}
        position, end = 0, first
        for _ in range(count):
            pair = PAIR.match(content, position, first)
            if pair is None or int(pair[1]) in members or first + int(pair[2]) < end:
                raise Refused("The PDF has an object stream with a wrong index.")
            value, end = parse_value(content, first + int(pair[2]))
            if isinstance(value, Ref):
                raise Refused("The PDF has an object stream that holds a bare reference.")
            members[int(pair[1])] = value
            position = pair.end()
        return members

    def _revision(self, offset: int) -> Revision:
        if offset >= len(self.data):
            raise Refused("The PDF's table lies beyond the end of the file.")
        table = TABLE.match(self.data, offset)
        revision = self._classic(offset, table.end()) if table else self._stream_of_entries(offset)
        if "Encrypt" in revision.trailer:
            raise Refused("The PDF is encrypted; reports never are.")
        return revision

    def _classic(self, offset: int, position: int) -> Revision:
        entries: dict[int, Entry | None] = {}
        while subsection := SUBSECTION.match(self.data, position):
            start, count = int(subsection[1]), int(subsection[2])
            position = subsection.end()
            for number in range(start, start + min(count, limits.PDF_OBJECTS + 1)):
                row = ROW.match(self.data, position)
                if row is None or number in entries or len(entries) >= limits.PDF_OBJECTS:
                    raise Refused("The PDF's table of objects cannot be read.")
                entries[number] = Entry(offset=int(row[1]), generation=int(row[2])) if row[3] == b"n" else None
                position = row.end()
        begins = TRAILER.match(self.data, position)
        trailer = parse_value(self.data, begins.end())[0] if begins else None
        if not isinstance(trailer, dict) or "XRefStm" in trailer:
            raise Refused("The PDF's table of objects has no usable trailer.")
        return Revision(offset=offset, trailer=trailer, entries=entries)

    def _stream_of_entries(self, offset: int) -> Revision:
        _, stream, _ = parse_indirect(self.data, offset)
        if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "XRef":
            raise Refused("The PDF has no table of objects where it says so.")
        trailer = stream.dictionary
        widths, size = trailer.get("W"), trailer.get("Size")
        index = trailer.get("Index", [0, size])
        if not _all_whole(widths) or not _all_whole(index) or len(widths) != 3 or not 1 <= max(widths) <= 8 or len(index) % 2:
            raise Refused("The PDF's stream of objects' places has no usable description.")
        counts = index[1::2]
        rows = self.content(stream)
        if sum(counts) > limits.PDF_OBJECTS or len(rows) != sum(counts) * sum(widths):
            raise Refused("The PDF's stream of objects' places has the wrong length.")
        entries: dict[int, Entry | None] = {}
        position = 0
        for start, count in zip(index[::2], counts, strict=True):
            for number in range(start, start + count):
                if number in entries:
                    raise Refused(f"The PDF's table names object {number} twice.")
                entries[number] = _entry(rows[position : position + sum(widths)], widths)
                position += sum(widths)
        return Revision(offset=offset, trailer=trailer, entries=entries)


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _all_whole(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(map(_whole, values))


def _entry(row: bytes, widths: list[int]) -> Entry | None:
    kind_width, second = widths[0], widths[0] + widths[1]
    kind = int.from_bytes(row[:kind_width], "big") if kind_width else 1
    a, b = int.from_bytes(row[kind_width:second], "big"), int.from_bytes(row[second:], "big")
    if kind == 0:
        return None
    if kind == 1:
        return Entry(offset=a, generation=b)
    if kind == 2:
        return Entry(container=a)
    raise Refused("The PDF's table of objects has an entry of an unknown kind.")
