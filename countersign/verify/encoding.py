"""Small strict readings of text that stands for bytes: base64 and digests, in their one allowed spelling."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from countersign.verify.outcome import Refused

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def strict_base64(text: object, *, what: str, length: int | None = None) -> bytes:
    """The bytes that `text` stands for, if it is their canonical base64 form (RFC 4648, section 4, padding bits zero)."""
    if not isinstance(text, str):
        raise Refused(f"{what} is not base64 text.")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Refused(f"{what} is not base64.") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise Refused(f"{what} is not canonical base64.")
    if length is not None and len(data) != length:
        raise Refused(f"{what} has {len(data)} bytes instead of {length}.")
    return data


def sha256(data: bytes) -> bytes:
    """The 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()


def digest_of(data: bytes) -> str:
    """`sha256:<64 lower-case hexadecimal digits>`, as digests are written everywhere."""
    return f"sha256:{sha256(data).hex()}"


def is_digest(value: object) -> bool:
    """Whether `value` is a digest in its one spelling."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None
