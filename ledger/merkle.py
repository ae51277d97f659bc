"""The Merkle tree of RFC 6962 (and RFC 9162): hashes, proofs, and their checks. Pure; knows no database.

A node is named (level, index): it stands over the 2**level leaves from index * 2**level on. Only perfect subtrees are
stored; what a proof needs at the ragged right edge is folded from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Name = tuple[int, int]
EMPTY_ROOT = hashlib.sha256(b"").digest()


def hash_leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: its size and the roots of its perfect subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Take in one leaf's hash; yields each inner node that is complete with it."""
        index, node, level = self.size, leaf, 0
        while index & 1:
            node = hash_children(self.peaks.pop(), node)
            index >>= 1
            level += 1
            yield level, index, node
        self.peaks.append(node)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
        return [node for leaf in leaves for node in self.append(leaf)]

    def root(self) -> bytes:
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT


def _fold(peaks: Sequence[bytes]) -> bytes:
    """One hash over perfect subtrees that lie side by side, the largest first."""
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = hash_children(peak, node)
    return node


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1


def _inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    if not 0 <= index < size:
        raise ValueError(f"Entry {index} is not in a log of {size}.")
    low, high, beside = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    return beside[::-1]


def _consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    if not 0 < first <= second:
        raise ValueError(f"There is no consistency proof from {first} to {second} entries.")
    low, high, whole, beside = 0, second, True, []
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low, whole = middle, False
    if not whole:
        beside.append((low, high))
    return beside[::-1]


def _nodes_of(low: int, high: int) -> list[Name]:
    """The perfect subtrees that make up the leaves from `low` to `high`, a range as it occurs in proofs."""
    names = []
    while low < high:
        level = (high - low).bit_length() - 1
        names.append((level, low >> level))
        low += 1 << level
    return names


@dataclass(frozen=True, slots=True)
class Plan:
    """Which stored nodes a proof needs; `build` folds them."""

    ranges: tuple[tuple[int, int], ...]

    def needs(self) -> set[Name]:
        return {name for low, high in self.ranges for name in _nodes_of(low, high)}

    def build(self, stored: Mapping[Name, bytes]) -> list[bytes]:
        return [_fold([stored[name] for name in _nodes_of(low, high)]) for low, high in self.ranges]


def plan_inclusion(index: int, size: int) -> Plan:
    return Plan(tuple(_inclusion_ranges(index, size)))


def plan_consistency(first: int, second: int) -> Plan:
    return Plan(tuple(_consistency_ranges(first, second)))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to (RFC 9162 2.1.3.2); raises ValueError when it has the wrong length."""
    if not 0 <= index < size:
        raise ValueError("The entry is not in the tree.")
    if any(len(node) != 32 for node in (leaf, *proof)):
        raise ValueError("A hash has 32 bytes.")
    node, last, steps = leaf, size - 1, list(proof)
    while last:
        if index & 1:
            node = hash_children(_next(steps), node)
        elif index < last:
            node = hash_children(node, _next(steps))
        index >>= 1
        last >>= 1
    if steps:
        raise ValueError("The proof is too long.")
    return node


def _next(steps: list[bytes]) -> bytes:
    if not steps:
        raise ValueError("The proof is too short.")
    return steps.pop(0)


def is_consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `second` leaves begins with the tree of `first` (RFC 9162 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    try:
        old = new = _next(steps)
        index, last = first - 1, second - 1
        while index & 1:
            index >>= 1
            last >>= 1
        while last:
            if index & 1:
                sibling = _next(steps)
                old, new = hash_children(sibling, old), hash_children(sibling, new)
            elif index < last:
                new = hash_children(new, _next(steps))
            index >>= 1
            last >>= 1
    except ValueError:
        return False
    return not steps and old == first_root and new == second_root
