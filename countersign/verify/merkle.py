"""Inclusion in a Merkle tree as RFC 6962 (and 9162) defines it."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.verify.encoding import sha256
from countersign.verify.outcome import Refused

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees."""
    return sha256(b"\x01" + left + right)


def root_from_proof(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of the tree of `size` leaves in which `leaf` stands at `index`, as `proof` says (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise Refused(f"Index {index} does not lie in a log of {size} entries.")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused("The inclusion proof is too long.")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise Refused("The inclusion proof is too short.")
    return node


def require_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if `leaf` is entry `index` of the tree of `size` entries under `root`."""
    if {len(leaf), len(root), *map(len, proof)} != {HASH_BYTES}:
        raise Refused("The inclusion proof holds something else than SHA-256 hashes.")
    if root_from_proof(index=index, size=size, leaf=leaf, proof=proof) != root:
        raise Refused("The inclusion proof leads to another root.")
