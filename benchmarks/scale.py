"""The gate and the pages that people live on, on a site of 100,000 versions against one of few, on one machine, in turn."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extras import execute_values

from benchmarks import filling
from benchmarks.ground import _administer as administer
from benchmarks.mlflow_edge import _for_sqlalchemy, mlflow_server
from benchmarks.results import Result
from benchmarks.web import Web, web_process

MANY, SOME, FEW = 100_000, 100, 10
ASKED = 20  # versions about which the gate is asked on the large site
OPEN = 5  # reviews that are open, on every site
ROUNDS, OF_A_ROUND = 5, 20
QUESTION = "/api/v1/gate/?environment=production"
GATE, LISTS, MLFLOW = 0.9, 1.5, 1.0


def measure(folder: Path) -> list[Result]:
    with contextlib.ExitStack() as held:
        filled = filling.begin()
        filling.grow(filled, 0, FEW - 1, asked=0)
        filling.open_reviews(filled, OPEN)
        key, session = _key(filled.person), _session(filled.person)
        few_queries = _queries(filled)
        few = held.enter_context(_copy_of_database("few"))
        filling.grow(filled, SOME, SOME * 2, asked=1)
        some, asked_of_some = held.enter_context(_copy_of_database("some")), list(filled.asked)
        filling.grow(filled, SOME * 2, MANY, asked=ASKED)
        many_queries = _queries(filled)
        gate = _gate(folder, some, asked_of_some, filled.asked, key)
        lists, model_list = _lists(folder, few, filled.first.pk, session, (few_queries, many_queries))
        return [gate, *lists, _against_mlflow(folder, model_list)]


# -- the gate ----------------------------------------------------------------------------------------------------------------


def _gate(folder: Path, some: str, asked_of_some: list[Any], asked: list[Any], key: str) -> Result:
    with web_process(folder, {**os.environ, "DATABASE_URL": some}) as small, web_process(folder, os.environ) as large:
        rates: dict[int, list[float]] = {small.port: [], large.port: []}
        for number in range(ROUNDS + 1):
            for web, versions in ((small, asked_of_some), (large, asked)):
                took = _ask(
                    web, [f"/api/v1/gate/?digest={one.checkpoint_digest}&environment=production" for one in versions], key
                )
                if number:  # the first round issues what the others find
                    rates[web.port].append(OF_A_ROUND / sum(took))
    few, many = (statistics.median(rates[web.port]) for web in (small, large))
    how = f"{many:.0f} allowed answers a second at {MANY:,} versions ÷ {few:.0f} at {SOME}, one web process each, in turn"
    return Result("gate_at_scale", many / few, GATE, "at least", how)


def _ask(web: Web, addresses: list[str], key: str) -> list[float]:
    took = []
    for address in itertools.islice(itertools.cycle(addresses), max(OF_A_ROUND, len(addresses))):
        begun = time.perf_counter()
        body = _got(web, address, {"Authorization": f"Bearer {key}"})
        took.append(time.perf_counter() - begun)
        assert json.loads(body)["allowed"], body[:500]
    return took[:OF_A_ROUND]


def _got(web: Web, address: str, headers: dict[str, str]) -> bytes:
    connection = web.connect()
    try:
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{address}: {answer.status} {body[:300]!r}")
    return body


# -- the lists ---------------------------------------------------------------------------------------------------------------


def _addresses(version: Any) -> dict[str, str]:
    return {"inbox": "/", "portfolio": "/portfolio/", "models": "/models/", "version": f"/versions/{version}/"}


def _queries(filled: filling.Filled) -> dict[str, int]:
    """What each page costs in queries, asked in this process."""
    from django.db import connection  # noqa: PLC0415 - models can be imported once Django is set up
    from django.test import Client  # noqa: PLC0415 - as above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    client, found = Client(headers={"host": "127.0.0.1"}), {}
    client.force_login(filled.person)
    for name, address in _addresses(filled.first.pk).items():
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address)
        assert answer.status_code == http.client.OK, (address, answer.status_code, answer.headers)
        found[name] = len(captured)
    return found


def _lists(
    folder: Path, few: str, version: Any, session: str, queries: tuple[dict[str, int], dict[str, int]]
) -> tuple[list[Result], float]:
    cookie = {"Cookie": session}
    took: dict[tuple[str, str], list[float]] = {}
    with web_process(folder, {**os.environ, "DATABASE_URL": few}) as small, web_process(folder, os.environ) as large:
        for number in range(ROUNDS + 1):
            for name, address in _addresses(version).items():
                for size, web in (("few", small), ("many", large)):
                    for _ in range(OF_A_ROUND // 4):
                        seconds = _seconds(partial(_got, web, address, cookie))
                        if number:
                            took.setdefault((name, size), []).append(seconds)
    results = []
    for name in _addresses(version):
        at_few, at_many = (statistics.median(took[name, size]) for size in ("few", "many"))
        how = f"{name}: {at_many * 1000:.0f} ms at {MANY:,} versions ÷ {at_few * 1000:.0f} ms at {FEW}, medians, in turn; "
        how += f"{queries[1][name]} queries, {queries[0][name]} at {FEW}"
        results.append(Result(f"{name}_at_scale", at_many / at_few, LISTS, "at most", how))
    wrong = [name for name in queries[0] if queries[0][name] != queries[1][name]]
    how = f"pages of inbox, portfolio, models and version that cost other numbers of queries than at {FEW}: {wrong or 'none'}"
    results.append(Result("queries_at_scale", float(len(wrong)), 0, "at most", how))
    return results, statistics.median(took["models", "many"])


def _seconds(deed: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    deed()
    return time.perf_counter() - begun


# -- MLflow's list -----------------------------------------------------------------------------------------------------------


def _against_mlflow(folder: Path, ours: float) -> Result:
    name = f"countersign_bench_mlflow_{os.getpid()}"
    address = urlsplit(os.environ["DATABASE_URL"])
    administer(address.geturl(), f'CREATE DATABASE "{name}"')
    try:
        theirs = address._replace(path=f"/{name}")
        with mlflow_server(folder, _for_sqlalchemy(theirs)) as site:
            _fill_theirs(urlunsplit(theirs))
            listed = f"{site}/api/2.0/mlflow/registered-models/search?max_results=50"
            took = [_seconds(lambda: _listed(listed)) for _ in range(ROUNDS * 2)][2:]
    finally:
        administer(address.geturl(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    other = statistics.median(took)
    how = (
        f"the page of 50 models with their latest versions at {MANY:,} versions: {ours * 1000:.0f} ms ÷ MLflow's server's answer "
    )
    how += f"with 50 registered models: {other * 1000:.0f} ms, medians"
    return Result("models_against_mlflow", ours / other, MLFLOW, "at most", how)


def _listed(address: str) -> None:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the address of the server that was just begun
        assert len(json.load(answer)["registered_models"]) == 50


def _fill_theirs(database: str) -> None:
    at = 1_767_225_600_000
    models = [(f"model-{one}", at + one, at + one, "") for one in range(MANY // filling.VERSIONS_OF_A_MODEL)]
    versions = [
        (
            f"model-{one // filling.VERSIONS_OF_A_MODEL}",
            1 + one % filling.VERSIONS_OF_A_MODEL,
            at + one,
            at + one,
            "",
            "None",
            "READY",
        )
        for one in range(MANY)
    ]
    with contextlib.closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        columns = "name, creation_time, last_updated_time, description"
        execute_values(cursor, f"INSERT INTO registered_models ({columns}) VALUES %s", models, page_size=2_000)  # noqa: S608 - its own
        columns = "name, version, creation_time, last_updated_time, description, current_stage, status"
        execute_values(cursor, f"INSERT INTO model_versions ({columns}) VALUES %s", versions, page_size=5_000)  # noqa: S608 - as above
        cursor.execute("ANALYZE")


# -- the ground --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _copy_of_database(name: str) -> Iterator[str]:
    """The site as it stands now, in a database of its own: its address."""
    from django.db import connections  # noqa: PLC0415 - as above

    address = urlsplit(os.environ["DATABASE_URL"])
    original = address.path.lstrip("/")
    elsewhere = urlunsplit(address._replace(path="/postgres"))
    connections.close_all()
    administer(elsewhere, f'CREATE DATABASE "{original}_{name}" TEMPLATE "{original}"')
    try:
        yield urlunsplit(address._replace(path=f"/{original}_{name}"))
    finally:
        administer(elsewhere, f'DROP DATABASE IF EXISTS "{original}_{name}" WITH (FORCE)')


def _key(person: Any) -> str:
    from datetime import timedelta  # noqa: PLC0415 - only here

    from accounts.services import make_key  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above

    _row, text = make_key(person, by=INSTALLER, name="bench", scopes=["read"], expires_at=now() + timedelta(days=1))
    return text


def _session(person: Any) -> str:
    """The cookie of a signed-in browser."""
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.test import Client  # noqa: PLC0415 - as above

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
