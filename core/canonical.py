"""Canonical JSON (RFC 8785) and digests over it. Big integers, decimals and times are strings by rule."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from core.errors import InvalidInput


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`; refuses NaN, infinities and integers beyond 2**53 - 1."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise InvalidInput(f"This cannot be recorded as canonical JSON: {error}.") from error


def sha256_of(value: Any) -> str:
    """`sha256:<hex>` of the canonical bytes of `value`."""
    return "sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()
