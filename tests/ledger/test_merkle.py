"""The tree against published figures, and every proof of every small tree."""

from __future__ import annotations

import hashlib

import pytest

from ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    hash_children,
    hash_leaf,
    is_consistent,
    plan_consistency,
    plan_inclusion,
    root_from_inclusion,
)

# The eight leaves and their roots with which implementations of Certificate Transparency (RFC 6962) have always been tested.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def grown(size: int) -> tuple[Frontier, dict[tuple[int, int], bytes]]:
    """A tree of `size` leaves and its stored nodes."""
    frontier, stored = Frontier(), {}
    for index in range(size):
        leaf = hash_leaf(str(index).encode())
        stored[0, index] = leaf
        stored.update({(level, place): node for level, place, node in frontier.append(leaf)})
    return frontier, stored


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, written down as it is defined."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hash_children(root_by_definition(leaves[:half]), root_by_definition(leaves[half:]))


def test_the_roots_are_the_published_ones() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    roots = [frontier.root().hex()]
    for leaf in LEAVES:
        list(frontier.append(hash_leaf(leaf)))
        roots.append(frontier.root().hex())
    assert roots == ROOTS


@pytest.mark.parametrize(
    ("plan", "published"),
    [
        (
            plan_inclusion(5, 8),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            plan_consistency(6, 8),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            plan_consistency(2, 5),
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_the_proofs_are_the_published_ones(plan: object, published: list[str]) -> None:
    frontier, stored = Frontier(), {}
    for index, body in enumerate(LEAVES):
        stored[0, index] = hash_leaf(body)
        stored.update({(level, place): node for level, place, node in frontier.append(hash_leaf(body))})
    assert [node.hex() for node in plan.build(stored)] == published


def test_every_small_tree_has_the_root_of_the_definition() -> None:
    for size in range(70):
        frontier, stored = grown(size)
        assert frontier.root() == root_by_definition([stored[0, index] for index in range(size)])


def test_every_inclusion_proof_of_every_small_tree_leads_to_its_root_and_to_no_other() -> None:
    for size in range(1, 34):
        frontier, stored = grown(size)
        for index in range(size):
            proof = plan_inclusion(index, size).build(stored)
            assert root_from_inclusion(stored[0, index], index, size, proof) == frontier.root()
            assert root_from_inclusion(hash_leaf(b"another"), index, size, proof) != frontier.root()
            with pytest.raises(ValueError, match="too long"):
                root_from_inclusion(stored[0, index], index, size, [*proof, b"\0" * 32])
            if proof:
                with pytest.raises(ValueError, match="too short"):
                    root_from_inclusion(stored[0, index], index, size, proof[:-1])
                damaged = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
                assert root_from_inclusion(stored[0, index], index, size, damaged) != frontier.root()


def test_every_consistency_proof_of_every_small_tree_holds_and_every_damaged_one_fails() -> None:
    stored = grown(33)[1]
    roots = {size: grown(size)[0].root() for size in range(34)}
    for second in range(1, 34):
        for first in range(1, second + 1):
            proof = plan_consistency(first, second).build(stored)
            assert is_consistent(first, second, roots[first], roots[second], proof)
            assert not is_consistent(first, second, hash_leaf(b"fork"), roots[second], proof)
            assert not is_consistent(first, second, roots[first], hash_leaf(b"fork"), proof)
            assert not is_consistent(first, second, roots[first], roots[second], [*proof, b"\0" * 32])
            for place in range(len(proof)):
                assert not is_consistent(first, second, roots[first], roots[second], proof[:place] + proof[place + 1 :])
                damaged = [*proof[:place], hash_leaf(proof[place]), *proof[place + 1 :]]
                assert not is_consistent(first, second, roots[first], roots[second], damaged)


@pytest.mark.parametrize(("first", "second"), [(0, 5), (6, 5), (-1, 5)])
def test_there_is_no_consistency_proof_from_nothing_or_backwards(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        plan_consistency(first, second)
    assert not is_consistent(first, second, EMPTY_ROOT, hash_leaf(b""), [])


def test_a_proof_stays_logarithmic_in_the_size_of_the_log() -> None:
    assert len(plan_inclusion(123_456, 1_000_000).needs()) < 60
    assert len(plan_consistency(123_457, 1_000_000).needs()) < 60
