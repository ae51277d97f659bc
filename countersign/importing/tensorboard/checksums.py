"""CRC-32C, the checksum of every record of an event file, of many records at once.

Byte by byte, Python takes some 5 µs for the record of one scalar, more than everything else that is done with it. But a CRC is
linear: it is the exclusive or of what each byte contributes by its value and its place. So records of one length are laid below
each other, and a whole column of bytes is looked up by `bytes.translate` and added by `^` of two large integers, both in C.
"""

from __future__ import annotations

import struct
from functools import cache

FEW = 12  # rows below which a loop over their bytes is quicker
WIDE = 256  # bytes; longer data are cut into rows of this width
_ONES = 0xFFFFFFFF
_DELTA = 0xA282EAD8  # what the format adds, so that a record that holds checksums does not weaken its own


def _of_one_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = [_of_one_byte(value) for value in range(256)]


def masked(data: bytes) -> int:
    """The checksum of `data` as the format writes it: rotated by 15 bits, plus a constant."""
    crc = _long(data) if len(data) > 2 * WIDE else _added(_ONES, data) ^ _ONES
    return (crc >> 15 | crc << 17) + _DELTA & _ONES


def damaged(rows: list[bytes]) -> list[int]:
    """Which of `rows`, all of one length and each ending with its masked checksum, do not match it."""
    size = len(rows[0]) - 4
    if len(rows) < FEW or size > WIDE:
        return [place for place, row in enumerate(rows) if masked(row[:-4]) != int.from_bytes(row[-4:], "little")]
    joined = b"".join(rows)
    crcs = _lanes(_columns(joined, size, size + 4), len(rows)) ^ _repeated(_of_zeros(size), len(rows))
    lanes = _repeated(_ONES, len(rows))
    expected = ((crcs >> 15 & lanes) | (crcs << 17 & lanes)) + _repeated(_DELTA, len(rows)) & lanes
    written = _lanes([int.from_bytes(joined[size + k :: size + 4], "little") for k in range(4)], len(rows))
    if expected == written:
        return []
    wrong = (expected ^ written).to_bytes(8 * len(rows), "little")
    return [place for place in range(len(rows)) if wrong[8 * place : 8 * place + 8] != bytes(8)]


def _columns(joined: bytes, size: int, stride: int) -> list[int]:
    """What the first `size` bytes of each row contribute: byte k of each row's sum stands in the k-th number."""
    sums = [0, 0, 0, 0]
    for place in range(size):
        column = joined[place::stride]
        for k, table in enumerate(_contributions(size - 1 - place)):
            sums[k] ^= int.from_bytes(column.translate(table), "little")
    return sums


def _lanes(planes: list[int], rows: int) -> int:
    """The four bytes of each row side by side, in a lane of 64 bits, so that shifts and sums stay in their lane."""
    spread = bytearray(8 * rows)
    for k, plane in enumerate(planes):
        spread[k::8] = plane.to_bytes(rows, "little")
    return int.from_bytes(spread, "little")


def _repeated(value: int, rows: int) -> int:
    return int.from_bytes(struct.pack("<Q", value) * rows, "little")


@cache
def _shifted() -> list[list[int]]:
    """What each byte value contributes to a checksum when 0, 1, … `WIDE` - 1 bytes follow it."""
    tables = [_TABLE]
    for _ in range(WIDE - 1):
        tables.append([value >> 8 ^ _TABLE[value & 255] for value in tables[-1]])
    return tables


@cache
def _contributions(behind: int) -> list[bytes]:
    """The table for `behind` bytes that follow, as four for `bytes.translate`: one for each byte of the checksum."""
    return [bytes(value >> 8 * k & 255 for value in _shifted()[behind]) for k in range(4)]


@cache
def _of_zeros(size: int) -> int:
    return _added(_ONES, bytes(size)) ^ _ONES


def _added(crc: int, data: bytes) -> int:
    table = _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc


def _long(data: bytes) -> int:
    """The checksum of long data: rows of `WIDE` bytes at once, then one row after the other."""
    rows, rest = divmod(len(data), WIDE)
    crc = _added(_ONES, data[:rest])
    parts = _columns(data[rest:], WIDE, WIDE)
    moved = [_moved(k) for k in range(4)]
    for row in zip(*(part.to_bytes(rows, "little") for part in parts), strict=True):
        crc = moved[0][crc & 255] ^ moved[1][crc >> 8 & 255] ^ moved[2][crc >> 16 & 255] ^ moved[3][crc >> 24]
        crc ^= row[0] | row[1] << 8 | row[2] << 16 | row[3] << 24
    return crc ^ _ONES


@cache
def _moved(k: int) -> list[int]:
    """What byte k of a checksum becomes when a row of `WIDE` bytes follows."""
    return _shifted()[WIDE - 1 - k]
