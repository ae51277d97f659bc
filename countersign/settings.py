"""Where the site is, which key opens it, and what is trusted: from the environment (CI) or saved by `countersign login`."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

# What a trust file pins; the rest of it only describes these.
PINNED = ("origin", "log_key", "attestation_key", "report_certificate_sha256")
_KEY = re.compile(r"[!-~]+\Z")


class NotSignedIn(Exception):
    """No site or key is known, or what is given cannot be one; the message says how to give them."""


class OtherKeys(Exception):
    """The site shows other public keys than those that were saved; the message says what that may mean."""


@dataclass(frozen=True)
class Settings:
    url: str
    key: str = field(repr=False)  # never in a log line or a traceback

    @property
    def trust_file(self) -> Path:
        """What was saved of this site's keys at login: reports are verified against it."""
        return trust_file_of(self.url)


def folder() -> Path:
    """Where logins and trust are kept."""
    try:
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "countersign"
    except RuntimeError as error:  # no HOME, and no such user
        raise NotSignedIn("There is no home folder to keep a login in: set XDG_CONFIG_HOME to a folder.") from error


def trust_file_of(url: str) -> Path:
    return folder() / "trust" / (quote(url.split("//", 1)[-1], safe="") + ".json")


def load(*, url: str | None = None, key: str | None = None) -> Settings:
    """What was given, else COUNTERSIGN_URL and COUNTERSIGN_KEY, else what `countersign login` saved."""
    saved = _saved()
    found_url = site_address(url or os.environ.get("COUNTERSIGN_URL") or saved.get("url", ""))
    same_site = found_url == saved.get("url", "")
    found_key = (key or os.environ.get("COUNTERSIGN_KEY") or (saved.get("key", "") if same_site else "")).strip()
    if not found_url:
        raise NotSignedIn("No site is known. Run `countersign login URL`, or set COUNTERSIGN_URL and COUNTERSIGN_KEY.")
    if not found_key:
        raise NotSignedIn(f"No key for {found_url} is known. Run `countersign login {found_url}`, or set COUNTERSIGN_KEY.")
    if not _KEY.match(found_key):
        raise NotSignedIn("The key holds characters that no key has: copy it again, whole and without spaces.")
    return Settings(found_url, found_key)


def site_address(given: str) -> str:
    """The address as it is saved and compared: with its scheme, without a slash at its end. Empty stays empty."""
    address = given.strip().rstrip("/")
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or parts.username:
        raise NotSignedIn(f"{given} is no address of a site: write it as https://countersign.example.org.")
    return address


def known_trust() -> Path | None:
    """The trust file that COUNTERSIGN_TRUST names, else the one saved for the site in use; None where there is none."""
    if named := os.environ.get("COUNTERSIGN_TRUST"):
        return Path(named)
    url = site_address(os.environ.get("COUNTERSIGN_URL") or _saved().get("url", ""))
    file = trust_file_of(url) if url else None
    return file if file and file.exists() else None


def save(settings: Settings, *, trust: dict[str, str]) -> None:
    """Keep the key (readable by its owner alone) and the site's public keys as they were first seen.

    Keys that differ from the saved ones are refused: whoever took over the site or the way to it would show others.
    """
    known = _read(settings.trust_file)
    later = {name for name in ("attestation_key",) if name not in known}  # what trust files did not always pin
    if known and any(known.get(name) != trust.get(name) for name in PINNED if name not in later):
        raise OtherKeys(
            f"{settings.url} shows other keys than those saved in {settings.trust_file}, so nothing was changed. "
            "Ask its administrator, over another way, whether they were replaced; if so, remove that file and log in again."
        )
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.trust_file.parent.mkdir(exist_ok=True, mode=0o700)
    if not known or later & set(trust):
        _write(settings.trust_file, trust)
    _write(folder() / "login.json", {"url": settings.url, "key": settings.key})


def _saved() -> dict[str, str]:
    return _read(folder() / "login.json")


def _read(file: Path) -> dict[str, str]:
    """What is saved there; nothing where there is no such file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotSignedIn(f"{file} cannot be read. Remove it and log in again.") from error
    return found if isinstance(found, dict) else {}


def _write(file: Path, content: dict[str, str]) -> None:
    partial = file.with_suffix(".part")
    partial.unlink(missing_ok=True)  # one that was left behind may be open to others
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(content, out, indent=1)
    partial.replace(file)
