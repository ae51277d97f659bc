"""The data folder: where it lies, that it can be used, that one supervisor uses it. A parent's mode is never changed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from config.services.identity import SYSTEM_FOLDER, Identity
from config.setup.problem import Problem

REMEDY = "set COUNTERSIGN_DATA to a folder that can"
BY_HAND = {"secret_key", "keys", "seals", "blobs", "incoming"}
LONGEST_SOCKET = 103  # bytes that every supported system takes as the address of a socket
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+\Z")  # what needs no escaping in any kind of address


def choose(kind: str, *, project: Path, environment: Mapping[str, str]) -> Path:
    """COUNTERSIGN_DATA; else `var/<kind>` of this copy of the project, for root a folder outside all homes."""
    if given := environment.get("COUNTERSIGN_DATA", "").strip():
        return Path(given).expanduser().absolute()
    return (SYSTEM_FOLDER if os.geteuid() == 0 else project / "var") / kind


def prepare(folder: Path, *, kind: str, owner: Identity) -> None:
    """The folder exists, only `owner` may enter it, it says what it is for, and it is for nothing else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_kind(folder, kind)
        if os.geteuid() == 0 and folder.stat().st_uid == 0:
            os.chown(folder, owner.uid, owner.gid)
        if folder.stat().st_uid != owner.uid:
            raise Problem(f"The data folder {folder} belongs to another user than {owner.name}; {REMEDY} be used.")
        folder.chmod(0o700)
        mark = folder / "kind"
        if not mark.exists():
            mark.write_text(kind + "\n")
            own(mark, owner)
        for name in ("logs", "run"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
            own(folder / name, owner)
    except OSError as error:
        raise Problem(f"The data folder {folder} cannot be written to ({error.strerror}); {REMEDY}.") from error
    if not owner.can("/bin/sh", "-c", 'test -w "$1" && cd "$1"', "sh", folder):
        raise Problem(f"The data folder {folder} cannot be reached by the user {owner.name}; {REMEDY} (outside home folders).")


def _check_kind(folder: Path, kind: str) -> None:
    mark = folder / "kind"
    found = mark.read_text().strip() if mark.exists() else ""
    if found == kind:
        return
    # A command by hand may have begun a site's folder before its first start.
    strange = sorted({entry.name for entry in folder.iterdir()} - (BY_HAND if kind == "site" else set()))
    if found or strange:
        what = f"the data of the {found}, and not of the {kind}" if found else f"things that are not Countersign's ({strange[0]})"
        raise Problem(f"The data folder {folder} holds {what}; name another with COUNTERSIGN_DATA, or leave that unset.")


def own(path: Path, owner: Identity) -> None:
    """The path belongs to `owner`, where the caller may give it away."""
    if os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def hand_over(folder: Path, owner: Identity) -> None:
    """Everything in the folder belongs to `owner`: root may have worked here before the site had a user of its own."""
    if os.geteuid() == 0:
        for parent, folders, files in os.walk(folder):
            for name in [*folders, *files]:
                path = Path(parent, name)
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_uid != owner.uid:
                        own(path, owner)


class Lock:
    """Held by open file, not by process number: it cannot outlive its holders, and a number used again means nothing.

    Children that are given `descriptor` hold it too, until the last of them has ended.
    """

    def __init__(self, path: Path, *, owner: Identity, refusal: str) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        own(path, owner)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self.descriptor, 32).decode(errors="replace").strip()
            os.close(self.descriptor)
            raise Problem(refusal.format(holder=holder or "unknown")) from error
        os.ftruncate(self.descriptor, 0)
        os.write(self.descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def lock(folder: Path, *, owner: Identity) -> Lock:
    """Nobody else supervises this folder while the lock is held."""
    return Lock(
        folder / "lock",
        owner=owner,
        refusal=f"Process {{holder}} already runs on the data folder {folder}; stop it first (Ctrl-C where it runs).",
    )


class Sockets:
    """A folder for sockets, short enough for their addresses, which only `owner` can enter."""

    def __init__(self, folder: Path, *, owner: Identity) -> None:
        self.folder = folder / "run"
        self._made = False
        if not self._fits():
            self.folder = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))  # short, and mode 0700
            own(self.folder, owner)
            self._made = True

    def _fits(self) -> bool:
        longest = self.folder / ".s.PGSQL.5432.lock"
        if len(os.fsencode(longest)) > LONGEST_SOCKET or not _PLAIN.match(str(longest)):
            return False
        trial = self.folder / "trial"
        try:
            with socket.socket(socket.AF_UNIX) as probe:  # some shared folders hold files but no sockets
                trial.unlink(missing_ok=True)
                probe.bind(str(trial))
                trial.unlink()
        except OSError:
            return False
        return True

    def clear(self) -> None:
        if self._made:
            shutil.rmtree(self.folder, ignore_errors=True)
