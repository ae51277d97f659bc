"""Past facts about reports and about checks of the whole log."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("report.requested", version=1)
@dataclass(frozen=True, kw_only=True)
class ReportRequested(Event):
    """A person asked for an audit report of a version, as it stands in an environment."""

    says = _("Report asked for, on its standing in %(environment)s")
    look = ("file-plus", "idle")

    version_id: str
    environment: str


@event("report.composed", version=1)
@dataclass(frozen=True, kw_only=True)
class ReportComposed(Event):
    """The content of a report stands fixed; it is recorded here before the log is sealed, so that it cannot be changed later."""

    says = _("Report composed from %(entries)s entries: the version is %(outcome)s")
    look = ("file-pen-line", "idle")

    version_id: str
    environment: str
    content_digest: str  # of the canonical report.json
    outcome: str
    entries: int  # of the log that the content stands on
    attempt: int


@event("report.issued", version=1)
@dataclass(frozen=True, kw_only=True)
class ReportIssued(Event):
    """The signed PDF of a report was verified offline and can be fetched."""

    says = _("Report signed and given out: %(pages)s pages, file %(pdf_digest)s")
    look = ("file-badge", "ok")

    version_id: str
    content_digest: str
    pdf_digest: str
    log_size: int
    pages: int
    attempt: int


@event("report.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class ReportErrored(Event):
    """The report could not be made, and none was given out."""

    says = _("Report not made: %(why)s")
    look = ("file-x", "warn")

    version_id: str
    why: str  # unavailable, not_rendered, not_verified or failed
    attempt: int


@event("integrity_check.requested", version=1)
@dataclass(frozen=True, kw_only=True)
class IntegrityCheckRequested(Event):
    """Somebody, or the clock, asked that the whole log be recomputed."""

    says = _("Check of the whole log asked for")
    look = ("scan-search", "idle")


@event("integrity_check.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class IntegrityCheckCompleted(Event):
    """The whole log was recomputed from its bodies; where it does not hold, the first damaged entry is named."""

    says = _("Whole log recomputed up to entry %(size)s, it holds: %(holds)s")
    look = ("lock", "idle")

    holds: bool
    size: int
    entry: int | None
    attempt: int


@event("integrity_check.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class IntegrityCheckErrored(Event):
    """The recomputation came to no end, so nothing is known from it."""

    says = _("Check of the whole log came to no end")
    look = ("power-off", "warn")

    attempt: int
