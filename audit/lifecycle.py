"""The ends that a report and a check of the log can come to, as data; the only callers of `Act.move` here."""

from __future__ import annotations

from typing import Any

from audit import events
from audit.models import IntegrityCheck, Report
from ledger.acts import Act
from ledger.leases import COMPLETE, FAIL


def issue(report: Report, fact: events.ReportIssued, *, within: Act, **columns: Any) -> None:
    within.move(report, COMPLETE, fact, lease_until=None, finished_at=within.at, **columns)


def give_up(report: Report, fact: events.ReportErrored, *, within: Act, error: str) -> None:
    within.move(report, FAIL, fact, lease_until=None, finished_at=within.at, error=error)


def conclude(check: IntegrityCheck, fact: events.IntegrityCheckCompleted, *, within: Act, **columns: Any) -> None:
    within.move(check, COMPLETE, fact, lease_until=None, finished_at=within.at, **columns)


def abandon(check: IntegrityCheck, *, within: Act, error: str) -> None:
    fact = events.IntegrityCheckErrored(attempt=check.attempt)
    within.move(check, FAIL, fact, lease_until=None, finished_at=within.at, error=error)
