"""The commits and the differences from one commit to another, as git of this machine tells them, bounded, for people to read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.capturing.code import FORM, PATCH, code_of
from countersign.capturing.git import Git, toplevel
from countersign.capturing.secrets import secret_in_names, secret_in_patch

SECONDS = 60.0  # for everything that is asked of one repository
LIMIT = 1 << 20  # bytes of all differences that are sent
OF_ONE = 1 << 18  # bytes of those of one file
_READ = 64 << 20  # bytes of git's answer that are looked at
_COMMITS = 1_000  # that are named; how many more there are is told
_NAMED = 1_000  # files that are named among those left out
_HASH = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class CannotTell(Exception):
    """The differences cannot be told, or must not be sent; the message says why and what to do."""


@dataclass
class Changes:
    """What the API takes as the code of a version."""

    commit: str
    tree: str
    base: str
    commits: list[dict[str, str]] = field(default_factory=list)
    commits_total: int = 0
    diff: str = ""
    patch: str = ""
    left_out: list[dict[str, str]] = field(default_factory=list)
    left_out_total: int = 0

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def changes_between(
    folder: Path, *, commit: str = "", base: str = "", patch_digest: str = "", without: Collection[str] = ()
) -> Changes:
    """From `base` (empty: from nothing) to `commit` (empty: what is checked out), without the files `without`.

    The patch of what was not committed comes along where it is the one of `patch_digest`, or where no commit is given.
    Raises `CannotTell`, also where the differences seem to hold a secret.
    """
    git = Git(folder, SECONDS)
    top, why = toplevel(git)
    if top is None:
        raise CannotTell(why or f"{folder} is in no git repository. Name the repository's folder with --folder.")
    git.folder = top
    head = _known(git, commit or "HEAD", "The version's commit")
    known_base = _known(git, base, "The commit of the version approved last") if base else ""
    tree = git.ask("rev-parse", "--verify", f"{head}^{{tree}}").text
    found = Changes(commit=head, tree=tree, base=known_base)
    _commits(git, found)
    _differences(git, found, frozenset(without))
    _patch(top, found, wanted=patch_digest, anything=not commit)
    return found


def _known(git: Git, name: str, what: str) -> str:
    if name != "HEAD" and not _HASH.match(name):
        raise CannotTell(f"{what} is not named by its full hash.")
    found = git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").text
    if not found:
        raise CannotTell(
            f"{what} ({name[:12]}) is not in this clone. Fetch it (git fetch --unshallow, git fetch origin), then try again."
        )
    return found


def _commits(git: Git, found: Changes) -> None:
    among = f"{found.base}..{found.commit}" if found.base else found.commit
    counted = git.ask("rev-list", "--count", among)
    told = git.ask(
        *("-c", "log.showSignature=false", "log", "-z", f"--max-count={_COMMITS}", "--no-show-signature", "--no-notes"),
        *("--no-color", "--encoding=UTF-8", "--format=tformat:%H%x1f%aI%x1f%ae%x1f%an%x1f%s", among, "--"),
        limit=_READ,
    )
    if not counted.well or not told.well:
        raise CannotTell(f"The commits cannot be told: {told.complaint or counted.complaint}.")
    found.commits_total = int(counted.text)
    for row in told.names:
        parts = _text(row).split("\x1f", 4)
        if len(parts) == 5:
            commit, at, email, author, subject = parts
            one = {"commit": commit, "at": at, "author": author[:200], "subject": subject[:200]}
            found.commits.append(one | ({"email": email[:254]} if len(email) <= 254 else {}))


def _differences(git: Git, found: Changes, without: frozenset[str]) -> None:
    base = found.base or git.ask("hash-object", "-t", "tree", "--stdin").text  # of nothing: the empty tree
    ask = ("-c", "core.quotePath=false", "diff", base, found.commit, *FORM)
    counted = git.ask(*ask, "--numstat", "-z", limit=_READ)
    if not counted.well:
        raise CannotTell(f"The differences cannot be told: {counted.complaint}.")
    rows = [row.split(b"\t", 2) for row in counted.names]
    every = [(_text(row[2]), row[0] == b"-") for row in rows if len(row) == 3]
    read = {name for name, binary in every if not binary and name not in without}
    if kind := secret_in_names(name.encode() for name, _binary in every if name not in without):
        raise CannotTell(f"Nothing was sent, because the differences touch {kind}. Leave it out with --without PATH.")
    kept, size = [], 0
    for name, section in _sections(git.ask(*ask, limit=_READ).output):
        if name not in read or len(section) > OF_ONE or size + len(section) > LIMIT:
            continue
        if kind := secret_in_patch(section):
            raise CannotTell(f"Nothing was sent, because the differences seem to hold {kind}. Leave it out with --without PATH.")
        kept.append(_text(section))
        size += len(section)
        read.discard(name)
    found.diff = "".join(kept)
    missing = [
        {"path": name[:1000], "why": "withheld" if name in without else "binary" if binary else "too_large"}
        for name, binary in every
        if binary or name in without or name in read
    ]
    found.left_out, found.left_out_total = missing[:_NAMED], len(missing)


def _sections(diff: bytes) -> list[tuple[str, bytes]]:
    """The differences file by file, each with the file's name; the last one only where it ends as it should."""
    parts = diff.split(b"\ndiff --git ")
    whole = [part if number == 0 else b"diff --git " + part for number, part in enumerate(parts)]
    ended = [part if part.endswith(b"\n") else part + b"\n" for part in whole if part.strip()]
    if len(diff) >= _READ:
        ended = ended[:-1]
    found = []
    for part in ended:
        names = part.partition(b"\n")[0].removeprefix(b"diff --git ")
        found.append((_text(names[(len(names) + 1) // 2 :].removeprefix(b"b/")), part))
    return found


def _patch(top: Path, found: Changes, *, wanted: str, anything: bool) -> None:
    """What is not committed now, where it is still what the training run recorded."""
    if not wanted and not anything:
        return
    code = code_of(top)
    for file in code.files:
        if file.path == PATCH and code.facts.get("commit") == found.commit and (anything or code.facts["patch_digest"] == wanted):
            text = file.content.decode("utf-8", "replace")
            found.patch = text if text.encode() == file.content else ""  # else it would be another patch than the recorded one


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "�")
