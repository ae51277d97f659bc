"""Intervals of a proportion, and how many rows would settle a question about one.

Jeffreys' interval is what `proportion` gives: where models are good, rates lie near 1, and there Wald's and the bootstrap's
percentile interval cover far less than they say (0.63 for a nominal 0.95 at a rate of 0.999 and 1,000 rows), while Jeffreys'
covers 0.98. Wilson's is offered for rates in the middle (0.02 to 0.98), where it is as good.
Source: Brown, Cai, DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001).
"""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtri

from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail, unknown

MOST_ROWS = 10**9  # beyond this, "more rows" is no advice


def _checked(successes: float, n: float) -> None:
    if n < 0 or not 0 <= successes <= n:
        raise NotMeasurable(f"{successes} successes among {n} rows is not a proportion.")


def jeffreys(successes: float, n: float, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Equal-tailed interval of Beta(successes + 1/2, failures + 1/2), with 0 at no success and 1 at no failure.

    The two edges are the modification of Brown et al. (section 4.1.2): without it the interval would exclude the observed
    rate. `successes` may be fractional (planning). No row gives (0, 1).
    """
    _checked(successes, n)
    out = tail(confidence)
    if n == 0:
        return 0.0, 1.0
    rate, failures = successes / n, n - successes
    low = float(betaincinv(successes + 0.5, failures + 0.5, out))
    high = float(betaincinv(successes + 0.5, failures + 0.5, 1.0 - out))
    return min(low, rate), max(high, rate)  # at the edges the rate itself is the bound


def wilson(successes: float, n: float, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval (1927). No row gives (0, 1)."""
    _checked(successes, n)
    z = float(-ndtri(tail(confidence)))
    if n == 0:
        return 0.0, 1.0
    rate = successes / n
    scale = 1.0 + z * z / n
    middle = (rate + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(rate * (1.0 - rate) / n + z * z / (4.0 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return min(low, rate), max(high, rate)


def proportion(successes: int, n: int, *, confidence: float = CONFIDENCE, method: str = "jeffreys") -> Estimate:
    """successes / n with its interval; with no row, nothing is known (n = 0, interval 0 to 1)."""
    interval = {"jeffreys": jeffreys, "wilson": wilson}.get(method)
    if interval is None:
        raise NotMeasurable(f"There is no interval named {method!r} for a proportion; use jeffreys or wilson.")
    low, high = interval(successes, n, confidence=confidence)
    if n == 0:
        return unknown(low, high, confidence=confidence, method=method)
    return Estimate(successes / n, low, high, int(n), confidence, method)


def rows_to_settle(rate: float, limit: float, *, confidence: float = CONFIDENCE) -> int | None:
    """The fewest rows at which Jeffreys' interval around the observed `rate` no longer contains `limit`.

    Above the limit the lower bound must reach it, below it the upper bound must stay under it. None when the rate equals the
    limit or lies so near that even a thousand million rows would not tell.
    """
    if not (0.0 <= rate <= 1.0 and math.isfinite(limit)):
        raise NotMeasurable(f"A rate of {rate!r} against a limit of {limit!r} cannot be planned for.")

    def settled(n: int) -> bool:
        low, high = jeffreys(rate * n, n, confidence=confidence)
        return low >= limit if rate > limit else high < limit

    if rate == limit or not settled(MOST_ROWS):
        return None
    below, enough = 0, 1
    while not settled(enough):
        below, enough = enough, enough * 2
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if settled(middle) else (middle, enough)
    return enough
