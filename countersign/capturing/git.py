"""git, asked in a way in which nothing of the repository's own runs: no hook, filter, monitor, external diff or transport.

A repository that came as an archive brings its `.git/config` with it, and that file can name programs which git starts for the
most harmless question. What the person configured for themselves (globally) stays in force.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

_FILTER = re.compile(r"filter\.(.+)\.(?:clean|smudge|process|required)\Z", re.DOTALL | re.IGNORECASE)
# Set by git for its hooks, or by somebody for another repository: which one is meant is said by the folder alone.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_EXTERNAL_DIFF",
    "GIT_NAMESPACE",
)
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",  # a question writes nothing, so no hook hears of a changed index
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch what is missing, by a transport that its config names
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_SAFE = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.sshCommand=false", "core.pager=cat", "diff.external=")


@dataclass(slots=True)
class Answer:
    """What git said: its output up to a limit, whether there was more, and whether it succeeded in time."""

    output: bytes = b""
    cut: bool = False
    well: bool = False
    complaint: str = ""

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace").strip() if self.well else ""

    @property
    def names(self) -> list[bytes]:
        return [name for name in self.output.split(b"\0") if name]


@dataclass
class Git:
    """git in `folder`, with one time limit for all that is asked."""

    folder: Path
    seconds: float
    ends: float = field(init=False)
    _options: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.seconds
        self._options = [word for setting in _SAFE for word in ("-c", setting)]
        listed = self.ask("config", "--list", "--show-scope", "-z", limit=8 << 20)
        fields = listed.output.split(b"\0")
        for scope, entry in zip(fields[::2], fields[1::2], strict=False):
            found = _FILTER.match(entry.partition(b"\n")[0].decode("utf-8", "surrogateescape"))
            if found and scope in {b"local", b"worktree"}:
                for part in ("clean=", "smudge=", "process=", "required=false"):
                    self._options += ["-c", f"filter.{found[1]}.{part}"]

    def ask(self, *words: str, limit: int = 1 << 20) -> Answer:
        """git's answer; nothing where there is no git, no repository or no time left."""
        left = self.ends - time.monotonic()
        if left <= 0:
            return Answer(complaint="it took too long")
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN} | _QUIET
        command = ["git", "-C", str(self.folder), "--no-pager", *self._options, *words]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
        except (OSError, ValueError) as error:
            return Answer(complaint=f"git cannot be run ({getattr(error, 'strerror', None) or error})")
        late = Timer(left, process.kill)
        late.start()
        try:
            with process:
                assert process.stdout is not None and process.stderr is not None  # noqa: S101 - both are pipes
                output = process.stdout.read(limit + 1)
                if len(output) > limit:
                    process.kill()
                complaint = process.stderr.read(4_096).decode("utf-8", "replace").strip()
        finally:
            late.cancel()
        if time.monotonic() >= self.ends and process.returncode != 0:
            complaint = "it took too long"
        cut = len(output) > limit
        return Answer(output[:limit], cut, process.returncode == 0 or cut, complaint)


def toplevel(git: Git) -> tuple[Path | None, str]:
    """The folder of the checkout around `git.folder`, or None and the reason.

    `core.worktree` of a repository's own config may point anywhere, also at a home folder whose files would then be told as
    changes: a checkout counts only where its own `.git` leads to the repository that git found.
    """
    found = git.ask("rev-parse", "--show-toplevel", "--absolute-git-dir")
    if not found.well:
        return None, _why(found.complaint)
    top, _, inside = found.output.decode("utf-8", "surrogateescape").rstrip("\n").partition("\n")
    link = Path(top) / ".git"
    try:
        if link.is_file():
            pointed = link.read_text(encoding="utf-8", errors="surrogateescape").strip().removeprefix("gitdir:").strip()
            link = Path(top) / pointed
        if link.resolve() == Path(inside).resolve():
            return Path(top), ""
    except (OSError, ValueError):
        pass
    return None, "The repository's own settings name a working tree elsewhere, so its code is left out."


def _why(complaint: str) -> str:
    """One sentence for what keeps git from answering; nothing where this is simply no repository."""
    if "not a git repository" in complaint:
        return ""
    if "dubious ownership" in complaint:
        return "Another user owns this repository, so git does not read it and its code is left out (see git's safe.directory)."
    return f"The code is left out: {(complaint.splitlines() or ['git does not answer'])[0][:200]}."
