"""Training runs: sent while they run, over `countersign.tracking.api`."""
