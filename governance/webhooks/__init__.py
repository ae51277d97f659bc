"""Telling deployers what happens: from the log's own entries, signed, to addresses outside alone."""
