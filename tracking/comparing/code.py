"""Code side by side: what the runs say about theirs, and where a host shows the commits between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tracking.comparing.rows import Sides, sides

NAMES = ("repository", "remote", "branch", "commit", "tree", "entry", "dirty", "patch_digest", "untracked")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^/@\s]*@)?|git@)(?P<host>[a-z0-9.-]+)(?::[0-9]+(?=/))?[/:](?P<path>[\w.~-]+(?:/[\w.~-]+)+?)/?\Z",
    re.I,
)


def code_sides(runs: Sequence[Mapping[str, Any]]) -> Sides:
    """What each run reported about its code; an empty text was not reported."""
    return sides([{name: value for name, value in code.items() if value not in ("", None)} for code in runs], NAMES)


def compare_address(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Where the repository's host lists the commits from one run's commit to the other's, if the host is of a known kind.

    Nothing is asked there; the address is built from what was reported, and only for hosts whose form is known."""
    places = {_place(code) for code in (one, other)}
    commits = [str(code.get("commit") or "") for code in (one, other)]
    if len(places) != 1 or not all(map(_COMMIT.match, commits)) or commits[0] == commits[1]:
        return ""
    (place,) = places
    if place is None:
        return ""
    host, path = place
    address = f"https://{host}/{'/'.join(quote(part, safe='') for part in path.split('/'))}"
    if host == "github.com":
        return f"{address}/compare/{commits[0]}...{commits[1]}"
    if host == "gitlab.com" or host.startswith("gitlab."):
        return f"{address}/-/compare/{commits[0]}...{commits[1]}"
    return ""


def _place(code: Mapping[str, Any]) -> tuple[str, str] | None:
    """Host and path of the repository, of whatever form its address is."""
    for name in ("remote", "repository"):
        if found := _ADDRESS.match(str(code.get(name) or "").strip()):
            path = found["path"].removesuffix(".git")
            if ".." not in path.split("/"):
                return found["host"].lower(), path
    return None
