"""A permission is a `Decision`: whether, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""  # a sentence; never names a person, because refused attempts are logged with it
    code: str = "not_allowed"

    def __bool__(self) -> bool:
        return self.allowed

    def enforce(self) -> None:
        """Raise `NotAllowed` with the reason unless allowed."""
        if not self.allowed:
            raise NotAllowed(self.reason, code=self.code)


def allow() -> Decision:
    return Decision(True)


def deny(reason: str, *, code: str = "not_allowed") -> Decision:
    return Decision(False, str(reason), code)
