"""Past facts about the code of a version and its review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("code_set.received", version=1)
@dataclass(frozen=True, kw_only=True)
class CodeSetReceived(Event):
    """A client told what the code of a version is and what changed since the version approved before: its claim."""

    says = _("Code received for review: %(commits)s commits, %(files)s files, as claimed")
    look = ("git-commit-horizontal", "idle")

    digest: str
    commit: str
    tree: str
    base: str  # the commit it is compared with; empty: with nothing
    base_version: str
    diff: str
    patch: str
    commits: int
    files: int
    left_out: int


@event("code_comment.made", version=1)
@dataclass(frozen=True, kw_only=True)
class CodeCommentMade(Event):
    """A person commented on a line of the code, or on all of it."""

    says = _("Comment on the code")
    look = ("message-square", "idle")

    comment: str
    code: str  # digest
    part: str
    side: str
    line: int
    path: Private = Private("")
    text: Private = Private("")


@event("code_comment.resolved", version=1)
@dataclass(frozen=True, kw_only=True)
class CodeCommentResolved(Event):
    """A comment on the code was settled."""

    says = _("Comment on the code resolved")
    look = ("check", "ok")

    comment: str


@event("code_review.recorded", version=1)
@dataclass(frozen=True, kw_only=True)
class CodeReviewRecorded(Event):
    """A person who did not contribute came to an outcome about exactly this code, or vouches for one reached at a host."""

    look = ("file-diff", "info")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("hosted_on"):
            return _("Review of the code recorded from its host, as claimed: %(verdict)s")
        return _("Code reviewed: %(verdict)s")

    outcome: str
    code: str  # digest
    verdict: str
    hosted_on: str
    reason: Private = Private("")
    url: Private = Private("")
    reviewer: Private = Private("")
