"""Published figures: RFC 6962 trees and RFC 8785 numbers; and C2SP seals."""

from __future__ import annotations

import base64
import math
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.verify import Refused, merkle
from countersign.verify.canonical import canonical_bytes, parse_canonical
from countersign.verify.note import LogKey, parse_seal
from tests.countersign.verify.site_keys_and_log import inclusion_proof, make_keys, tree_root

# The eight leaves of the classic Certificate Transparency test tree, and its roots for sizes 1 to 8.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_every_proof_of_the_classic_tree_leads_to_its_published_root() -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    for size, root in enumerate(ROOTS, start=1):
        assert tree_root(hashes[:size]).hex() == root
        for index in range(size):
            proof = inclusion_proof(index, hashes[:size])
            arguments = {"index": index, "size": size, "leaf": hashes[index], "root": bytes.fromhex(root)}
            merkle.require_inclusion(**arguments, proof=proof)
            for wrong in (proof[:-1], [*proof, bytes(32)], [bytes(32)] * len(proof)):
                if wrong != proof:
                    with pytest.raises(Refused):
                        merkle.require_inclusion(**arguments, proof=wrong)


def test_another_index_another_leaf_and_another_size_are_refused() -> None:
    hashes = [merkle.leaf_hash(b"%d" % number) for number in range(13)]
    root = tree_root(hashes)
    for index in range(13):
        proof = inclusion_proof(index, hashes)
        for other in {*range(-1, 14)} - {index}:
            with pytest.raises(Refused):
                merkle.require_inclusion(index=other, size=13, leaf=hashes[index], proof=proof, root=root)
        with pytest.raises(Refused):
            merkle.require_inclusion(index=index, size=13, leaf=hashes[index - 1], proof=proof, root=root)


def test_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(Refused):
        merkle.require_inclusion(index=0, size=1, leaf=b"", proof=[], root=b"")


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555554", "333333333.33333325"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_appendix_b_of_rfc_8785_says(bits: str, written: str) -> None:
    assert canonical_bytes(struct.unpack(">d", bytes.fromhex(bits))[0]) == written.encode()


@settings(max_examples=300, deadline=None, database=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_written_as_the_writer_writes_it(value: float) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)
    assert math.isclose(float(canonical_bytes(value)), value, rel_tol=0, abs_tol=0)


@settings(max_examples=200, deadline=None, database=None)
@given(st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=6))
def test_any_object_is_written_as_the_writer_writes_it(value: dict[str, str]) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)
    assert parse_canonical(rfc8785.dumps(value), what="It") == value


@pytest.mark.parametrize(
    "text", ['{"b":1,"a":2}', '{"a": 1}', '{"a":1.0}', '"\\u0041"', '"\\/"', "1E2", "[1]\n", '{"\ufb33":2,"\U0001f600":1}']
)
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_canonical(text.encode(), what="It")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Refused):
        parse_canonical(b'"\\ud800"', what="It")
    with pytest.raises(Refused):
        canonical_bytes({"a": "\ud800"})


def test_a_seal_is_read_and_its_signature_holds_for_its_key_only() -> None:
    keys, others = make_keys(), make_keys(1)
    note = keys.seal(5, bytes(32))
    seal = parse_seal(note)
    assert (seal.origin, seal.size, seal.root) == ("countersign.example/log", 5, bytes(32))
    seal.require_signature_of(LogKey.from_vkey(keys.vkey))
    with pytest.raises(Refused):
        seal.require_signature_of(LogKey.from_vkey(others.vkey))


def test_a_cosignature_of_an_unknown_key_changes_nothing_and_a_doubled_one_is_refused() -> None:
    keys = make_keys()
    note = keys.seal(5, bytes(32))
    witness = "— witness.example " + base64.b64encode(b"abcd" + bytes(64)).decode() + "\n"
    parse_seal(note + witness.encode()).require_signature_of(LogKey.from_vkey(keys.vkey))
    doubled = note + note.rpartition(b"\n\n")[2]
    with pytest.raises(Refused, match="two signatures"):
        parse_seal(doubled).require_signature_of(LogKey.from_vkey(keys.vkey))


def test_no_byte_of_a_seal_can_change() -> None:
    keys = make_keys()
    note, key = keys.seal(5, b"root" * 8), LogKey.from_vkey(keys.vkey)
    for offset in range(len(note)):
        for flip in (1, 2, 4, 16, 32, 128):
            changed = note[:offset] + bytes([note[offset] ^ flip]) + note[offset + 1 :]
            with pytest.raises(Refused):
                parse_seal(changed).require_signature_of(key)


@pytest.mark.parametrize("size", ["05", "+5", "", "9223372036854775808", "5 ", "-1", "0x5"])
def test_a_size_has_one_spelling(size: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    with pytest.raises(Refused):
        parse_seal(f"origin\n{size}\n{root}\n\n— origin AAAAAAAA\n".encode())
