"""What the pages that sign share: the session by digest, and what the person still has to prove or accept."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest

from governance.services.accountability import has_accepted


def session_of(request: HttpRequest) -> str:
    """The browser's session by digest: signatures of one session can be told from others, and nobody can take it over."""
    key = request.session.session_key or ""
    return "sha256:" + hashlib.sha256(b"countersign/session/v1\n" + key.encode()).hexdigest() if key else ""


def signing_options(request: HttpRequest) -> dict[str, Any]:
    return {"second_factor": is_mfa_enabled(request.user), "accepted": has_accepted(request.user)}
