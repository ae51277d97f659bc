"""What stops a command before it begins."""

from __future__ import annotations


class Problem(Exception):
    """One sentence that says what is wrong and the remedy; the command prints it and ends with code 2."""


EXIT = 2
