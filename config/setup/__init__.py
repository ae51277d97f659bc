"""Prepares `.venv`. Runs on the system's Python with the standard library alone, because nothing else is there yet."""
