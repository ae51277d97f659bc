"""C2SP texts: signed notes, log heads (checkpoints) and proofs of single entries. Pure; knows no key file and no database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+\Z")
_SIGNATURE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})\\Z")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


class BadNote(ValueError):
    """A text that is not what it should be, or whose signature does not hold."""


def key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def vkey(name: str, public: bytes) -> str:
    """The verifier key: name, key hash and key, as it is pinned and printed."""
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def read_vkey(text: str) -> tuple[str, bytes]:
    """The name and the 32 bytes of a verifier key."""
    name, _, rest = text.partition("+")
    claimed, _, encoded = rest.partition("+")
    key = decode(encoded)
    if not _NAME.match(name) or key[:1] != ED25519 or len(key) != 33 or key_hash(name, key[1:]).hex() != claimed:
        raise BadNote("This is no Ed25519 verifier key of a signed note.")
    return name, key[1:]


def decode(text: str) -> bytes:
    """Standard base64 in its one canonical form: spare bits would let a changed text still verify."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("This is not base64.") from error
    if base64.b64encode(decoded).decode() != text:
        raise BadNote("This base64 is not in canonical form.")
    return decoded


def sign(text: str, *, name: str, key: Ed25519PrivateKey) -> str:
    """The note: `text`, an empty line, and one signature line."""
    if not text.endswith("\n") or not _NAME.match(name):
        raise BadNote("A note ends with a line break, and its signer's name has neither spaces nor a plus sign.")
    signature = key_hash(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, *, name: str, public: bytes) -> str:
    """The text of a note that `name` signed with `public`; other signatures are left aside."""
    text, found, signatures = note.rpartition("\n\n")
    if not found or not signatures.endswith("\n"):
        raise BadNote("This is no signed note.")
    text += "\n"
    holds = False
    for line in signatures.removesuffix("\n").split("\n"):
        match = _SIGNATURE.match(line)
        if not match:
            raise BadNote("A signature line of the note is damaged.")
        signature = decode(match[2])
        if match[1] != name or signature[:4] != key_hash(name, public):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
        except InvalidSignature as error:
            raise BadNote("The signature does not match the note.") from error
        holds = True
    if not holds:
        raise BadNote("The note is not signed by the expected key.")
    return text


@dataclass(frozen=True, slots=True)
class Head:
    """What a seal says: this log had so many entries and this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_head(text: str) -> Head:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _NUMBER.match(lines[1]):
        raise BadNote("This is no head of a log.")
    root = decode(lines[2])
    if len(root) != 32:
        raise BadNote("The root of a log has 32 bytes.")
    return Head(lines[0], int(lines[1]), root)


def proof_text(index: int, proof: Sequence[bytes], seal: str) -> str:
    """A C2SP tlog-proof: one entry's place under one seal, to be checked offline."""
    hashes = "".join(base64.b64encode(node).decode() + "\n" for node in proof)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{seal}"
