"""A file beside the keys that no sandboxed child may be able to read: each child tries, and its evidence says what happened."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

TEXT = b"A sandboxed child that can read this line could read the keys beside it.\n"


def canary() -> Path:
    """The file's path; it is made where there is none, with the mode of a key."""
    path = Path(settings.KEYS_DIR) / "canary"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as fresh:
            fresh.write(TEXT)
    except FileExistsError:
        pass
    return path
