"""The words of an inspection: a verdict, the reasons for it, and the facts that were read."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field, replace
from typing import Any

MOST_REASONS = 100  # a file made of refusals must not fill the log


class Verdict(enum.StrEnum):
    ACCEPTED = "accepted"
    SALVAGEABLE = "salvageable"  # its tensors can be had without running what else is in it
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a file is refused: what was found, in which member, at which byte of it, and what to do about it."""

    code: str
    sentence: str
    remedy: str = ""
    member: str = ""  # of an archive; empty for the file itself
    offset: int | None = None  # bytes, within the member's content, or within the file
    found: str = ""


class Findings(list[Reason]):
    """Reasons in the order in which they were found, each once, no more than MOST_REASONS."""

    def note(self, code: str, sentence: str, **where: Any) -> None:
        """The reason is listed, unless the same was said before."""
        reason = Reason(code=code, sentence=sentence, **where)
        if len(self) < MOST_REASONS and all((r.code, r.member, r.found) != (code, reason.member, reason.found) for r in self):
            self.append(reason)


@dataclass(frozen=True, kw_only=True)
class StaticReport:
    """What reading alone says about a file. Nothing in it was loaded, imported or run."""

    path: str
    format: str
    verdict: Verdict
    reasons: list[Reason] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    layout: Any = field(default=None, repr=False, compare=False)  # contents.Layout: where the tensors lie, for the loader

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(replace(self, layout=None), dict_factory=_without_layout)


def _without_layout(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name != "layout"}
