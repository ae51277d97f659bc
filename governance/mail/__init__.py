"""Telling people by e-mail what waits for them: from the log's own entries, each mail once."""
