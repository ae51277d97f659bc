"""The greatest resident memory of this process, from a moment on where the kernel lets us, since its start otherwise."""

from __future__ import annotations

import resource
from pathlib import Path


def start_peak() -> bool:
    """Ask the kernel to count the peak anew; False where it does not let us (inside a jail without /proc)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_since(started: bool) -> tuple[int, str]:
    """Bytes, and how they were read."""
    if started:
        try:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024, "peak of the whole process during the pass"
        except OSError:
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "peak of the whole process since its start"
