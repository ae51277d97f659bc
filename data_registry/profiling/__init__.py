"""Reads tables inside the sandbox: counts, types, and what looks like personal data. No Django, no network, no pickle."""
