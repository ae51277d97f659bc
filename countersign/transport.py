"""Requests to one site over HTTP: every refusal and every failure of the way becomes one exception with one sentence."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase

from countersign.settings import Settings

CHUNK = 1 << 20
STILL_OPEN = 1.0  # seconds; servers close what idles (the site's own after 5), and a request on its way then is lost
JSON = dict[str, Any]


class Refused(Exception):
    """The server refused, and says why: `status`, `code`, `detail` and the whole problem (RFC 9457)."""

    def __init__(self, problem: JSON) -> None:
        self.status: int = problem.get("status", 0)
        self.code: str = problem.get("code", "")
        self.detail: str = problem.get("detail", "")
        self.problem = problem
        fields = _fields(problem.get("errors"))
        super().__init__(f"{self.detail} {fields}".strip())


class Unreachable(Exception):
    """The site does not answer, or something else answers in its place."""


def digest_of(path: Path) -> str:
    """`sha256:<hex>` of a file, read in chunks."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return "sha256:" + hasher.hexdigest()


class Bearer(AuthBase):
    """The key as a bearer token. As an `auth`, because requests would let a line in ~/.netrc replace a plain header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Transport:
    """A session with one site. Redirects are not followed: one would turn a POST into a GET, or take the key elsewhere."""

    def __init__(self, settings: Settings, *, timeout: float) -> None:
        self.settings = settings
        self.timeout = timeout
        self._session = requests.Session()
        self._session.auth = Bearer(settings.key)
        self._session.headers["User-Agent"] = "countersign-sdk"
        self._session.headers["Accept"] = "application/json, */*;q=0.5"
        self._answered = time.monotonic()

    def close(self) -> None:
        """Its idle connections end; a later call makes a new one."""
        self._session.close()

    def call(self, method: str, address: str, **options: Any) -> requests.Response:
        """The answer of one request; raises `Refused` or `Unreachable`."""
        options.setdefault("timeout", self.timeout)
        if time.monotonic() - self._answered > STILL_OPEN:
            self.close()  # of its idle connections; a lost POST could not be sent again without doing it twice
        try:
            answer = self._session.request(method, f"{self.settings.url}/api/v1/{address}", allow_redirects=False, **options)
        except requests.RequestException as error:
            raise Unreachable(f"{self.settings.url} does not answer: {why_it_failed(error)}.") from error
        self._answered = time.monotonic()
        if 300 <= answer.status_code < 400:
            where = answer.headers.get("Location", "elsewhere")
            raise Unreachable(f"{self.settings.url} answers with a redirect to {where}: use the address of the site itself.")
        if answer.status_code >= 400:
            raise Refused(self._problem(answer))
        return answer

    def json(self, answer: requests.Response) -> JSON:
        """The JSON object that was answered; anything else was not answered by Countersign."""
        try:
            found = answer.json()
        except (ValueError, requests.RequestException) as error:
            raise self._stranger() from error
        if not isinstance(found, dict):
            raise self._stranger()
        return found

    def get(self, address: str, **query: Any) -> JSON:
        return self.json(self.call("GET", address, params=query))

    def post(self, address: str, body: Any = None) -> JSON:
        answer = self.call("POST", address, json=dict(body or {}))
        return self.json(answer) if answer.content else {}

    def put(self, address: str, body: Any) -> JSON:
        return self.json(self.call("PUT", address, json=dict(body)))

    def every(self, address: str, **query: Any) -> Iterator[JSON]:
        """All rows of a list, page by page."""
        page = self.get(address, **query)
        while True:
            try:
                rows, following = page["results"], page["next"]
            except KeyError as error:
                raise self._stranger() from error
            yield from rows
            if not following:
                return
            page = self.get(following.split("/api/v1/", 1)[-1])

    def send(self, address: str, file: Path, *, method: str = "PUT", progress: Callable[[int, int], None] | None = None) -> JSON:
        """Stream a file as the body; memory stays at one chunk, and the server checks the digest."""
        size, digest = file.stat().st_size, digest_of(file)

        def chunks() -> Iterator[bytes]:
            done = 0
            with file.open("rb") as source:
                while chunk := source.read(CHUNK):
                    yield chunk
                    done += len(chunk)
                    if progress:
                        progress(done, size)

        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "X-Content-SHA256": digest,
            "X-File-Name": file.name.encode("ascii", "replace").decode(),
        }
        body = _Sized(chunks(), size) if size else b""
        return self.json(self.call(method, address, data=body, headers=headers, timeout=(self.timeout, 3600)))

    def fetch(self, address: str, target: Path, *, expected: str | None = None) -> str:
        """Stream an answer into `target`; the file appears only when it is whole and has the expected digest."""
        partial = target.with_name(target.name + ".part")
        hasher = hashlib.sha256()
        try:
            with self.call("GET", address, stream=True, timeout=(self.timeout, 600)) as answer, partial.open("wb") as out:
                expected = expected or answer.headers.get("X-Content-SHA256")
                for chunk in answer.iter_content(CHUNK):
                    hasher.update(chunk)
                    out.write(chunk)
            digest = "sha256:" + hasher.hexdigest()
            if expected and digest != expected:
                raise Unreachable(f"What arrived has the digest {digest}, not {expected}: nothing was kept. Fetch it again.")
            partial.replace(target)
        except requests.RequestException as error:
            raise Unreachable(f"The connection to {self.settings.url} broke: nothing was kept. Fetch it again.") from error
        finally:
            partial.unlink(missing_ok=True)
        return digest

    def _problem(self, answer: requests.Response) -> JSON:
        try:
            problem = answer.json()
        except (ValueError, requests.RequestException):
            problem = None
        if isinstance(problem, dict) and isinstance(problem.get("detail"), str):
            return problem
        detail = f"The site answered {answer.status_code} {answer.reason}."
        return {"status": answer.status_code, "code": "unexpected", "detail": detail}

    def _stranger(self) -> Unreachable:
        return Unreachable(f"What answers at {self.settings.url} is not Countersign; look at the address again.")


class _Sized:
    """An iterator with a length, so that `requests` announces the size instead of sending chunked."""

    def __init__(self, chunks: Iterator[bytes], size: int) -> None:
        self._chunks, self._size = chunks, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


def why_it_failed(error: requests.RequestException) -> str:
    """What kind of failure it was, without addresses and headers."""
    kinds: list[tuple[type[Exception], str]] = [
        (requests.exceptions.SSLError, "its certificate is not trusted here"),
        (requests.exceptions.ConnectTimeout, "it takes too long"),
        (requests.exceptions.ReadTimeout, "it takes too long"),
        (requests.exceptions.ProxyError, "the proxy refuses"),
        (requests.exceptions.ConnectionError, "the connection is refused or broke off"),
        (requests.exceptions.InvalidURL, "the address cannot be used"),
        (requests.exceptions.InvalidSchema, "the address does not begin with https:// or http://"),
    ]
    return next((words for kind, words in kinds if isinstance(error, kind)), type(error).__name__)


def _fields(errors: Any, name: str = "") -> str:
    """The messages of a problem's `errors`, each with the field that it is about."""
    if isinstance(errors, dict) and "message" in errors:
        return f"{name}: {errors['message']}" if name else str(errors["message"])
    if isinstance(errors, dict):
        return " ".join(_fields(inner, str(key)) for key, inner in errors.items())
    if isinstance(errors, list):
        return " ".join(_fields(inner, name) for inner in errors)
    return ""
