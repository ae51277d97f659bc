"""Programs of people who use MLflow, run with the real client in an environment of its own; each prints what it found as JSON."""
