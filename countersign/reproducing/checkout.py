"""The recorded commit, in a folder of its own: never in anybody's checkout."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from countersign.reproducing.problem import CannotReproduce
from countersign.reproducing.recorded import Recorded
from countersign.transport import digest_of

# The address of a remote is what a machine reported, and git knows transports that run a program (ext::sh -c …).
PROTOCOLS = "https:http:ssh:git:file"
_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]+::")
_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


def check_out(run: Recorded, folder: Path, *, repository: str = "") -> None:
    """`folder` holds the tree of the recorded commit, from `repository` or else from the recorded remote."""
    source = repository or run.remote
    if not source:
        raise CannotReproduce("The run recorded no remote; name a repository that has its commit: --repository PATH")
    if source.startswith("-") or _TRANSPORT.match(source):
        raise CannotReproduce(f"The recorded remote {source[:100]!r} is no address of a repository; name one: --repository PATH")
    if repository and Path(repository).exists():
        source = str(Path(repository).resolve())
    _git(None, "clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", source, str(folder), why=f"{source} cannot be cloned")
    if not _has(folder, run.commit):  # no branch leads there any more; some servers give it nevertheless
        _git(folder, "fetch", "--quiet", "origin", run.commit, why=f"{source} has no commit {run.commit}")
    _git(folder, "checkout", "--quiet", "--detach", run.commit, why=f"The commit {run.commit} cannot be checked out")
    found = _git(folder, "rev-parse", "HEAD^{tree}", why="The commit has no tree")
    if run.tree and found != run.tree:
        raise CannotReproduce(f"The commit's tree is {found}, and the run recorded {run.tree}: this is not the code that ran.")
    if (folder / ".gitmodules").exists():
        _git(folder, "submodule", "update", "--init", "--recursive", "--quiet", why="The submodules cannot be fetched")


def check_patch(run: Recorded, patch: Path) -> None:
    """The patch is the one whose digest the run recorded."""
    if digest_of(patch) != run.patch_digest:
        raise CannotReproduce(
            "The kept changes are not those that the run recorded: their digests differ. "
            "Reproduce the commit alone: --without-changes"
        )


def apply_patch(folder: Path, patch: Path) -> None:
    """The recorded changes stand in the checkout."""
    words = ("apply", "--whitespace=nowarn", str(patch.resolve()))
    _git(folder, *words, why="The kept changes do not fit the commit")


def _has(folder: Path, commit: str) -> bool:
    words = ["git", "-C", str(folder), "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(words, capture_output=True, env=_variables(), check=False).returncode == 0


def _git(folder: Path | None, *words: str, why: str) -> str:
    """git's answer. Hooks do not run; the transports are those that only carry data."""
    place = ["-C", str(folder)] if folder else []
    command = ["git", *place, "-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(command, capture_output=True, env=_variables(), check=False)
    except OSError as error:
        raise CannotReproduce("git is not installed here; install it and start again.") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        reason = next(
            (line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "no reason given"
        )
        raise CannotReproduce(f"{why} ({reason.partition(': ')[2][:300] or reason[:300]}).")
    return done.stdout.decode("utf-8", "replace").strip()


def _variables() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return kept | {"GIT_ALLOW_PROTOCOL": PROTOCOLS, "LC_ALL": "C"}
