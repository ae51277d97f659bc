"""How a receiver knows that a delivery is ours, unchanged and fresh.

    Countersign-Signature: t=1763665200,v1=<hex of HMAC-SHA256(secret, t + "." + body)>

The secret of a webhook is computed from a key beside the database: whoever reads the database alone learns none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core.keyfiles import make_once

KEY_FILE = "webhooks.key"
HEADER = "Countersign-Signature"


def secret_of(webhook: UUID) -> str:
    """The text that is shown once, when the webhook is made."""
    made = hmac.new(_key(), b"webhook " + webhook.bytes, hashlib.sha256).digest()
    return "whsec_" + base64.urlsafe_b64encode(made).decode().rstrip("=")


def signature(secret: str, body: bytes, *, at: int) -> str:
    """The header's value for this body sent at this second."""
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def _key() -> bytes:
    path = Path(settings.KEYS_DIR) / KEY_FILE
    if not path.exists():
        make_once(path, secrets.token_hex(32).encode())
    return path.read_bytes()
