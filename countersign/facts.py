"""What the machine already knows, so that nobody types it: the commit, whether it is dirty, and the installed packages."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_GIT_SECONDS = 20


def code_facts(folder: Path | None = None) -> dict[str, Any]:
    """Repository, branch, commit, tree and dirty state of the git checkout around `folder`; empty outside of one."""
    where = folder or Path.cwd()
    commit = _git(where, "rev-parse", "HEAD")
    if not commit:
        return {}
    patch = _git_bytes(where, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv")  # runs nothing of the repository's
    untracked = _git(where, "ls-files", "--others", "--exclude-standard")
    dirty = bool(patch or untracked)
    return {
        "repository": _without_password(_git(where, "remote", "get-url", "origin"))
        or Path(_git(where, "rev-parse", "--show-toplevel")).name,
        "branch": _git(where, "rev-parse", "--abbrev-ref", "HEAD"),
        "commit": commit,
        "tree": _git(where, "rev-parse", "HEAD^{tree}"),
        "dirty": dirty,
        "patch_digest": "sha256:" + hashlib.sha256(patch).hexdigest() if patch else "",
    }


def environment_facts() -> dict[str, Any]:
    """The Python version and every installed package with its version."""
    packages = {f"{found.metadata['Name']}=={found.version}" for found in metadata.distributions() if found.metadata["Name"]}
    return {"python": platform.python_version(), "platform": platform.platform(), "packages": sorted(packages, key=str.lower)}


def _git(where: Path, *arguments: str) -> str:
    return _git_bytes(where, *arguments).decode("utf-8", "replace").strip()


def _git_bytes(where: Path, *arguments: str) -> bytes:
    """What git says, or nothing where there is no git or no repository."""
    try:
        done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def _without_password(address: str) -> str:
    """The remote's address without the user and token that some write into it."""
    parts = urlsplit(address)
    if not parts.scheme or "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))
