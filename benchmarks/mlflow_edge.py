"""The unmodified MLflow client against Countersign and against MLflow's own server with PostgreSQL, on one machine, in turn.

Both databases lie on one PostgreSQL. MLflow's server runs as it does by itself (four processes), Countersign with one process.
The runs that are searched are put into both databases directly; what is measured goes over HTTP.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit, urlunsplit

import psycopg2
from psycopg2.extras import execute_values

from benchmarks.ground import _administer as administer
from benchmarks.results import Result
from benchmarks.web import web_process
from config.services import processes
from config.setup.clients import client

ROUNDS = 3  # of ours and theirs, one after the other
RUNS = 10_000
TARGETS = {"log": 1.5, "search": 2.0, "register": 1.5}
WHAT = {
    "log": "a run with 1,000 metrics in ten batches",
    "search": f"the 100 best of {RUNS:,} runs by metric and parameter",
    "register": "100 versions of a model",
}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_TOKEN": ""}
PATIENCE = 180  # seconds until MLflow's server has made its tables


def measure(folder: Path) -> list[Result]:
    name = f"countersign_bench_mlflow_{os.getpid()}"
    address = urlsplit(os.environ["DATABASE_URL"])
    administer(address.geturl(), f'CREATE DATABASE "{name}"')
    try:
        with (
            web_process(folder, os.environ) as web,
            mlflow_server(folder, _for_sqlalchemy(address._replace(path=f"/{name}"))) as theirs,
        ):
            ours = f"http://127.0.0.1:{web.port}"
            key = {"MLFLOW_TRACKING_TOKEN": _key()}
            homes = {ours: _play(ours, "prepare", "-", key), theirs: _play(theirs, "prepare", "-", {})}
            _fill_ours(homes[ours]["search"])
            _fill_theirs(urlunsplit(address._replace(path=f"/{name}")), int(homes[theirs]["search"]))
            return [_compare(deed, ours, theirs, homes, key) for deed in TARGETS]
    finally:
        administer(address.geturl(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _for_sqlalchemy(address: SplitResult) -> str:
    """SQLAlchemy knows no socket's folder in the place of a host; it reads one from the query."""
    login, _at, host = address.netloc.rpartition("@")
    folder = unquote(host.partition(":")[0])
    if not folder.startswith("/"):
        return urlunsplit(address)
    return urlunsplit(address._replace(netloc=f"{login}@", query=urlencode({"host": folder})))


def _compare(deed: str, ours: str, theirs: str, homes: dict[str, Any], key: dict[str, str]) -> Result:
    """Rounds in turn, so that what else the machine does falls on both."""
    took: dict[str, list[float]] = {ours: [], theirs: []}
    for number in range(ROUNDS):
        for site in (theirs, ours):
            place = f"bench-{number}" if deed == "register" else homes[site][deed]
            took[site] += _play(site, deed, place, key if site == ours else {})
    mine, other = statistics.median(took[ours]), statistics.median(took[theirs])
    how = f"{WHAT[deed]}: MLflow's server {other:.3f} s ÷ Countersign {mine:.3f} s, the same client, medians of {len(took[ours])}"
    return Result(f"mlflow_{deed}", other / mine, TARGETS[deed], "at least", how)


def _play(site: str, deed: str, place: str, more: dict[str, str]) -> Any:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "COUNTERSIGN_"))}
    words = [str(client("mlflow3").python), "-W", "ignore", str(Path(__file__).with_name("mlflow_client.py")), deed, place]
    said = subprocess.run(
        words, env=own | QUIET | {"MLFLOW_TRACKING_URI": site} | more, capture_output=True, text=True, check=False
    )
    if said.returncode or not said.stdout:
        raise RuntimeError(f"The client failed ({deed}): {said.stderr[-2000:]}")
    return json.loads(said.stdout.splitlines()[-1])


@contextlib.contextmanager
def mlflow_server(folder: Path, database: str) -> Iterator[str]:
    """Its address; when the block ends, nothing of it is left."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [
        str(client("mlflow-server").python),
        "-W",
        "ignore",
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    words += ["--backend-store-uri", database, "--artifacts-destination", str(folder / "mlflow-artifacts")]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "COUNTERSIGN_", "DJANGO_"))}
    bin_folder = str(client("mlflow-server").python.parent)
    own |= QUIET | {"PATH": f"{bin_folder}{os.pathsep}{own.get('PATH', '')}"}
    log = folder / "mlflow-server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(words, env=own, cwd=folder, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MLflow's server does not answer: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop(server, (SIGTERM, 5), (SIGKILL, 5))


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _facts(number: int) -> tuple[float, str]:
    """The accuracy and the learning rate of a run: 1,250 of 10,000 fulfil the condition."""
    return (number * 7919 % RUNS) / RUNS, ("0.1", "0.01", "0.001", "0.3")[number % 4]


def _fill_ours(experiment: str) -> None:
    from django.db import connection  # noqa: PLC0415 - models can be imported once Django is set up

    from tracking.models import Experiment, MetricSeries, TrainingRun  # noqa: PLC0415 - as above

    home = Experiment.objects.get(pk=experiment)
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    runs, series = [], []
    for number in range(RUNS):
        accuracy, rate = _facts(number)
        run = TrainingRun(
            team_id=home.team_id,
            experiment=home,
            name=f"run {number}",
            origin="mlflow",
            params={"lr": rate, "batch": "32", "optimizer": "adam"},
            tags={"mlflow.user": "bench", "kind": "filled"},
            started_at=begun + timedelta(seconds=number),
            created_by_id=home.created_by_id,
        )
        runs.append(run)
        for name, value in (("accuracy", accuracy), ("loss", 1 - accuracy)):
            figures = {"count": 1, "last_value": value, "lowest_value": value, "highest_value": value}
            series.append(MetricSeries(run=run, name=name, lowest_step=0, highest_step=0, **figures))
    TrainingRun.objects.bulk_create(runs, batch_size=2_000)
    MetricSeries.objects.bulk_create(series, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill_theirs(database: str, experiment: int) -> None:
    """The same runs in MLflow's tables."""
    runs, metrics, params, tags = [], [], [], []
    for number in range(RUNS):
        accuracy, rate = _facts(number)
        pk, at = f"{number:032x}", 1_767_225_600_000 + number * 1000
        runs.append(
            (
                pk,
                f"run {number}",
                "LOCAL",
                "",
                "",
                "bench",
                "FINISHED",
                at,
                at,
                "active",
                f"mlflow-artifacts:/{experiment}/{pk}/artifacts",
                experiment,
            )
        )
        metrics += [(name, value, at, 0, False, pk) for name, value in (("accuracy", accuracy), ("loss", 1 - accuracy))]
        params += [(name, value, pk) for name, value in (("lr", rate), ("batch", "32"), ("optimizer", "adam"))]
        tags += [(name, value, pk) for name, value in (("mlflow.user", "bench"), ("kind", "filled"))]
    columns = "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time"
    columns += ", lifecycle_stage, artifact_uri, experiment_id"
    with contextlib.closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        execute_values(cursor, f"INSERT INTO runs ({columns}) VALUES %s", runs, page_size=2_000)  # noqa: S608 - its own words
        for table in ("metrics", "latest_metrics"):
            statement = f"INSERT INTO {table} (key, value, timestamp, step, is_nan, run_uuid) VALUES %s"  # noqa: S608 - as above
            execute_values(cursor, statement, metrics, page_size=5_000)
        for table, rows in (("params", params), ("tags", tags)):
            statement = f"INSERT INTO {table} (key, value, run_uuid) VALUES %s"  # noqa: S608 - as above
            execute_values(cursor, statement, rows, page_size=5_000)
        cursor.execute("ANALYZE")


def _key() -> str:
    """Of somebody who may log and register."""
    from accounts.models import Role  # noqa: PLC0415 - models can be imported once Django is set up
    from accounts.services import grant_role, make_key, make_person, make_team  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above

    team = make_team(by=INSTALLER, name="MLflow")
    person = make_person(by=INSTALLER, email="mlflow@example.org", name="Bench")
    grant_role(person, by=INSTALLER, role=Role.DATA_SCIENTIST, team=team)
    _key, text = make_key(person, by=INSTALLER, name="bench", scopes=["read", "submit"], expires_at=now() + timedelta(days=1))
    return text
