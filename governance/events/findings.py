"""Past facts about findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("finding.raised", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingRaised(Event):
    """Somebody found something wrong with a model, a version or a dataset version, and who is to mend it by when."""

    says = _("Finding raised, severity %(severity)s, from %(source)s, due on %(due)s")
    look = ("flag", "warn")

    about: str  # model, version or dataset_version
    about_id: str
    severity: str
    source: str
    owner: str  # pseudonym
    due: str
    reference: Private = Private("")
    title: Private = Private("")
    description: Private = Private("")


@event("finding.revised", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingRevised(Event):
    """Severity, owner or due date of a finding are others than before."""

    says = _("Finding revised: severity %(severity)s, due on %(due)s")
    look = ("pen-line", "info")

    severity: str
    earlier_severity: str
    owner: str
    earlier_owner: str
    due: str
    earlier_due: str
    reason: Private = Private("")


@event("finding.started", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingStarted(Event):
    """The owner works on it, by this plan."""

    says = _("Work on the finding began by a plan")
    look = ("hammer", "info")

    plan: Private


@event("finding.plan_revised", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingPlanRevised(Event):
    """The owner works on it by another plan."""

    says = _("Plan of the finding revised")
    look = ("hammer", "info")

    plan: Private


@event("finding.ready", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingReady(Event):
    """The owner says that it is mended, so that somebody else tests it again."""

    says = _("Finding mended, as its owner says; a retest is due")
    look = ("test-tube", "info")

    done: Private


@event("finding.closed", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingClosed(Event):
    """Somebody who neither owns it nor made what it is about tested it again, and it is gone."""

    says = _("Finding closed: the retest by the %(role)s passed")
    look = ("circle-check", "ok")

    role: str
    reason: Private


@event("finding.reopened", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingReopened(Event):
    """The retest failed, or the exception that had accepted the risk ended."""

    look = ("rotate-ccw", "warn")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("because") == "retest":
            return _("Finding open again: the retest failed")
        return _("Finding open again: the exception that accepted the risk ended")

    because: str  # retest, exception
    reason: Private = Private("")


@event("finding.accepted", version=1)
@dataclass(frozen=True, kw_only=True)
class FindingAccepted(Event):
    """The risk is accepted for as long as an exception stands."""

    says = _("Risk of the finding accepted by an exception")
    look = ("scale", "warn")

    exception: str
