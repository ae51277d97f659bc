"""Zip archives of arrays or images: what is in them is checked in their directory before a member is opened."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from evaluations.engine.refusals import CannotMeasure

MOST_MEMBERS = 1_000_000
MOST_RATIO = 200  # of a member's size to its bytes in the file; DEFLATE reaches 1,032 with a bomb
SMALL = 16 << 20  # bytes, below which a ratio says nothing
MOST_BYTES = 64 << 30  # of all members together
_ENCRYPTED = 0x1
# What zipfile raises on a directory or a member that somebody damaged.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, IndexError, KeyError, NotImplementedError,
    RecursionError,
)  # fmt: skip
Members = dict[str, zipfile.ZipInfo]


def checked(path: Path) -> Members:
    """The members of the zip by name; refuses what no writer of data sets makes. Raises CannotMeasure."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except DAMAGED as error:
        raise CannotMeasure(f"The data set is not a readable zip: {str(error)[:200] or type(error).__name__}") from error
    if not 0 < len(listed) <= MOST_MEMBERS:
        raise CannotMeasure(f"The zip holds {len(listed):,} members; 1 to {MOST_MEMBERS:,} are read.")
    members: Members = {}
    for one in listed:
        if not one.filename:
            raise CannotMeasure("The zip holds a member without a name.")
        if one.is_dir():
            continue
        if one.filename in members:
            raise CannotMeasure(f"The zip holds {_named(one)} twice, so it does not say which is meant.")
        if one.flag_bits & _ENCRYPTED or one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CannotMeasure(f"The member {_named(one)} is encrypted or compressed otherwise than by DEFLATE; zip it anew.")
        if one.file_size > SMALL and one.file_size > MOST_RATIO * max(1, one.compress_size):
            raise CannotMeasure(
                f"The member {_named(one)} would grow {one.file_size // max(1, one.compress_size):,}-fold when it is unpacked, "
                f"more than the {MOST_RATIO}-fold that data need; save it without compression."
            )
        members[one.filename] = one
    if sum(one.file_size for one in members.values()) > MOST_BYTES:
        raise CannotMeasure(f"The zip would grow beyond {MOST_BYTES >> 30} GiB when it is unpacked.")
    return members


def _named(one: zipfile.ZipInfo) -> str:
    return repr(one.filename[:100])
