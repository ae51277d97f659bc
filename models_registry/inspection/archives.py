"""Zip archives as torch writes them, taken apart with suspicion: two readers must not be able to see two different files.

torch's own reader ignores checksums, the local encryption bit and the local name, matches names without regard to case and
takes either of two members of one name. So all of these must agree here before anything inside counts.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from models_registry.inspection.report import Findings

MOST_MEMBERS = 200_000
_MOST_DIRECTORY = 64 << 20  # bytes
_MOST_UNPACKED = 64 << 30  # bytes
RATIO, _RATIO_FREE = 200, 1 << 20  # weights hardly compress; the first MiB may
_CHUNK = 1 << 20
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8
_END, _END_SIZE = b"PK\x05\x06", 22
_END64, _END64_SIZE = b"PK\x06\x06", 56
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_LOCAL, _LOCAL_SIZE = b"PK\x03\x04", 30
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, NotImplementedError, EOFError, OSError, struct.error,
)  # fmt: skip
REMEDY = 'Save the file anew with torch.save(model.state_dict(), "model.pt"), and do not repack it.'


class Archive:
    """An open archive whose directory was read. `findings` says what is wrong; `members` maps names below `root`."""

    def __init__(self, file: BinaryIO, size: int, findings: Findings) -> None:
        self._file, self._size, self._findings = file, size, findings
        self.root = ""
        self.members: dict[str, zipfile.ZipInfo] = {}
        self._zip: zipfile.ZipFile | None = None
        directory = self._directory_start()
        if directory is None:
            return
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError, EOFError) as error:
            self._refuse("zip_broken", "The zip archive cannot be read.", found=str(error)[:200])
            return
        self._check_names()
        self._check_members()
        self._check_layout(directory)

    @property
    def names(self) -> list[str]:
        """The full names of all members, as the directory lists them."""
        return self._zip.namelist() if self._zip else []

    @property
    def unpacked(self) -> int:
        """Bytes of all members together, unpacked, as the directory claims."""
        return sum(info.file_size for info in self._zip.infolist()) if self._zip else 0

    def read(self, name: str, limit: int) -> bytes:
        """At most `limit` bytes of a member below `root`; empty if it cannot be read, which is noted."""
        if self._zip is None or name not in self.members:
            return b""
        try:
            with self._zip.open(self.members[name]) as member:
                return member.read(limit)
        except _UNREADABLE as error:
            self._refuse_content(self.members[name], error)
            return b""

    def start_of(self, name: str) -> int:
        """Where the content of a member below `root` begins in the file, behind its local header (bytes)."""
        start = self.members[name].header_offset
        self._file.seek(start + _LOCAL_SIZE - 4)
        lengths = self._file.read(4)
        return start + _LOCAL_SIZE + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")

    def check_contents(self) -> None:
        """Every member unpacks to the size and checksum that the directory claims; memory stays at one chunk."""
        for info in self._zip.infolist() if self._zip else []:
            try:
                for _ in self._chunks(info):
                    pass
            except _UNREADABLE as error:
                self._refuse_content(info, error)

    def _refuse_content(self, info: zipfile.ZipInfo, error: Exception) -> None:
        where = {"member": info.filename[:200], "offset": info.header_offset, "found": str(error)[:200]}
        if "CRC" in str(error):
            self._refuse("bad_checksum", "A member does not have the checksum that the archive states for it.", **where)
        else:
            self._refuse("member_unreadable", "A member cannot be read.", **where)

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        assert self._zip is not None  # noqa: S101 - called only with a member of it; this tells the type checker
        with self._zip.open(info) as member:
            while chunk := member.read(_CHUNK):
                yield chunk

    def _refuse(self, code: str, sentence: str, **where: object) -> None:
        self._findings.note(code, sentence, **{"remedy": REMEDY, **where})

    def _directory_start(self) -> int | None:
        """Where the directory begins. Its end record must be the last bytes of the file: anything else is ambiguous."""
        self._file.seek(max(0, self._size - _END_SIZE - _LOCATOR_SIZE - _END64_SIZE))
        tail = self._file.read()
        end = tail[-_END_SIZE:]
        if len(end) < _END_SIZE or not end.startswith(_END) or end[-2:] != b"\0\0":
            self._refuse("zip_end", "The archive does not end with its directory: it is cut off or carries bytes behind.")
            return None
        disk, _, here, entries, length, start = struct.unpack("<HHHHII", end[4:20])
        wide = tail[-_END_SIZE - _LOCATOR_SIZE : -_END_SIZE]
        if wide.startswith(_LOCATOR) and tail[:4] == _END64:
            here, entries, length, start = struct.unpack("<QQQQ", tail[24:56])
            after = self._size - _END_SIZE - _LOCATOR_SIZE - _END64_SIZE
            if struct.unpack("<Q", wide[8:16])[0] != after:
                self._refuse("zip_end", "The archive names a second end record in another place.")
                return None
        else:
            after = self._size - _END_SIZE
        if disk or here != entries or start + length != after:
            self._refuse("zip_end", "The archive's directory does not lie where its end record says.", offset=start)
            return None
        if entries > MOST_MEMBERS or length > _MOST_DIRECTORY:
            self._refuse("too_many_members", f"The archive lists more than {MOST_MEMBERS:,} members.", found=str(entries))
            return None
        return int(start)

    def _check_names(self) -> None:
        names = self.names
        folded: dict[str, str] = {}
        for name in names:
            if (before := folded.setdefault(name.lower(), name)) is not name:
                self._refuse(
                    "duplicate_member", "Two members have the same name, or differ in case alone: readers disagree on them.",
                    member=name[:200], found=before[:200],
                )  # fmt: skip
            if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/") or not name.isprintable():
                self._refuse("unsafe_member", "A member's name leads out of the archive.", member=name[:200])
        roots = {name.split("/", 1)[0] for name in names}
        if len(roots) != 1:
            return  # other archives may have several; torch's may not, which its own check says
        self.root = roots.pop()
        below = len(self.root) + 1
        infos = self._zip.infolist() if self._zip else []
        self.members = {info.filename[below:]: info for info in infos if info.filename[below:]}

    def _check_members(self) -> None:
        for info in self._zip.infolist() if self._zip else []:
            where = {"member": info.filename[:200], "offset": info.header_offset}
            if info.flag_bits & _ENCRYPTED:
                self._refuse("encrypted_member", "A member is encrypted, so it cannot be examined.", **where)
            if info.compress_type not in (_STORED, _DEFLATED):
                method = str(info.compress_type)
                self._refuse("compression", "A member is packed with an unusual method.", **where, found=method)
            elif info.compress_type == _STORED and info.file_size != info.compress_size:
                self._refuse("size_mismatch", "A member that is not packed has two sizes.", **where)
            elif info.file_size > RATIO * max(1, info.compress_size) + _RATIO_FREE:
                ratio = info.file_size // max(1, info.compress_size)
                self._refuse(
                    "zip_bomb", f"A member unpacks to {ratio:,} times its size: it would fill memory or disk.", **where,
                    found=f"{info.compress_size:,} to {info.file_size:,} bytes",
                )  # fmt: skip
        if self.unpacked > _MOST_UNPACKED:
            self._refuse("zip_bomb", "The members unpack to more than 64 GiB.", found=f"{self.unpacked:,} bytes")

    def _check_layout(self, directory: int) -> None:
        """Members follow one another from the first byte to the directory, and say locally what the directory says."""
        position = 0
        for info in sorted(self._zip.infolist() if self._zip else [], key=lambda i: i.header_offset):
            where = {"member": info.filename[:200], "offset": info.header_offset}
            gap = info.header_offset - position
            if gap < 0:
                self._refuse("overlap", "Two members overlap.", **where)
                return
            if gap:
                what = "Bytes stand before the first member" if position == 0 else "Bytes stand between two members"
                self._refuse("hidden_bytes", f"{what}, where another reader could find another file.", **where)
                return
            end = self._end_of(info)
            if end is None:
                self._refuse("local_header", "A member's own header differs from what the directory says of it.", **where)
                return
            position = end
        if position != directory:
            self._refuse("hidden_bytes", "Bytes stand between the last member and the directory.", offset=position)

    def _end_of(self, info: zipfile.ZipInfo) -> int | None:
        """Where the member ends, its descriptor included; None where its local header contradicts the directory."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_SIZE)
        if len(header) < _LOCAL_SIZE or not header.startswith(_LOCAL):
            return None
        flags, method, _, crc, packed, unpacked, name, extra = struct.unpack("<HHIIIIHH", header[6:])
        if flags != info.flag_bits or method != info.compress_type:
            return None
        if self._file.read(name) != info.orig_filename.encode("utf-8" if flags & 0x800 else "cp437", "replace"):
            return None
        end: int = info.header_offset + _LOCAL_SIZE + name + extra + info.compress_size
        if not flags & _DESCRIPTOR:
            same = crc == info.CRC and packed in (info.compress_size, 0xFFFFFFFF) and unpacked in (info.file_size, 0xFFFFFFFF)
            return end if same else None
        self._file.seek(end)
        return end + _descriptor_size(self._file.read(24), info)


def _descriptor_size(data: bytes, info: zipfile.ZipInfo) -> int:
    """How many of `data`'s bytes repeat the member's checksum and sizes, as a descriptor behind it does; 0 if none do."""
    for signature in (b"PK\x07\x08", b""):
        for layout in ("<IQQ", "<III"):
            try:
                expected = signature + struct.pack(layout, info.CRC, info.compress_size, info.file_size)
            except struct.error:
                continue  # too large for 32 bits
            if data.startswith(expected):
                return len(expected)
    return 0
