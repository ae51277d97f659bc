"""The refusals of the engine: this model cannot be measured on this data, or this check cannot be made of it, and why."""

from __future__ import annotations


class CannotMeasure(Exception):
    """One sentence that says what does not fit and what to do; it becomes the `error` of the result."""


class NotRun(Exception):
    """One sentence that says why a check was not made; it stands in the result's `not_run`, and the check's thresholds block."""


def first_line(error: BaseException, *, most: int = 200) -> str:
    """What an error of somebody else's code says, as one line of at most `most` characters; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]
