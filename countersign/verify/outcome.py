"""What a verification says: items with a status each, and the exit code that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["verified", "failed", "not checked"]

ALL_VERIFIED, SOMETHING_FAILED, SOMETHING_NOT_CHECKED = 0, 1, 2


class Refused(Exception):
    """One thing in the file is not as it must be; the message is one sentence for the reader."""


class Unopened(Exception):
    """A file that the command names cannot be opened, so nothing was looked at; the message says which and why."""


class NotChecked(Exception):
    """An item could not be judged at all; the message says what is missing for it."""


@dataclass(frozen=True)
class Item:
    """One thing that was looked at, and what came out."""

    name: str
    status: Status
    detail: str


@dataclass(frozen=True)
class Verification:
    """All items in their fixed order."""

    items: list[Item]

    @property
    def exit_code(self) -> int:
        """0: everything is verified; 1: something failed; 2: nothing failed, but something was not checked."""
        statuses = {item.status for item in self.items}
        if "failed" in statuses or not statuses:
            return SOMETHING_FAILED
        return SOMETHING_NOT_CHECKED if "not checked" in statuses else ALL_VERIFIED

    def as_json(self) -> dict[str, object]:
        """The same as plain values, for `--json`."""
        return {
            "format": "countersign-verification/1",
            "exit_code": self.exit_code,
            "items": [{"name": item.name, "status": item.status, "detail": item.detail} for item in self.items],
        }
