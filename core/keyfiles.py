"""Files that hold a key: made once, for their owner alone, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def make_once(path: Path, content: bytes) -> bool:
    """`path` holds a key that only its owner reads; True if it is this one. A key that exists is never overwritten: of two
    processes or threads that make one, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of its own, for its owner alone
    partial = Path(name)
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
