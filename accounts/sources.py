"""Where a request comes from, as a pseudonym: addresses are personal data, and the log never forgets."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


def source_of(request: HttpRequest | None) -> str:
    """16 hex digits for the address that allauth's rate limits count too; an IPv6 customer's /64 is one source."""
    try:
        address = ipaddress.ip_address(get_adapter().get_client_ip(request)) if request is not None else None
    except (PermissionDenied, ValueError):  # no address: a test's request, a unix socket without a proxy's header
        address = None
    if address is None:
        return "unknown"
    if address.version == 6:
        address = ipaddress.ip_network((address, 64), strict=False).network_address
    keyed = hmac.new(settings.SECRET_KEY.encode(), b"countersign/source/v1\n" + address.packed, hashlib.sha256)
    return keyed.hexdigest()[:16]
