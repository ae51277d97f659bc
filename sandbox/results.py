"""What the parent takes from the folder a child wrote to: plain JSON and safetensors files of a bounded size, and no more.

The folder is hostile: it may hold links to files that only the parent can read, pipes that would block it, or pickles.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

ACCEPTED = (".json", ".safetensors")
_HEADER_LIMIT = 16 << 20
_NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def keep_acceptable(folder: Path) -> list[str]:
    """Remove everything from `folder` that is no plain JSON or safetensors file; return the names of what went."""
    discarded = []
    for entry in list(os.scandir(folder)):
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(info.st_mode) and info.st_nlink == 1 and _acceptable(Path(entry.path)):
            continue
        discarded.append(entry.name)
        if stat.S_ISDIR(info.st_mode):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink()
    return sorted(discarded)


def read_json(path: Path, *, limit: int) -> Any:
    """The parsed file. Raises ValueError if it is larger than `limit` bytes or not JSON, OSError if it is no plain file.

    Zero characters and half surrogates, which no database keeps, are replaced: a name inside a hostile file must not be what
    keeps the verdict on it from being recorded.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is no plain file")
        text = file.read(limit + 1)
    if len(text) > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    try:
        return _with_plain_texts(json.loads(text))
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error


def _with_plain_texts(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_with_plain_texts(item) for item in value]
    if isinstance(value, dict):
        return {_with_plain_texts(name): _with_plain_texts(item) for name, item in value.items()}
    return value


def _acceptable(path: Path) -> bool:
    if path.suffix == ".json":
        return True  # read with limits by whoever reads it
    if path.suffix != ".safetensors":
        return False
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if 2 <= size <= _HEADER_LIMIT else b""
    try:
        return isinstance(json.loads(header), dict)
    except (ValueError, RecursionError):
        return False
