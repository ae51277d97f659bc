"""What the hparams plug-in notes: the parameters of a training, and how it ended."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any

from countersign.importing.tensorboard.wire import BYTES, FIXED64, VARINT, Malformed, fields, text

STATES = {1: "finished", 2: "failed"}  # of session_end_info; 0 and 3 (running) say nothing
_STARTED, _ENDED = 3 << 3 | BYTES, 4 << 3 | BYTES
_HPARAMS, _STARTED_AT = 1 << 3 | BYTES, 5 << 3 | FIXED64
_STATUS, _ENDED_AT = 1 << 3 | VARINT, 2 << 3 | FIXED64
_KEY, _VALUE = 1 << 3 | BYTES, 2 << 3 | BYTES


@dataclass
class Session:
    """One record of the plug-in: parameters, or an end."""

    params: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0  # parameters that are neither number, text nor truth value
    state: str = ""  # finished or failed, where the session says that it ended
    ended_at: float = 0.0  # seconds since 1970; 0 where it does not say


def session(content: bytes) -> Session:
    """The content of an HParamsPluginData. Raises `Malformed`."""
    found = Session()
    for key, value in fields(content):
        if key == _STARTED:
            for inner, entry in fields(value):
                if inner == _HPARAMS:
                    _take(entry, found)
        elif key == _ENDED:
            for inner, entry in fields(value):
                if inner == _STATUS:
                    found.state = STATES.get(entry, "")
                elif inner == _ENDED_AT:
                    found.ended_at = _double(entry)
    return found


def _take(entry: bytes, found: Session) -> None:
    """One entry of the map: a name and a google.protobuf.Value."""
    name, value = "", None
    for key, part in fields(entry):
        if key == _KEY:
            name = text(part)
        elif key == _VALUE:
            value = _plain(part)
    if not name or value is None:
        found.unreadable += 1
    else:
        found.params[name] = value


def _plain(value: bytes) -> float | int | str | bool | None:
    """A number (whole where it is), a text or a truth value; None for null, lists and structures."""
    found: float | int | str | bool | None = None
    for key, part in fields(value):
        if key == 2 << 3 | FIXED64:
            found = _double(part)
        elif key == 3 << 3 | BYTES:
            found = text(part)
        elif key == 4 << 3 | VARINT:
            found = bool(part)
        elif key >> 3 in (2, 3, 4):
            raise Malformed
        else:
            found = None
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)  # JSON knows no such number
    if isinstance(found, float) and found.is_integer() and abs(found) < 2**53:
        return int(found)  # the plug-in has one kind of number for 32 and for 0.1
    return found


def _double(part: bytes) -> float:
    return float(struct.unpack("<d", part)[0])
