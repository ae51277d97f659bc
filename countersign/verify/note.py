"""C2SP signed notes and log heads: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.verify import limits
from countersign.verify.encoding import sha256, strict_base64
from countersign.verify.outcome import Refused

ED25519 = b"\x01"
SIGNATURE_LINE = re.compile(r"— (?P<name>\S+) (?P<signature>[A-Za-z0-9+/=]+)")
GREATEST_SIZE = 2**63 - 1


@dataclass(frozen=True)
class LogKey:
    """A public key that seals log heads, under the name that the log goes by."""

    name: str
    key_id: bytes
    key: bytes

    @classmethod
    def from_vkey(cls, vkey: str) -> LogKey:
        """The key written as `name+8 hexadecimal digits+base64`, provided that the digits belong to the rest."""
        name, plus, rest = vkey.partition("+")
        key_id, second_plus, encoded = rest.partition("+")
        if not (plus and second_plus) or not re.fullmatch(r"[0-9a-f]{8}", key_id) or not re.fullmatch(r"[^\s+]+", name):
            raise Refused("The log key is not written as name+key id+key.")
        material = strict_base64(encoded, what="The log key", length=33)
        if material[:1] != ED25519:
            raise Refused("The log key is not an Ed25519 key.")
        if sha256(name.encode() + b"\n" + material)[:4].hex() != key_id:
            raise Refused("The id of the log key does not belong to the key.")
        return cls(name=name, key_id=bytes.fromhex(key_id), key=material[1:])


@dataclass(frozen=True)
class Seal:
    """A log head: so many entries, this root; signed or not is another question."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes], ...]  # name, key id and signature

    def require_signature_of(self, key: LogKey) -> None:
        """Return only if `key` sealed exactly this text, once, under its own name."""
        mine = [blob[4:] for name, blob in self.signatures if name == key.name and blob[:4] == key.key_id]
        if not mine:
            raise Refused(f"The seal carries no signature of the trusted log key {key.name}+{key.key_id.hex()}.")
        if len(mine) > 1:
            raise Refused("The seal carries two signatures of the same key.")
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(mine[0], self.text)
        except (InvalidSignature, ValueError):
            raise Refused("The seal's signature does not belong to its text.") from None


def parse_seal(note: bytes) -> Seal:
    """Take a seal apart: origin, size and root, a blank line, then signatures; nothing else."""
    if len(note) > limits.NOTE_BYTES:
        raise Refused("The seal is too long.")
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("The seal is not UTF-8 text.") from None
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text):
        raise Refused("The seal holds control characters.")
    head, blank, tail = text.rpartition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) != 3 or not tail.endswith("\n"):
        raise Refused("The seal is not three lines, a blank line and signatures.")
    origin, size, root = lines
    if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or int(size) > GREATEST_SIZE:
        raise Refused("The seal does not name a log and its size.")
    return Seal(
        origin=origin,
        size=int(size),
        root=strict_base64(root, what="The seal's root", length=32),
        text=(head + "\n").encode(),
        signatures=tuple(_signature(line) for line in tail[:-1].split("\n")),
    )


def _signature(line: str) -> tuple[str, bytes]:
    found = SIGNATURE_LINE.fullmatch(line)
    if not found:
        raise Refused("The seal has a line that is no signature.")
    blob = strict_base64(found["signature"], what="A signature of the seal")
    if len(blob) <= 4:
        raise Refused("A signature of the seal is too short.")
    return found["name"], blob
