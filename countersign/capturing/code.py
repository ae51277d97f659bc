"""The commit that trains, and what was changed since: the facts `code`, and the patch that is kept with the run."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from countersign.capturing.files import KeptFile
from countersign.capturing.git import Git, toplevel
from countersign.capturing.secrets import secret_in_names, secret_in_patch

PATCH = "code/changes.patch"
OUTSIDE = "The training ran outside a git checkout."
NO_COMMIT = "The repository had no commit yet."
SECONDS = 10.0  # for everything that is asked of one repository
LIMIT = 1 << 20  # bytes of a patch that is kept
_NAMES = 200_000  # of changed files that are looked at
# Said in full, because the repository's settings may ask for other forms, and none of its programs may take part.
FORM = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--full-index"),
    *("--ignore-submodules=dirty", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3"),
    *("--inter-hunk-context=0", "--diff-algorithm=default", "--no-indent-heuristic"),
)
_DIFF = ("diff", "HEAD", *FORM)


@dataclass
class Code:
    """The facts as the API has them, the checkout's folder, and the patch where one is kept."""

    facts: dict[str, Any] = field(default_factory=dict)
    top: Path | None = None
    files: list[KeptFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    patch_note: str = ""  # why changes are not kept
    missing: str = ""  # why there are no facts


def code_of(folder: Path) -> Code:
    """What git knows of the checkout around `folder`; nothing outside of one."""
    git, code = Git(folder, SECONDS), Code()
    code.top, why = toplevel(git)
    if code.top is None:
        return Code(notes=[why] if why else [], missing=why or OUTSIDE)
    git.folder = code.top
    commit = git.ask("rev-parse", "--verify", "HEAD^{commit}").text
    if not commit:
        return Code(top=code.top, notes=["The repository has no commit yet, so no code is recorded."], missing=NO_COMMIT)
    remote = without_credentials(git.ask("config", "--get", f"remote.{_remote_name(git)}.url").text)
    code.facts = {
        "repository": (remote or code.top.name)[:500],
        "remote": remote[:500],
        "branch": git.ask("symbolic-ref", "--quiet", "--short", "HEAD").text[:500],
        "commit": commit,
        "tree": git.ask("rev-parse", "HEAD^{tree}").text,
        "entry": training_file(code.top)[:500],
    }
    untracked = git.ask("ls-files", "--others", "--exclude-standard", "-z", limit=64 << 20)
    changed = git.ask(*_DIFF, "--numstat", "-z", limit=64 << 20)
    if not changed.well or not untracked.well:
        code.notes.append(f"What is not committed could not be found out ({changed.complaint or untracked.complaint}).")
    code.facts["untracked"] = untracked.output.count(b"\0")
    # Unknown counts as changed: a run must not look reproducible because git had no time to answer.
    code.facts["dirty"] = bool(changed.output or untracked.output or not changed.well or not untracked.well)
    code.facts["patch_digest"] = ""
    if changed.well and changed.output:
        _keep_patch(git, code, changed.names[:_NAMES])
    return code


def _keep_patch(git: Git, code: Code, changed: list[bytes]) -> None:
    """The changes of text files are kept, unless they are too large or seem to hold a secret; then it is said why not."""
    rows = [row.split(b"\t", 2) for row in changed]
    names = [row[2] for row in rows if len(row) == 3]
    binary = [row[2] for row in rows if len(row) == 3 and row[0] == b"-"]
    if found := secret_in_names(names):
        code.patch_note = f"the changes are not kept, because they touch {found}"
        return
    if len(binary) > 1_000:
        code.patch_note = f"the changes are not kept, because {len(binary):,} binary files are among them"
        return
    without = [f":(exclude,literal,top){name.decode('utf-8', 'surrogateescape')}" for name in binary]
    patch = git.ask(*_DIFF, "--", ":(top)", *without, limit=LIMIT)
    if patch.cut:
        code.patch_note = f"the changes are not kept, because they are larger than {LIMIT >> 20} MiB"
    elif not patch.well:
        code.patch_note = f"the changes are not kept, because git gave none ({patch.complaint[:200]})"
    elif found := secret_in_patch(patch.output):
        code.patch_note = f"the changes are not kept, because they seem to hold {found}"
    elif patch.output:
        code.files.append(KeptFile(PATCH, patch.output))
        code.facts["patch_digest"] = "sha256:" + hashlib.sha256(patch.output).hexdigest()
    if binary and not code.patch_note:
        shown = ", ".join(name.decode("utf-8", "replace") for name in binary[:5])
        code.patch_note = f"{len(binary):,} changed binary files are not in the patch: {shown}{' …' if len(binary) > 5 else ''}"


def _remote_name(git: Git) -> str:
    """That of the branch, else origin, else the first."""
    branch = git.ask("symbolic-ref", "--quiet", "--short", "HEAD").text
    of_branch = git.ask("config", "--get", f"branch.{branch}.remote").text if branch else ""
    known = git.ask("remote").text.splitlines()
    return next((name for name in (of_branch, "origin", *known) if name in known), "origin")


def without_credentials(address: str) -> str:
    """The address of a remote without the password, token or query that some write into it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if "://" not in address:
        return address  # a path, or git@host:path
    user, mark, host = parts.netloc.rpartition("@")
    kept = f"{user}@" if mark and parts.scheme in {"ssh", "git+ssh"} and ":" not in user else ""
    return urlunsplit((parts.scheme, kept + host, parts.path, "", ""))


def training_file(top: Path) -> str:
    """The script or notebook that runs, relative to the checkout; nothing where it lies elsewhere (a console, a test runner)."""
    main = sys.modules.get("__main__")
    notebook = getattr(main, "__vsc_ipynb_file__", "") or _jupyter()
    said = notebook or getattr(main, "__file__", "") or ""
    try:
        file = Path(said).resolve()
        return file.relative_to(top.resolve()).as_posix() if said and file.is_file() else ""
    except (ValueError, OSError):
        return ""


def _jupyter() -> str:
    """The notebook's path as Jupyter tells it to its kernels."""
    said = os.environ.get("JPY_SESSION_NAME", "") if "ipykernel" in sys.modules else ""
    return said if said.endswith(".ipynb") else ""
