"""Event files made on the spot: a writer of the format, which shares no code with the reader."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

NAME = "events.out.tfevents.1700000000.host.1.0"
BEGUN = 1_700_000_000.0


def crc32c(data: bytes) -> int:
    """Bit by bit, as the polynomial says."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def blob(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", value)


def event(*parts: bytes, step: int = 0, time: float = BEGUN) -> bytes:
    """An event as official writers lay it out: a step of 0 is not written."""
    return double(1, time) + (number(2, step) if step else b"") + b"".join(parts)


def summary(*values: bytes) -> bytes:
    return blob(5, b"".join(blob(1, value) for value in values))


def version() -> bytes:
    return record(event(blob(3, "brain.Event:2")))


def scalar(tag: str, step: int, value: float, time: float | None = None) -> bytes:
    made = summary(blob(1, tag) + single(2, value))
    return record(event(made, step=step, time=BEGUN + step if time is None else time))


def scalars(tag: str, values: list[float], *, first: int = 0) -> bytes:
    return b"".join(scalar(tag, step, value) for step, value in enumerate(values, first))


def plugin(name: str, content: bytes = b"", *, data_class: int = 0) -> bytes:
    """The metadata of a value."""
    return blob(
        9, blob(1, blob(1, name) + (blob(2, content) if content else b"")) + (number(4, data_class) if data_class else b"")
    )


def tensor(tag: str, step: int, dtype: int, *parts: bytes, shape: tuple[int, ...] = (), metadata: bytes = b"") -> bytes:
    dims = b"".join(blob(2, number(1, size)) for size in shape)
    made = blob(1, tag) + blob(8, number(1, dtype) + blob(2, dims) + b"".join(parts)) + metadata
    return record(event(summary(made), step=step, time=BEGUN + step))


def start(step: int, time: float = BEGUN) -> bytes:
    return record(event(blob(7, number(1, 1)), step=step, time=time))


def stop(step: int, time: float = BEGUN) -> bytes:
    return record(event(blob(7, number(1, 2)), step=step, time=time))


def hparams(params: dict[str, Any]) -> bytes:
    """A session_start_info, as the plug-in writes it."""
    entries = b"".join(blob(1, blob(1, name) + blob(2, _value(value))) for name, value in params.items())
    return _hparams("_hparams_/session_start_info", blob(3, entries))


def hparams_end(status: int, at: float = 0.0) -> bytes:
    return _hparams("_hparams_/session_end_info", blob(4, number(1, status) + double(2, at)))


def _hparams(tag: str, data: bytes) -> bytes:
    return record(event(summary(blob(1, tag) + plugin("hparams", data))))


def _value(value: Any) -> bytes:
    if value is None:
        return number(1, 0)
    if isinstance(value, bool):
        return number(4, value)
    return blob(3, value) if isinstance(value, str) else double(2, value)


def write(folder: Path, *records: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(version() + b"".join(records))
    return path


def add(path: Path, *records: bytes) -> None:
    with path.open("ab") as out:
        out.write(b"".join(records))
