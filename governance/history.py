"""What was live when: the moment or the day that is asked about, and the releases that were live then."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Asked:
    """From when until when something is asked about; the same moment twice for an exact time."""

    since: datetime
    until: datetime


def asked_of(given: str, zone: tzinfo = UTC) -> Asked:
    """The whole day of a date in `zone`, or the exact moment of a time with its offset (without one, in `zone`)."""
    try:
        day = parse_date(given)
        moment = None if day else parse_datetime(given)
    except ValueError:  # well formed, but no such day
        day = moment = None
    if day is not None:
        return _whole(day, zone)
    if moment is None:
        raise InvalidInput(_("Write a date as 2026-03-03, or a time as 2026-03-03T14:00:00+09:00."), code="at")
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(_("That time lies outside of the calendar."), code="at") from error
    return Asked(moment, moment)


def _whole(day: date, zone: tzinfo) -> Asked:
    try:
        begins = datetime.combine(day, time(), zone)
        ends = datetime.combine(day + timedelta(days=1), time(), zone)
        return Asked(begins.astimezone(UTC), ends.astimezone(UTC) - timedelta(microseconds=1))
    except OverflowError as error:
        raise InvalidInput(_("That day lies outside of the calendar."), code="at") from error


def zone_named(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(_("A time zone is written like Asia/Seoul."), code="zone") from error
