"""Figures, times and sizes as people read them: plain text, for pages and for the printed report alike."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

THIN = "\u202f"  # narrow no-break space: keeps a figure and its unit on one line
NO_UNITS = {"score"}  # says that a figure has none
PER_CENT_UNITS = {"fraction", "proportion", "share", "rate", "%"}


def number(value: float | Decimal | None, *, digits: int | None = None) -> str:
    """A figure in the reader's notation; without `digits`, whole numbers in full and others to three significant digits."""
    if value is None:
        return "–"
    if isinstance(value, float) and not math.isfinite(value):
        return _("not finite")
    if digits is None:
        digits = _digits_for(float(value))
    rounded = Decimal(f"{abs(float(value)):.{digits}f}")  # Django's own function cuts decimals off instead
    text = number_format(rounded, decimal_pos=digits, force_grouping=True)
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def _digits_for(value: float) -> int:
    if value == int(value):
        return 0
    return max(0, min(6, 2 - math.floor(math.log10(abs(value)))))


def measure(value: float | None, unit: str = "") -> str:
    """A figure with its unit. A fraction is shown as per cent; the `%` unit says that the figure already is per cent."""
    if value is None:
        return _("not measured")
    scaled, digits, sign = _scale(value, unit)
    return f"{number(scaled, digits=digits)}{THIN}{sign}" if sign else number(scaled, digits=digits)


def _scale(value: float, unit: str) -> tuple[float, int | None, str]:
    if unit in PER_CENT_UNITS:
        return (value if unit == "%" else value * 100), 1, "%"
    return value, None, "" if unit in NO_UNITS else unit


def interval(
    value: float | None, low: float | None, high: float | None, n: int | None, unit: str = "", *, of: str = "rows"
) -> str:
    """`97.8 % (96.1–98.9 %, 450 rows)`. What is not known is said: a figure never stands without its sample size."""
    if value is None:
        return _("not measured")
    known = []
    if low is not None and high is not None:
        low_scaled, digits, sign = _scale(low, unit)
        high_scaled, _digits, _sign = _scale(high, unit)
        if digits is None:
            digits = max(_digits_for(low_scaled), _digits_for(high_scaled))
        between = f"{number(low_scaled, digits=digits)}–{number(high_scaled, digits=digits)}"
        known.append(f"{between}{THIN}{sign}" if sign else between)
    elif unit in PER_CENT_UNITS:
        known.append(_("no interval"))
    known.append(sample(n, of=of))
    return f"{measure(value, unit)} ({', '.join(known)})"


def sample(n: int | None, *, of: str = "rows") -> str:
    """The size of a sample in words."""
    if n is None:
        return _("sample size not recorded")
    grouped = number_format(n, force_grouping=True)
    if of == "rows":
        return ngettext("%(n)s row", "%(n)s rows", n) % {"n": grouped}
    return f"{grouped} {of}"


def size(value: int | None) -> str:
    """Bytes in powers of 1,000, as file managers and storage bills count them."""
    if value is None:
        return "–"
    units = ["B", "kB", "MB", "GB", "TB"]
    step = 0 if value < 1000 else min(len(units) - 1, int(math.log10(value) // 3))
    scaled = value / 1000**step
    return f"{number(scaled, digits=0 if step == 0 or scaled >= 100 else 1)}{THIN}{units[step]}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `42 s`, `2 min 11 s`, `3 h 05 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{number(seconds, digits=1)}{THIN}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{THIN}s"
    if whole < 3600:
        return f"{whole // 60}{THIN}min {whole % 60:02}{THIN}s"
    return f"{whole // 3600}{THIN}h {whole % 3600 // 60:02}{THIN}min"


def moment(value: datetime, *, seconds: bool = False, zone: tzinfo | None = None) -> str:
    """`18 Nov 2026, 23:03 +09:00`: the reader's own zone, with the offset, so that it can be compared with anybody's."""
    local = timezone.localtime(value, zone)
    return f"{day(local.date())}, {date_format(local, 'H:i:s' if seconds else 'H:i')} {_offset(local)}"


def day(value: date) -> str:
    return date_format(value, "j M Y")


def _offset(local: datetime) -> str:
    ahead = local.utcoffset()
    if not ahead:
        return "UTC"
    minutes = int(ahead.total_seconds() // 60)
    return f"{'+' if minutes > 0 else '−'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def exact(value: datetime) -> str:
    """The moment in UTC to the second, for the title of what is shown in the reader's zone."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def short_digest(value: str) -> str:
    """`sha256:7f3c9e2a…b210`: enough to tell two apart by eye; the whole one is always beside it."""
    method, colon, hexadecimal = value.partition(":")
    if not colon:
        method, hexadecimal = "", value
    if len(hexadecimal) <= 16:
        return value
    return f"{method}{colon}{hexadecimal[:8]}…{hexadecimal[-4:]}"
