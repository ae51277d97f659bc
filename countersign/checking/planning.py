"""How many rows settle a threshold on a proportion, with the interval that the site judges by (Jeffreys, 95 %, two-sided).

Written out here with the standard library, because the client needs neither numpy nor scipy; tests hold it against both.
"""

from __future__ import annotations

import math

MOST = 10**8
_TAIL = 0.025
_TINY = 1e-300


def rows_to_settle(rate: float, limit: float) -> int | None:
    """The fewest rows at which an observed `rate` above a minimum (or below a maximum) is clear of it; None where none are."""
    if not (0 <= rate <= 1 and 0 < limit < 1) or rate == limit or not _settled(rate, limit, MOST):
        return None
    below, enough = 0, 1
    while not _settled(rate, limit, enough):
        below, enough = enough, enough * 2
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if _settled(rate, limit, middle) else (middle, enough)
    return enough


def _settled(rate: float, limit: float, rows: int) -> bool:
    """Whether the bound of the interval lies beyond the limit: as much probability as the tail on the limit's side, or less."""
    a, b = rate * rows + 0.5, (1 - rate) * rows + 0.5
    below = incomplete_beta(a, b, limit)
    return below <= _TAIL if rate > limit else below > 1 - _TAIL


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    found = d
    for m in range(1, 100_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + numerator * d or _TINY)
            c = 1 + numerator / c or _TINY
            found *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return found
