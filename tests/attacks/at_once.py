"""What came of things that were done at the same moment."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError


def refusals(answers: list[Any]) -> list[str]:
    """The codes of what was refused; anything else that was raised fails the test."""
    errors = [one for one in answers if isinstance(one, Exception)]
    for error in errors:
        if not isinstance(error, DomainError):
            raise error
    return [error.code for error in errors if isinstance(error, DomainError)]
