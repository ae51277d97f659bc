"""What is kept of a key's secret."""

import hashlib


def digest_of(secret: str) -> str:
    """`sha256:<hex>`: 32 random bytes cannot be guessed, so they need no slow hash."""
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()}"
