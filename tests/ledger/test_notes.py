"""Signed notes and heads, against published examples."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.notes import BadNote, Head, open_note, proof_text, read_head, read_vkey, sign, vkey

# The example of the signed note format, as golang.org/x/mod/sumdb/note publishes it with its key.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[
    1:
]  # the published example key; its first byte names Ed25519
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"


def test_the_published_note_is_made_and_opened() -> None:
    name, public = read_vkey(VKEY)
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    assert vkey("PeterNeumann", key.public_key().public_bytes_raw()) == VKEY
    assert sign(TEXT, name="PeterNeumann", key=key) == NOTE
    assert open_note(NOTE, name=name, public=public) == TEXT


def test_every_changed_character_of_a_note_is_refused() -> None:
    name, public = read_vkey(VKEY)
    for place, character in enumerate(NOTE):
        changed = NOTE[:place] + ("x" if character != "x" else "y") + NOTE[place + 1 :]
        with pytest.raises(BadNote):
            open_note(changed, name=name, public=public)
    for end in range(len(NOTE)):
        with pytest.raises(BadNote):
            open_note(NOTE[:end], name=name, public=public)


def test_a_note_of_another_key_is_refused_and_further_signatures_are_left_aside() -> None:
    name, public = read_vkey(VKEY)
    other = Ed25519PrivateKey.generate()
    with pytest.raises(BadNote):
        open_note(sign(TEXT, name=name, key=other), name=name, public=public)
    cosigned = NOTE + sign(TEXT, name="witness.example", key=other).rpartition("\n\n")[2]
    assert open_note(cosigned, name=name, public=public) == TEXT


def test_a_head_reads_as_it_was_written() -> None:
    head = Head("example.com/log", 12, bytes(range(32)))
    assert read_head(head.text()) == head
    root = base64.b64encode(bytes(32)).decode()
    for bad in (f"log\n012\n{root}\n", f"log\n-1\n{root}\n", f"\n12\n{root}\n", "log\n12\nAAAA\n", "x"):
        with pytest.raises(BadNote):
            read_head(bad)


def test_base64_has_one_form_only() -> None:
    root = base64.b64encode(bytes(32)).decode()
    assert root.endswith("A=")
    with pytest.raises(BadNote):
        read_head(f"example.com/log\n1\n{root[:-2]}B=\n")


def test_a_proof_is_written_as_its_format_demands() -> None:
    seal = "origin\n4\nroot\n\n— origin signature\n"
    node = base64.b64encode(bytes(32)).decode()
    assert proof_text(3, [bytes(32)], seal) == "c2sp.org/tlog-proof@v1\nindex 3\n" + node + "\n\n" + seal
