"""What is installed, and the files in which people pin it: `uv.lock`, `requirements.txt`, conda's list and their like."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from countersign.capturing.code import without_credentials
from countersign.capturing.files import KeptFile, read_small
from countersign.capturing.secrets import secret_in_text

# The most exact first: the first that is there gives the environment's `lock_digest`.
LOCKS = (
    *("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml", "requirements.txt", "environment.yml"),
    *("environment.yaml", "conda.yaml", "conda.yml", "python_env.yaml"),
)
EXPLICIT = "conda-explicit.txt"  # conda's own form: `conda create --file` takes it
LIMIT = 8 << 20  # bytes of one lock file
_PACKAGES = 3_000


@dataclass
class Locks:
    files: list[KeptFile] = field(default_factory=list)
    listed: list[dict[str, str]] = field(default_factory=list)  # [{name, digest}], also of those that are not kept
    notes: list[str] = field(default_factory=list)


def installed() -> list[str]:
    """Every distribution that this Python sees, as name==version; where a name is there twice, the one that is imported."""
    found: dict[str, str] = {}
    for one in metadata.distributions():
        try:
            name, version = one.metadata["Name"], one.version
        except Exception:  # noqa: S112 - metadata that somebody broke says nothing
            continue
        if name and version:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), f"{name}=={version}"[:300])
    return sorted(found.values(), key=str.lower)[:_PACKAGES]


def locks(folder: Path, top: Path | None) -> Locks:
    """The lock files of `folder`, else of the folders above it up to the checkout's, and what conda has installed.

    A file that seems to hold a secret (an index's address with a password) is named with its digest, and not kept.
    """
    made = Locks()
    for name in LOCKS:
        for place in _places(folder, top):
            content = read_small(place / name, within=top or folder, limit=LIMIT)
            if content is not None:
                _add(made, KeptFile(f"environment/{name}", content))
                break
    if explicit := conda_explicit():
        _add(made, KeptFile(f"environment/{EXPLICIT}", explicit))
    return made


def conda_explicit(variables: os._Environ[str] | dict[str, str] = os.environ) -> bytes:
    """What `conda list --explicit --md5` says of the environment that this Python belongs to, read from conda's own records."""
    prefix = variables.get("CONDA_PREFIX", "")
    if not prefix or Path(prefix).resolve() != Path(sys.prefix).resolve():
        return b""
    lines = []
    for record in sorted((Path(prefix) / "conda-meta").glob("*.json")):
        try:
            said = json.loads(record.read_bytes())
            address, md5 = str(said["url"]), str(said.get("md5", ""))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        address = re.sub(r"/t/[^/]+/", "/", without_credentials(address))  # a token in the path, as private channels have it
        lines.append(f"{address}#{md5}" if md5 else address)
    return ("# platform and packages as installed\n@EXPLICIT\n" + "\n".join(lines) + "\n").encode() if lines else b""


def _add(made: Locks, file: KeptFile) -> None:
    name = file.path.partition("/")[2]
    made.listed.append({"name": name, "digest": file.digest})
    if found := secret_in_text(file.content):
        made.notes.append(f"{name} is not kept, because it seems to hold {found}.")
    else:
        made.files.append(file)


def _places(folder: Path, top: Path | None) -> Iterator[Path]:
    """From `folder` up to the checkout's own; outside of a checkout only `folder`."""
    yield folder
    if top is None or not folder.is_relative_to(top):
        return
    while folder != top:
        folder = folder.parent
        yield folder
