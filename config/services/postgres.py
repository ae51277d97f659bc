"""A PostgreSQL of our own, on a unix socket in a folder that only its user can enter. It runs when a connection succeeds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from config.services import processes
from config.services.binaries import Postgres
from config.services.folders import Lock
from config.services.identity import Identity, caller
from config.setup.problem import Problem

NAME = "countersign"  # of the database and of the role that owns it
FIRST = "postgres"  # the role that makes them
PORT = 5432  # only names the socket: nothing listens on the network
PATIENCE = 600  # seconds that recovery after a crash may take


class PrivatePostgres:
    def __init__(
        self,
        data: Path,
        *,
        binaries: Postgres,
        sockets: Path,
        identity: Identity,
        lasting: bool = True,
        superuser: bool = False,
    ) -> None:
        self.data = data / "postgresql"
        self.log = data / "logs" / "postgresql.log"
        self.folder = data
        self.binaries = binaries
        self.sockets = sockets
        self.identity = identity
        self.lasting = lasting  # False: for tests, whose data need not survive a power cut
        self.superuser = superuser  # True: for tests, which show that the log holds even against such a role
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: Lock | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}@{quote(str(self.sockets), safe='')}:{PORT}/{NAME}"

    def start(self, *, say: Callable[[str], None], check: Callable[[], None]) -> None:
        """The server answers, and holds the database and its role."""
        if not self.data.exists():
            self._make()
        self._check_version()
        self._lock = self._only_one(check)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # with the lock held, what it names is not our server
        self._write_access()
        self.process = processes.start(
            [self.binaries.program("postgres"), "-D", self.data, *self._options()],
            log=self.log,
            identity=self.identity,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=self.data,
            death_signal=signal.SIGINT,  # a fast, clean shutdown
            keep=[self._lock.descriptor],
        )
        self._await(say, check)
        self._make_database()

    def stop(self) -> None:
        """The server has ended, with its data written where it had the time."""
        if self.process is not None:
            processes.stop(self.process, (signal.SIGINT, 20), (signal.SIGQUIT, 5))
        if self._lock is not None:
            self._lock.release()

    def _make(self) -> None:
        fresh = self.data.with_name("postgresql.new")  # renamed when whole, so that an interrupted start begins anew
        shutil.rmtree(fresh, ignore_errors=True)
        words: list[str | Path] = [
            "-D",
            fresh,
            "-U",
            FIRST,
            "--auth=peer",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
        ]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]  # the same on every host
        done = subprocess.run(
            [self.binaries.program("initdb"), *words, *([] if self.lasting else ["--no-sync"])],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder if self.identity.is_caller else "/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is for the supervisor
            **self.identity.arguments(),
        )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
            reason = next((line for line in lines if "error" in line or "FATAL" in line), lines[-1])
            raise Problem(f"PostgreSQL could not begin its data in {self.data} ({reason}); see whether the disk is full.")
        fresh.rename(self.data)

    def _check_version(self) -> None:
        held = (self.data / "PG_VERSION").read_text().strip()
        if held != self.binaries.major:
            raise Problem(
                f"The data in {self.data} belong to PostgreSQL {held}, and Countersign brings {self.binaries.major} now; dump "
                f"them with the old version and load them with the new, or set DATABASE_URL to a server of version {held}."
            )

    def _only_one(self, check: Callable[[], None]) -> Lock:
        """A server whose supervisor was killed is shutting down and holds the lock until it is done."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return Lock(
                    self.folder / "lock.postgresql",
                    owner=self.identity,
                    refusal=f"An earlier PostgreSQL still runs on {self.data} (started by process {{holder}}); "
                    "end it, then start again.",
                )
            except Problem:
                check()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _write_access(self) -> None:
        """Who may connect: the server's own user, root and the caller, each known by the kernel and not by a password."""
        users = {self.identity.name, "root", caller().name}
        ident = "".join(f'private "{user}" {role}\n' for user in sorted(users) for role in (FIRST, NAME))
        for name, text in (("pg_hba.conf", "local all all peer map=private\n"), ("pg_ident.conf", ident)):
            (self.data / name).write_text(text)

    def _options(self) -> list[str]:
        values = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.lasting:
            values |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [word for name, value in values.items() for word in ("-c", f"{name}={value}")]

    def _await(self, say: Callable[[str], None], check: Callable[[], None]) -> None:
        assert self.process is not None  # noqa: S101 - for the type checker
        begun, said = time.monotonic(), False
        while time.monotonic() - begun < PATIENCE:
            check()
            if processes.has_ended(self.process):
                reason = processes.last_line(self.log, like="FATAL")
                raise Problem(f"PostgreSQL did not start ({reason}); its log is {self.log}.")
            try:
                self._connect().close()
                return
            except psycopg2.OperationalError:
                if not said and time.monotonic() - begun > 5:
                    say("PostgreSQL is recovering its data after a sudden stop")
                    said = True
                time.sleep(0.02)
        raise Problem(f"PostgreSQL did not answer within {PATIENCE} seconds; its log is {self.log}.")

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(host=str(self.sockets), port=PORT, user=FIRST, dbname="postgres")

    def _make_database(self) -> None:
        """The site's role owns its database and nothing else."""
        connection = self._connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_roles where rolname = %s", [NAME])
            if not cursor.fetchone():
                rights = sql.SQL("superuser" if self.superuser else "nosuperuser nocreatedb nocreaterole")
                cursor.execute(sql.SQL("create role {} login {}").format(sql.Identifier(NAME), rights))
            cursor.execute("select 1 from pg_database where datname = %s", [NAME])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(NAME)))
        connection.close()
