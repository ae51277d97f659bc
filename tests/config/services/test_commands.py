"""The words of the supervisor: run, manage, up and demo say in one sentence what stops them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings

from config.services import database, demo, folders, run, up
from config.services.database import Demo
from config.setup.problem import Problem

PROJECT = Path(__file__).resolve().parents[3]


def call(*words: object, environment: dict[str, str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.services", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=300,
        **options,
    )


# -- run -------------------------------------------------------------------------------------------------------------------


def test_run_lends_services_to_a_command_and_returns_its_code(bare_environment):
    program = (
        "import os, sys, psycopg2, redis; psycopg2.connect(os.environ['DATABASE_URL']).close();"
        "redis.Redis.from_url(os.environ['REDIS_URL']).ping(); print(os.environ['REDIS_URL']); sys.exit(7)"
    )
    done = call("run", "--", sys.executable, "-c", program, environment=bare_environment)
    assert (done.returncode, done.stderr) == (7, "")
    assert not Path(urlsplit(done.stdout.strip()).path).parent.parent.exists()


def test_run_that_is_interrupted_leaves_nothing(bare_environment):
    started = subprocess.Popen(
        [sys.executable, "-m", "config.services", "run", "--", "/bin/sh", "-c", "echo $DATABASE_URL; sleep 900"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=bare_environment,
        start_new_session=True,
    )
    assert started.stdout is not None
    folder = started.stdout.readline().split("@")[1].split(":")[0].replace("%2F", "/")
    assert Path(folder).exists()
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=300) != 0
    started.stdout.close()
    assert not Path(folder).exists()
    assert not [words for words in _commands() if folder in words]


def _commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
    return found


def test_with_both_addresses_given_nothing_is_made_for_private_servers(monkeypatch):
    monkeypatch.setattr(run, "service_identity", pytest.fail)
    monkeypatch.setattr(run.tempfile, "mkdtemp", pytest.fail)
    given = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    with run.passing_services(given) as addresses:
        assert (addresses.database, addresses.redis) == ("postgresql://x", "redis://x")


def test_folders_of_killed_runs_are_swept_and_others_left(tmp_path, monkeypatch, owner):
    monkeypatch.setattr(run.tempfile, "gettempdir", lambda: str(tmp_path))
    for name in ("killed", "running", "young"):
        folder = tmp_path / f"{run.PREFIX}{name}"
        folder.mkdir()
        folders.own(folder, owner)
        if name != "young":
            os.utime(folder, (0, 0))
    held = folders.lock(tmp_path / f"{run.PREFIX}running", owner=owner)
    os.utime(tmp_path / f"{run.PREFIX}running", (0, 0))
    run.sweep(owner)
    held.release()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"{run.PREFIX}running", f"{run.PREFIX}young"]


# -- what stops up and demo ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["up", "demo"])
def test_a_taken_port_is_one_sentence_and_code_2(verb, bare_environment, make_data, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        environment = bare_environment | {"COUNTERSIGN_DATA": str(make_data())}
        words = [verb, "--port", port, *(["--out", tmp_path / "out"] if verb == "demo" else [])]
        done = call(*words, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"Port {port} on 127.0.0.1 is taken by another program; stop it, or choose another port: PORT={port + 1}"
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"COUNTERSIGN_DATA": "/proc/no"}, r"The data folder /proc/no cannot be written to"),
        ({"DATABASE_URL": "postgresql://x@127.0.0.1:9/x", "REDIS_URL": "redis://x"}, r"The database in DATABASE_URL cannot be"),
        ({"DATABASE_URL": "given", "REDIS_URL": "redis://127.0.0.1:9/0"}, r"The Redis in REDIS_URL cannot be reached"),
        ({"DATABASE_URL": "given", "REDIS_URL": "http://x"}, r"The Redis in REDIS_URL cannot be reached"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_code_2(changes, sentence, bare_environment, make_data):
    if changes.get("DATABASE_URL") == "given":
        changes = changes | {"DATABASE_URL": os.environ["DATABASE_URL"]}
    place = make_data()
    (place / "kind").write_text("site\n")
    done = call("up", "--port", _free_port(), environment=bare_environment | {"COUNTERSIGN_DATA": str(place)} | changes)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_report_folder_that_cannot_be_written_to_is_told(bare_environment):
    done = call("demo", "--out", "/proc/out", environment=bare_environment)
    assert (done.returncode, done.stderr) == (
        2,
        "The folder /proc/out for the report cannot be written to; name another with OUT=DIR.\n",
    )


def test_a_port_is_a_number(bare_environment):
    assert "'web' is not a port" in call("up", "--port", "web", environment=bare_environment).stderr


def test_manage_without_a_running_site_is_told(bare_environment, tmp_path):
    done = call("manage", "check", environment=bare_environment | {"COUNTERSIGN_DATA": str(tmp_path)})
    assert (done.returncode, done.stderr) == (
        2,
        f"No site runs on {tmp_path}; start it (make up) and repeat this in another terminal. "
        "Where it runs on another folder (make demo does), name that: COUNTERSIGN_DATA=/folder\n",
    )


def test_a_command_without_a_database_is_told_in_one_sentence(bare_environment):
    words = [sys.executable, "manage.py", "log", "verify"]
    done = subprocess.run(words, cwd=PROJECT, env=bare_environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "Countersign runs on PostgreSQL: set DATABASE_URL, or start the site with `make up`, which brings its own server.\n"
    )


# -- whose database it is --------------------------------------------------------------------------------------------------


@pytest.fixture
def make_database():
    """`make_database()`: the address of an empty database of this test run's server."""
    base = os.environ["DATABASE_URL"]
    made: list[str] = []

    def _do(statement: str) -> None:
        connection = psycopg2.connect(base)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def make() -> str:
        name = f"whose_{os.getpid()}_{len(made)}_{time.monotonic_ns()}"
        _do(f"create database {name}")
        made.append(name)
        return urlsplit(base)._replace(path=f"/{name}").geturl()

    yield make
    for name in made:
        _do(f"drop database {name} with (force)")


def execute(url: str, statement: str) -> None:
    with database.connected(url) as cursor:
        cursor.execute(statement)


class Base:
    """As much of the ground as the claim looks at."""

    def __init__(self, url: str, data: Path) -> None:
        self.data = data
        self.addresses = type("Addresses", (), {"database": url, "redis": "", "private_redis": False})()


def test_the_demo_refuses_a_database_that_holds_anything_not_its_own(make_database, tmp_path):
    url = make_database()
    execute(url, "create schema other; create table other.letters (x int)")
    with pytest.raises(Problem, match="This database holds data that are not the demo's; name an empty one"):
        demo._claim(Base(url, tmp_path), fresh=True)
    assert database.demo_of(url) is None
    assert not database.is_empty(url)


def test_the_demo_plays_once_shows_what_it_played_and_begins_anew_when_interrupted(make_database, tmp_path):
    url, base = make_database(), None
    base = Base(url, tmp_path)
    assert demo._claim(base, fresh=False)  # an empty database becomes the demo's
    execute(url, "create table rows (x int)")
    (tmp_path / "cast.json").write_text("{}")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "logs").mkdir()
    assert demo._claim(base, fresh=False)  # interrupted: anew
    assert database.is_empty(url)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["logs"]

    execute(url, "create table rows (x int)")
    (tmp_path / "summary.txt").write_text("…")
    database.mark_demo(url, Demo(demo._story(), complete=True))
    assert not demo._claim(base, fresh=False)
    assert not database.is_empty(url)
    assert demo._claim(base, fresh=True)
    assert database.is_empty(url)


def test_what_is_shown_again_is_the_summary_and_not_the_way_there():
    told = "The story:\n  1.9 s  The digits.\n\nIt runs at http://127.0.0.1:1\n  Sign in as …\n"
    kept = demo._summary(told, "http://127.0.0.1:1")
    assert kept.replace(demo.ADDRESS, "http://127.0.0.1:2") == "It runs at http://127.0.0.1:2\n  Sign in as …\n"


def test_data_of_another_story_are_shown_and_said_to_be(make_database, tmp_path, capsys):
    url = make_database()
    (tmp_path / "summary.txt").write_text("…")
    database.mark_demo(url, Demo("another", complete=True))
    assert not demo._claim(Base(url, tmp_path), fresh=False)
    assert "another version of the story; FRESH=1" in capsys.readouterr().out


def test_a_comment_of_others_on_a_database_is_no_mark(make_database):
    url = make_database()
    assert database.demo_of(url) is None
    execute(url, f"comment on database {urlsplit(url).path[1:]} is 'ours, do not touch'")
    assert database.demo_of(url) is None


def test_an_administrator_is_looked_for_among_memberships(db, make_person):
    name = settings.DATABASES["default"]["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    assert not database.has_administrator(url)  # what a test writes is not committed


def test_an_old_server_is_refused(make_database, monkeypatch):
    url = make_database()
    database.check_server(url)
    monkeypatch.setattr(database, "OLDEST", 9_990_000)
    with pytest.raises(Problem, match="older than PostgreSQL 15"):
        database.check_server(url)


def test_redis_is_asked_before_the_site_starts():
    up.check_redis(os.environ["REDIS_URL"])
