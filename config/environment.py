"""Reads settings from the environment and fails loudly: a wrong value or a misspelt name is one clear sentence."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

ANSWERS_WITHIN = 5  # seconds that PostgreSQL and Redis may take until a connection stands
_WHOLE = re.compile(r"[0-9]{1,18}\Z")  # str.isdigit() is true for "²" too, which int() refuses


@dataclass(frozen=True, slots=True)
class RedisAddress:
    for_cache: str
    for_celery: str


class Environment:
    """Every read names its variable, its default and its meaning, so that `known` is the reference of all settings."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.known: dict[str, tuple[str, str]] = {}  # name -> (default as text, meaning)

    def text(self, name: str, *, default: str, help: str) -> str:
        self.known[name] = (default, help)
        return self._values.get(name, "").strip() or default

    def words(self, name: str, *, default: list[str], help: str) -> list[str]:
        given = self.text(name, default=",".join(default), help=help)
        return [word.strip() for word in given.split(",") if word.strip()]

    def flag(self, name: str, *, default: bool, help: str) -> bool:
        given = self.text(name, default="yes" if default else "no", help=help).lower()
        if given not in {"yes", "no", "true", "false", "1", "0"}:
            raise ImproperlyConfigured(f"{name} is {given!r}; write yes or no.")
        return given in {"yes", "true", "1"}

    def number(self, name: str, *, default: int, help: str, least: int = 1) -> int:
        given = self.text(name, default=str(default), help=help)
        if not _WHOLE.match(given) or int(given) < least:
            raise ImproperlyConfigured(f"{name} is {given!r}; write a whole number of at least {least}.")
        return int(given)

    def choice(self, name: str, *, default: str, among: Sequence[str], help: str) -> str:
        given = self.text(name, default=default, help=f"{help}: {', '.join(among[:-1])} or {among[-1]}").upper()
        if given not in among:
            raise ImproperlyConfigured(f"{name} is {given!r}; write {', '.join(among[:-1])} or {among[-1]}.")
        return given

    def shaped(self, name: str, *, default: str, like: re.Pattern[str], write: str, help: str) -> str:
        """A text of which `like` matches the whole; `write` says what it should look like."""
        given = self.text(name, default=default, help=help)
        if not like.fullmatch(given):
            raise ImproperlyConfigured(f"{name} is {given!r}; write {write}.")
        return given

    def mail(self, name: str, *, help: str) -> dict[str, Any]:
        """Where mails are handed in, as Django's settings want it. What is wrong is said without the password."""
        given = self.text(name, default="", help=help)
        none = {"host": "", "port": 0, "user": "", "password": "", "starttls": False, "tls": False}
        if given in {"", "console:"}:
            return none | {"backend": "console" if given else "dummy", "sends": bool(given)}
        ports = {"smtp": 587, "smtps": 465, "smtp-plain": 25}
        try:
            parts = urlsplit(given)
            host, port = parts.hostname or "", parts.port or ports[parts.scheme]
        except (ValueError, KeyError):
            host = ""
        if not host or parts.path.strip("/") or parts.query or parts.fragment:
            raise ImproperlyConfigured(
                f"{name} is no address of a mail server; write smtp://user:password@host:587, smtps://user:password@host:465, "
                "smtp-plain://host:25 or console:, with special signs of the password as %40."
            )
        return {
            "backend": "smtp",
            "sends": True,
            "host": host,
            "port": port,
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "starttls": parts.scheme == "smtp",
            "tls": parts.scheme == "smtps",
        }

    def site(self, name: str, *, default: str, help: str) -> str:
        """An origin: scheme and host, with a port where it has one, and nothing after it."""
        given = self.text(name, default=default, help=help).rstrip("/")
        try:
            parts = urlsplit(given)
            fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits or given != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
            raise ImproperlyConfigured(f"{name} is {given!r}; write an address such as https://countersign.example.org.")
        return given

    def path(self, name: str, *, default: Path, shown: str, help: str) -> Path:
        """A folder; `shown` says the default in the reference, where a path of one machine would say nothing."""
        given = self.text(name, default=str(default), help=help)
        self.known[name] = (shown, help)
        return Path(given).expanduser().absolute()

    def secret(self, name: str, *, file: Path, help: str) -> str:
        """The variable, or the content of `file`, which is made (mode 0600) where there is none."""
        self.known[name] = (f"kept in {file.name} in the data folder", help)
        if given := self._values.get(name, "").strip():
            return given
        try:
            if not file.exists():
                _make_secret(file)
            if file.stat().st_mode & 0o077:
                raise ImproperlyConfigured(f"{file} can be read by others, so it is no secret: chmod 600 it, or remove it.")
            kept = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it holds no text"
            raise ImproperlyConfigured(
                f"{file} cannot be used ({why}). Set COUNTERSIGN_DATA to a folder that you may write to."
            ) from error
        if not kept:
            raise ImproperlyConfigured(f"{file} is empty: remove it, and a new one is made.")
        return kept

    def postgresql(self, name: str, *, help: str, needed: bool) -> dict[str, Any]:
        """Django's settings of the database; the address may hold a password, so no message repeats it."""
        given = self.text(name, default="", help=help)
        if not given and not needed:
            given = "postgresql://localhost/countersign"
        if not given.startswith(("postgres://", "postgresql://")):
            raise ImproperlyConfigured(
                "Countersign runs on PostgreSQL: set DATABASE_URL, or start the site with `make up`, which brings its own server."
            )
        try:
            found = dj_database_url.parse(given, conn_max_age=60, conn_health_checks=True)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} cannot be read; write postgresql://user:password@host:5432/name.") from error
        if not found["NAME"]:
            raise ImproperlyConfigured(f"{name} names no database; write postgresql://user:password@host:5432/name.")
        return {**found, "OPTIONS": {"connect_timeout": ANSWERS_WITHIN, **found.get("OPTIONS", {})}}

    def redis(self, name: str, *, help: str) -> RedisAddress:
        """Django's cache and Celery write a socket's address differently: both come from one."""
        parts = urlsplit(self.text(name, default="redis://127.0.0.1:6379/0", help=help))
        number = parse_qs(parts.query).get("db", ["0"])[0] if parts.scheme == "unix" else parts.path.strip("/") or "0"
        if parts.scheme not in {"unix", "redis", "rediss"} or not number.isdecimal():
            raise ImproperlyConfigured(f"{name} cannot be used; write redis://host:6379/0, rediss:// or unix:///path?db=0.")
        if parts.scheme == "unix":
            return RedisAddress(f"unix://{parts.path}?db={number}", f"redis+socket://{parts.path}?virtual_host={number}")
        return RedisAddress(parts.geturl(), parts.geturl())

    @staticmethod
    def reading_only(argv: list[str]) -> bool:
        """Commands that need no database, so no address of one."""
        return len(argv) > 1 and argv[1] in {
            "help",
            "inspect",
            "collectstatic",
            "compilemessages",
            "makemessages",
            "spectacular",
            "check",
            "document_api",
            "document_events",
            "document_settings",
        }

    def refuse_unknown(self, *, prefix: str, also: set[str]) -> None:
        known = set(self.known) | also
        for name in self._values:
            if name.startswith(prefix) and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f" Did you mean {near[0]}?" if near else ""
                raise ImproperlyConfigured(f"{name} is not a setting of Countersign.{meant}")


def _make_secret(file: Path) -> None:
    """A new secret lies in `file`, whole from the first moment; of several processes that start at once, one wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as fresh:
            fresh.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            os.link(partial, file)
    finally:
        Path(partial).unlink()
