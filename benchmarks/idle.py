"""A job for the sandbox that does nothing: what a child takes before it has opened a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Nothing."""
    del job, inputs, out
    return {}
