"""The seeds that are set, of libraries that the training has loaded itself: nothing is imported, and no state is changed."""

from __future__ import annotations

import hashlib
import os
import random
import sys
from typing import Any


def seeds() -> dict[str, Any]:
    """PYTHONHASHSEED, torch's seed, and digests of the states of random and numpy, which do not tell their seeds.

    Equal digests mean that both runs would have drawn the same numbers from here on.
    """
    found: dict[str, Any] = {"hash": os.environ.get("PYTHONHASHSEED", "")[:20] or "random", "python": _digest(random.getstate())}
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    try:
        if torch is not None:
            seed = int(torch.initial_seed())
            found["torch"] = seed if abs(seed) < 2**53 else str(seed)  # one that torch drew itself fits no number of JSON
            found["torch_deterministic"] = bool(torch.are_deterministic_algorithms_enabled())
    except (AttributeError, RuntimeError):  # still being imported by another thread
        pass
    try:
        if numpy is not None:
            name, keys, place, has_gauss, gauss = numpy.random.get_state()
            found["numpy"] = _digest((name, keys.tobytes(), place, has_gauss, gauss))
    except (AttributeError, TypeError, ValueError):  # still being imported, or another generator was put in its place
        pass
    return found


def _digest(state: object) -> str:
    return "sha256:" + hashlib.sha256(repr(state).encode()).hexdigest()[:32]
