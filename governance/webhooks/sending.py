"""One delivery: to the address that was checked, without redirects, within a bounded time, whatever the other side does."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from core.errors import InvalidInput
from governance.webhooks.addresses import Target, resolved

EACH_STEP = 5  # seconds until a connection stands, and between two pieces of an answer
ALTOGETHER = 15  # seconds: a receiver that answers a letter at a time holds no worker
MOST_READ = 4096  # bytes of an answer's body, which is kept nowhere


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one attempt; `error` is a sentence, empty where it was delivered."""

    status: int | None
    milliseconds: int
    error: str

    @property
    def delivered(self) -> bool:
        return not self.error


def send(url: str, body: bytes, headers: dict[str, str]) -> Sent:
    """POST the body there, and tell what came of it; only an answer of 200 to 299 counts as delivered."""
    begun = time.monotonic()
    status, error = _attempt(url, body, headers)
    return Sent(status, round((time.monotonic() - begun) * 1000), error)


def _attempt(url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
    try:
        target = resolved(url)
    except InvalidInput as refusal:
        return None, str(refusal)
    connection = _Checked(target)
    watch = threading.Timer(ALTOGETHER, connection.abandon)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body, headers)
        answer = connection.getresponse()
        answer.read(MOST_READ)
    except ssl.SSLError:
        return None, "Its certificate is not valid for this host, or it speaks no TLS."
    except TimeoutError:
        return None, "It did not answer in time."
    except (OSError, http.client.HTTPException, ValueError):
        return None, "It did not answer in time." if connection.abandoned else "The connection was refused or broke off."
    finally:
        watch.cancel()
        connection.close()
    return answer.status, _meaning(answer.status)


def _meaning(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}, a redirect: these are not followed. Give the address itself."
    return f"It answered {status}."


class _Checked(http.client.HTTPConnection):
    """A connection to the address that was checked, under the host's own name: its certificate must be that host's."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=EACH_STEP)
        self._target = target
        self.abandoned = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self._target.address, self._target.port), timeout=EACH_STEP)
        if self._target.is_https:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self._target.host)

    def abandon(self) -> None:
        """Time is up: whatever it waits for fails now."""
        self.abandoned = True
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it broke off by itself
                self.sock.shutdown(socket.SHUT_RDWR)
