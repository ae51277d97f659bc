"""Commitments to values that can be erased. The log keeps the commitment; without salt and value it says nothing."""

from __future__ import annotations

import hashlib
import secrets

from core.canonical import canonical_bytes

DOMAIN = b"countersign/private/v1\n"


def new_salt() -> bytes:
    """32 random bytes, one salt for each value: with one for each person, equal values could be linked."""
    return secrets.token_bytes(32)


def commitment(path: str, value: str, *, salt: bytes) -> str:
    """`sha256:<hex>` over domain, salt and the canonical [path, value]."""
    return "sha256:" + hashlib.sha256(DOMAIN + salt + canonical_bytes([path, value])).hexdigest()
