"""Files that hold a key: made once, for their owner alone, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def make_once(path: Path, content: bytes) -> bool:
    """`path` holds a key that only its owner reads; True if it is this one. A key that exists is never overwritten: of two
    processes that make one, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            return False
        sync_folder(path.parent)
        return True
    finally:
        partial.unlink()


def sync_folder(folder: Path) -> None:
    """The names in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
