"""The protobuf wire format: what the fields of a message are, without knowing the message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Malformed(Exception):
    """The bytes are no message."""


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(key, value) of each field: the key is number << 3 | wire type; a varint is an int of 64 bits, everything else bytes."""
    here, size = 0, len(message)
    while here < size:
        key, here = varint(message, here)
        kind = key & 7
        if kind == VARINT:
            value, here = varint(message, here)
            yield key, value
            continue
        if kind == BYTES:
            length, here = varint(message, here)
        elif kind == FIXED64:
            length = 8
        elif kind == FIXED32:
            length = 4
        else:
            raise Malformed
        end = here + length
        if end > size:
            raise Malformed
        yield key, message[here:end]
        here = end


def varint(message: bytes, here: int) -> tuple[int, int]:
    """The unsigned number that begins at `here`, and where it ends."""
    found = shift = 0
    try:
        while True:
            byte = message[here]
            here += 1
            found |= (byte & 127) << shift
            if byte < 128:
                return found & 0xFFFFFFFFFFFFFFFF, here
            shift += 7
            if shift > 63:
                raise Malformed
    except IndexError as error:
        raise Malformed from error


def signed(value: int) -> int:
    """An int32 or int64, whose negative numbers are written as 64 bits."""
    return value - (1 << 64) if value >> 63 else value


def text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed from error
