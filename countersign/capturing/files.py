"""Files that are kept beside a run, with their bytes as they were when they were captured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeptFile:
    """`path` is the artifact's path in the run, such as code/changes.patch."""

    path: str
    content: bytes

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()


def read_small(path: Path, *, within: Path, limit: int) -> bytes | None:
    """The bytes of a plain file below `within`; None for a link that leads out, for a larger file and for what cannot be read."""
    try:
        real = path.resolve(strict=True)
        if not real.is_file() or not real.is_relative_to(within.resolve()):
            return None
        with real.open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, RuntimeError):
        return None
    return content if len(content) <= limit else None
