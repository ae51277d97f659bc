"""The refusal of a place of data."""

from __future__ import annotations

from core.errors import Missing


class Unreachable(Missing):
    """The content cannot be had from its place now, or is no longer what was registered; one sentence says which."""

    code = "unreachable"
