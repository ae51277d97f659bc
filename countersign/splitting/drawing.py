"""How rows are drawn: `countersign.split/1`, written down so that anybody can draw the same rows again.

Chance. `words(seed, purpose, n)` are n whole numbers of 64 bits: the first 8n bytes of SHAKE-256 over the text
"countersign.split/1", a zero byte, the seed in decimals, a zero byte, the purpose; each 8 bytes are one number, lowest byte
first. A random order sorts by these numbers, then by position. A draw of one of n is (word x n) / 2**64, rounded down.

Hold-out (purpose "holdout"). Of n rows, round(n x share) are held out, at least one and not all. Each stratum (rows with one
value of the column, strata ordered as texts) gives its share of them, rounded by the largest remainder: within one row.

k-fold (purpose "kfold"). The rows of the first stratum in random order, then those of the second, and so on, are dealt to
the folds in turn. So a fold has of each stratum, and in all, its share of rows within one.

Groups (a patient, a user) are never divided. They go, largest first and otherwise in random order, to the fold (or into the
hold-out or not) where the strata come nearest to their shares; the shares then hold as nearly as the groups allow.

Bootstrap (purpose "bootstrap/<number>"). As many rows as there are, with repetition; in each stratum by itself; or as many
groups as there are, with all of their rows. Were nothing left out, the purpose "bootstrap/<number>/<attempt>" follows.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from countersign.splitting.plan import FORMAT, CannotSplit, complement

_ATTEMPTS = 100
Groups = Mapping[str, Sequence[int]]


def words(seed: int, purpose: str, count: int) -> array[int]:
    """`count` whole numbers below 2**64."""
    drawn = array("Q")
    drawn.frombytes(hashlib.shake_256(f"{FORMAT}\0{seed}\0{purpose}".encode()).digest(8 * count))
    if drawn.itemsize != 8:  # pragma: no cover - on no machine that runs Python 3.11
        raise CannotSplit("This machine's numbers of 64 bits have another size.")
    if _BIG_ENDIAN:
        drawn.byteswap()
    return drawn


_BIG_ENDIAN = array("H", b"\0\1")[0] == 1


def shuffled(rows: Sequence[int], drawn: Sequence[int]) -> list[int]:
    """`rows` (positions in `drawn`) in the random order that `drawn` gives."""
    return sorted(rows, key=lambda row: (drawn[row], row))


def strata_of(labels: Sequence[str] | None, rows: int) -> dict[str, list[int]]:
    """The rows of each label, labels ordered as texts; one stratum where there are no labels."""
    if labels is None:
        return {"": list(range(rows))}
    found: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        found.setdefault(label, []).append(row)
    return dict(sorted(found.items()))


def shares(sizes: Sequence[int], wanted: int) -> list[int]:
    """`wanted` rows divided by the sizes of the strata, by the largest remainder; each within one of its exact share."""
    total = sum(sizes)
    given = [size * wanted // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda one: (-(sizes[one] * wanted % total), one))
    for one in by_remainder[: wanted - sum(given)]:
        given[one] += 1
    return given


def hold_out(strata: Mapping[str, Sequence[int]], *, rows: int, share: float, seed: int) -> list[int]:
    """The rows that are held out, ascending."""
    wanted = min(max(1, round(rows * share)), rows - 1)
    drawn = words(seed, "holdout", rows)
    held: list[int] = []
    for members, count in zip(strata.values(), shares([len(members) for members in strata.values()], wanted), strict=True):
        held += shuffled(members, drawn)[:count]
    return sorted(held)


def folds(strata: Mapping[str, Sequence[int]], *, rows: int, count: int, seed: int) -> list[list[int]]:
    """The rows that each fold holds out, ascending; each row in exactly one."""
    drawn = words(seed, "kfold", rows)
    dealt = [row for members in strata.values() for row in shuffled(members, drawn)]
    return [sorted(dealt[first::count]) for first in range(count)]


def _ordered(groups: Groups, *, purpose: str, seed: int) -> list[Sequence[int]]:
    """Groups, largest first; those of one size in random order. Named groups are numbered in the order of their texts."""
    members = [groups[name] for name in sorted(groups)]
    drawn = words(seed, purpose, len(members))
    return [members[one] for one in sorted(range(len(members)), key=lambda one: (-len(members[one]), drawn[one], one))]


def grouped_folds(groups: Groups, labels: Sequence[str], *, count: int, seed: int) -> list[list[int]]:
    """As `folds`, with each group in one fold."""
    totals = Counter(labels)
    held: list[list[int]] = [[] for _ in range(count)]
    have: list[Counter[str]] = [Counter() for _ in range(count)]
    for members in _ordered(groups, purpose="kfold", seed=seed):
        comes = Counter(labels[row] for row in members)
        costs = [_growth(one, comes, totals) for one in have]
        best = min(range(count), key=lambda fold: (costs[fold], len(held[fold]), fold))
        held[best] += members
        have[best] += comes
    return [sorted(one) for one in held]


def grouped_hold_out(groups: Groups, labels: Sequence[str], *, rows: int, share: float, seed: int) -> list[int]:
    """As `hold_out`, with each group in it or not."""
    totals = Counter(labels)
    target = {label: size * share for label, size in totals.items()}
    held: list[int] = []
    have: Counter[str] = Counter()
    order = _ordered(groups, purpose="holdout", seed=seed)
    for members in order:
        comes = Counter(labels[row] for row in members)
        nearer = sum(
            ((have[label] + size - target[label]) ** 2 - (have[label] - target[label]) ** 2) / totals[label]
            for label, size in sorted(comes.items())
        )
        if nearer < 0 and len(held) + len(members) < rows:
            held += members
            have += comes
    return sorted(held or order[-1])  # where each group is larger than the share, the smallest


def _growth(have: Counter[str], comes: Counter[str], totals: Counter[str]) -> float:
    """By how much the sum over strata of (rows in the fold)**2 / (rows in all) grows; smallest where most is missing."""
    return math.fsum((2 * have[label] + size) * size / totals[label] for label, size in sorted(comes.items()))


def bag(strata: Mapping[str, Sequence[int]], *, rows: int, number: int, seed: int) -> list[int]:
    """The rows of one resample, ascending, each as often as it was drawn; at least one row is left out."""

    def draw(purpose: str) -> list[int]:
        drawn = words(seed, purpose, rows)
        taken, at = [], 0
        for members in strata.values():
            taken += [members[(drawn[at + step] * len(members)) >> 64] for step in range(len(members))]
            at += len(members)
        return sorted(taken)

    return _leaving_some_out(draw, rows=rows, number=number)


def grouped_bag(groups: Groups, *, rows: int, number: int, seed: int) -> list[int]:
    """As `bag`, drawing whole groups."""
    members = [groups[name] for name in sorted(groups)]

    def draw(purpose: str) -> list[int]:
        drawn = words(seed, purpose, len(members))
        return sorted(row for word in drawn for row in members[(word * len(members)) >> 64])

    return _leaving_some_out(draw, rows=rows, number=number)


def _leaving_some_out(draw: Callable[[str], list[int]], *, rows: int, number: int) -> list[int]:
    for attempt in range(_ATTEMPTS):
        taken = draw(f"bootstrap/{number}" + (f"/{attempt}" if attempt else ""))
        if complement(taken, rows):
            return taken
    raise CannotSplit("No resample leaves a row out: each stratum has only one row, or there is only one group.")
