"""What an attacker who may set a threshold on a row's score learns about who was in the training data.

An area under the curve near 1/2 says that members and others look alike on average; the share found at 1 % false alarms says
whether a few members stand out all the same (Carlini et al., "Membership Inference Attacks From First Principles", 2022).
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.proportions import jeffreys

FALSE_ALARMS = 0.01


def found_at(members: Floats, others: Floats, *, false_alarms: float = FALSE_ALARMS, confidence: float = CONFIDENCE) -> Estimate:
    """The share of `members` [n] that score above the threshold which a share `false_alarms` of the `others` [m] exceeds.

    Scores: higher means "more like a member". The threshold comes from m rows only, so the interval takes the threshold, too,
    at both ends of where order statistics leave it (Clopper and Pearson), and Jeffreys' limit there: it is longer than it need
    be, never shorter. `low` is 0 and `high` is 1 where the others are too few to place the threshold at all.
    """
    members, others = np.asarray(members, dtype=np.float64), np.sort(np.asarray(others, dtype=np.float64))
    if members.size == 0 or others.size == 0:
        raise NotMeasurable("Membership needs rows on both sides.")
    if not (np.isfinite(members).all() and np.isfinite(others).all()):
        raise NotMeasurable("A score is not a finite number, so it cannot be held against a threshold.")
    m, out = others.size, tail(confidence)
    allowed = int(np.floor(false_alarms * m + 1e-9))  # others above the threshold
    value = _above(members, others, allowed)
    # The k-th largest of the others is exceeded by a share ~ Beta(k, m - k + 1): few enough and many enough k bound the place.
    ks = np.arange(1, m + 1)
    strict = ks[betaincinv(ks, m - ks + 1, 1.0 - out) <= false_alarms]
    loose = ks[betaincinv(ks, m - ks + 1, out) >= false_alarms]
    low = jeffreys(_above(members, others, int(strict[-1]) - 1), members.size, confidence=confidence)[0] if strict.size else 0.0
    high = jeffreys(_above(members, others, int(loose[0]) - 1), members.size, confidence=confidence)[1] if loose.size else 1.0
    share = value / members.size
    method = f"jeffreys, at both ends of the threshold's place among {m:,}"
    return Estimate(share, min(low, share), max(high, share), members.size, confidence, method[:64])


def _above(members: Floats, others: Floats, allowed: int) -> int:
    """How many members score above all but `allowed` of the others (sorted upwards)."""
    place = others.size - 1 - allowed
    return int(members.size if place < 0 else np.count_nonzero(members > others[place]))
