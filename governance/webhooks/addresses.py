"""Which addresses a webhook may reach: public ones alone, unless a setting names the host.

A name is resolved once, every address that it has must be allowed, and the connection goes to the address that was checked: what
the name resolves to a moment later does not matter (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import InvalidInput

MOST_CHARACTERS = 500
PORTS = {"https": 443, "http": 80}
# Which this Python's own table of special addresses leaves out: 192.0.0.192 is a cloud's metadata.
INNER = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24")]
# Ways to write an IPv4 address as an IPv6 one: gateways would carry them to where the IPv4 address leads.
CARRIERS = [
    ipaddress.ip_network(each) for each in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes. `address` was checked and is what is connected to."""

    host: str
    port: int
    path: str
    is_https: bool
    address: str


def readable(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address that a webhook may have; its host is not looked up."""
    if len(url) > MOST_CHARACTERS or not url.isascii() or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise _refusal(_("Write the address in plain characters, without spaces, at most 500 of them."))
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _refusal(_("This is no address. Write it as https://deploy.example.org/hooks.")) from None
    if parts.scheme not in PORTS or not host or "\\" in url:
        raise _refusal(_("This is no address. Write it as https://deploy.example.org/hooks."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refusal(_("Leave out names, passwords and what follows a # sign: deliveries are signed instead."))
    port = port or PORTS[parts.scheme]
    if parts.scheme != "https" and not is_named(host, port):
        raise _refusal(_("Use https://. Only hosts that the site's administrator has named may be reached over http."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, path


def resolved(url: str) -> Target:
    """The address of a delivery, once every address of its host was found allowed."""
    scheme, host, port, path = readable(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refusal(_("The host cannot be found.")) from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not is_named(host, port) and not all(is_public(one) for one in addresses):
        raise _refusal(
            _("The host leads into a private network. Only public addresses are told, and hosts that the administrator named.")
        )
    return Target(host, port, path, scheme == "https", addresses[0])


def is_named(host: str, port: int) -> bool:
    """Whether COUNTERSIGN_WEBHOOK_HOSTS names the host, alone or with this port."""
    named = {one.lower() for one in settings.WEBHOOK_HOSTS}
    shown = f"[{host}]" if ":" in host else host
    return host.lower() in named or f"{shown}:{port}".lower() in named


def is_public(address: str) -> bool:
    """Whether anybody may be reached there: not this machine, no private network, no link, no group, no cloud's metadata."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # with a zone, which only a local address has
        return False
    if any(found in network for network in (INNER if found.version == 4 else CARRIERS)):
        return False
    local = found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback or found.is_link_local
    return found.is_global and not local and not found.is_private


def _refusal(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="url", code="url")
