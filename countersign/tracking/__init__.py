"""Training runs, sent while they run: `start_run` for scripts, `countersign.tracking.api` for what sends whole ones."""

from countersign.tracking.running import Run
from countersign.tracking.starting import start_run

__all__ = ["Run", "start_run"]
