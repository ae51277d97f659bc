"""Whose rights a process gets. PostgreSQL refuses to run as root, and a site should not."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.setup.problem import Problem

SERVICE_USER = "countersign"
SYSTEM_FOLDER = Path("/var/lib/countersign")


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    uid: int
    gid: int

    @property
    def is_caller(self) -> bool:
        return self.uid == os.geteuid()

    def arguments(self) -> dict[str, Any]:
        """For `subprocess`: the process runs as this user, with none of the caller's groups."""
        return {} if self.is_caller else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, *command: str | Path, cwd: Path | None = None) -> bool:
        """The command succeeds with this user's rights; nothing else says for sure what a user can reach."""
        try:
            done = subprocess.run(
                command, capture_output=True, check=False, stdin=subprocess.DEVNULL, cwd=cwd or "/", **self.arguments()
            )
        except OSError:
            return False
        return done.returncode == 0


def caller() -> Identity:
    """The user who started this program."""
    try:
        return Identity(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid())
    except KeyError as error:
        raise Problem(
            f"The user with number {os.geteuid()} has no name on this host, and PostgreSQL needs one; "
            "add the user (useradd), or set DATABASE_URL and REDIS_URL to servers of your own."
        ) from error


def service_identity() -> Identity:
    """The caller, or for root a user without a password and without a home, who is made when missing."""
    if os.geteuid() != 0:
        return caller()
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        _make_service_user()
        entry = pwd.getpwnam(SERVICE_USER)
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _make_service_user() -> None:
    words = ["--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_FOLDER)]
    shell = shutil.which("nologin") or "/bin/false"
    made = shutil.which("useradd") and subprocess.run(
        ["useradd", *words, "--shell", shell, SERVICE_USER], capture_output=True, check=False
    )
    if not made or made.returncode not in {0, 9}:  # 9: another process was faster
        raise Problem(
            f"The user {SERVICE_USER}, as whom PostgreSQL would run, could not be made; make it with your system's tools, "
            "or start as an ordinary user."
        )
