"""The gate, the pages that people live on and a policy's dry run: a site of 100,000 versions against smaller ones, in turn."""

from __future__ import annotations

import contextlib
import functools
import http.client
import itertools
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extras import execute_values

from benchmarks import filling
from benchmarks.ground import _administer as administer
from benchmarks.ground import copy_of_database, on
from benchmarks.mlflow_edge import _for_sqlalchemy, mlflow_server
from benchmarks.results import Result
from benchmarks.web import Web, web_process

FEW, SOME, MANY = 10, 100, 100_000
DRY = {1_260: 1_000, 12_600: 10_000}  # versions of a site -> those of them that are approved, at the least
ASKED = 20  # versions about which the gate is asked on the large site
MORE = [{"kind": "card_sections", "sections": ["contact"]}, {"kind": "provenance", "fields": ["use.consents"]}]  # a dry run asks
OPEN = 5  # reviews that are open, on every site
ROUNDS, OF_A_ROUND, PAGES = 6, 20, 3  # pages: of each kind in one round
LISTED = 50  # models on one page
GATE, LISTS, MLFLOW, LINEAR = 0.9, 1.5, 1.0, 12.0


@dataclass(frozen=True)
class Site:
    """The database of a site of one size, and the versions that are truly approved and live there."""

    database: str
    asked: list[Any]


@dataclass(frozen=True)
class Sites:
    of: dict[int, Site]  # by the number of versions
    key: str
    session: str


@functools.cache
def _sites() -> Sites:
    """One site that grows, copied at each size; made once for all measures of a run."""
    filled = filling.begin()
    key, session = _key(filled.person), _session(filled.person)
    found: dict[int, Site] = {}
    for size in (FEW, SOME, *DRY, MANY):
        filling.grow(filled, size, asked=ASKED if size == MANY else 1, waiting=OPEN if size == FEW else 0)
        database = os.environ["DATABASE_URL"] if size == MANY else copy_of_database(str(size))
        found[size] = Site(database, list(filled.asked))
    return Sites(found, key, session)


# -- the gate ----------------------------------------------------------------------------------------------------------------


def gate(folder: Path) -> Iterator[Result]:
    sites = _sites()
    with _webs(folder, SOME, MANY) as webs:
        rates: dict[int, list[float]] = {size: [] for size in webs}
        for number in range(ROUNDS + 1):
            for size, web in _turn(webs, number):
                took = _ask(web, [_question(one) for one in sites.of[size].asked], sites.key)
                if number:  # the first round issues what the others find
                    rates[size].append(OF_A_ROUND / sum(took))
    few, many = (statistics.median(rates[size]) for size in (SOME, MANY))
    how = f"{many:.0f} allowed answers a second at {MANY:,} versions ÷ {few:.0f} at {SOME}, one web process each, in turn"
    yield Result("gate_at_scale", many / few, GATE, "at least", how)


def _question(version: Any) -> str:
    return f"/api/v1/gate/?digest={version.checkpoint_digest}&environment=production"


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


@contextlib.contextmanager
def _webs(folder: Path, *sizes: int) -> Iterator[dict[int, Web]]:
    """One web process for each size of the site."""
    with contextlib.ExitStack() as held:
        of = _sites().of
        yield {size: held.enter_context(web_process(folder, {**os.environ, "DATABASE_URL": of[size].database})) for size in sizes}


def _turn(webs: dict[int, Web], number: int) -> list[tuple[int, Web]]:
    """Who is asked first changes with each round."""
    return list(webs.items())[:: -1 if number % 2 else 1]


# -- the lists ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    address: str
    row: bytes  # what the answer holds once for each row
    rows: int  # at the least


def _pages(site: Site) -> dict[str, _Page]:
    version = site.asked[-1]
    return {
        "inbox": _Page("/", b'href="/reviews/', OPEN),
        "portfolio": _Page("/portfolio/", b'href="/models/?', 1),
        "models": _Page("/models/", b'href="/models/', 2),
        "version": _Page(f"/versions/{version.pk}/", b'href="/models/', 1),
    }


def lists(folder: Path) -> Iterator[Result]:
    sites = _sites()
    queries = {size: _queries(sites.of[size], sites) for size in (FEW, MANY)}
    took: dict[tuple[str, int], list[float]] = {}
    with _webs(folder, FEW, MANY) as webs:
        for number in range(ROUNDS + 1):
            for name in queries[FEW]:
                for size, web in _turn(webs, number):
                    page = _pages(sites.of[size])[name]
                    for _ in range(PAGES):
                        seconds = _seconds(partial(_read, web, page, sites.session))
                        if number:
                            took.setdefault((name, size), []).append(seconds)
    medians = {place: statistics.median(every) for place, every in took.items()}
    ratios = {name: medians[name, MANY] / medians[name, FEW] for name in queries[FEW]}
    said = [
        f"{name} {medians[name, MANY] * 1000:.0f} ÷ {medians[name, FEW] * 1000:.0f} ms, "
        f"{queries[MANY][name]} and {queries[FEW][name]} queries"
        for name in ratios
    ]
    others = [name for name in ratios if queries[FEW][name] != queries[MANY][name]]
    how = f"the worst page at {MANY:,} versions ÷ at {FEW}, medians, in turn: {'; '.join(said)}"
    how += f"; other numbers of queries: {', '.join(others) or 'none'}"
    yield Result("lists_at_scale", float("inf") if others else max(ratios.values()), LISTS, "at most", how)


def _read(web: Web, page: _Page, session: str) -> None:
    body = _got(web, page.address, {"Cookie": session})
    assert body.count(page.row) >= page.rows, (page, body.count(page.row))


def _queries(site: Site, sites: Sites) -> dict[str, int]:
    """What each page costs in queries, asked in this process."""
    from django.db import connection  # noqa: PLC0415 - models can be imported once Django is set up
    from django.test import Client  # noqa: PLC0415 - as above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    found = {}
    with on(site.database):
        for name, page in _pages(site).items():
            client = Client(headers={"host": "127.0.0.1", "cookie": sites.session})
            client.get(page.address)
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(page.address)
            assert answer.status_code == http.client.OK, (page, answer.status_code, answer.headers)
            found[name] = len(captured)
    return found


def _seconds(deed: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    deed()
    return time.perf_counter() - begun


# -- MLflow's list -----------------------------------------------------------------------------------------------------------


def model_list(folder: Path) -> Iterator[Result]:
    sites = _sites()
    name = f"countersign_bench_mlflow_{os.getpid()}"
    address = urlsplit(os.environ["DATABASE_URL"])
    administer(address.geturl(), f'CREATE DATABASE "{name}"')
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    try:
        theirs = address._replace(path=f"/{name}")
        with mlflow_server(folder, _for_sqlalchemy(theirs)) as site, _webs(folder, MANY) as webs:
            _fill_theirs(urlunsplit(theirs))
            listed = f"{site}/api/2.0/mlflow/registered-models/search?max_results={LISTED}"
            page = _Page("/models/", b'href="/models/', LISTED)
            for number in range(ROUNDS + 1):
                for whose, deed in (
                    ("ours", partial(_read, webs[MANY], page, sites.session)),
                    ("theirs", partial(_listed, listed)),
                ):
                    seconds = [_seconds(deed) for _ in range(PAGES)]
                    took[whose] += seconds if number else []
    finally:
        administer(address.geturl(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    ours, other = (statistics.median(took[whose]) for whose in took)
    how = (
        f"the page of {LISTED} models with their latest versions, {MANY:,} in all: {ours * 1000:.0f} ms ÷ {LISTED} registered "
        f"models of as many from MLflow's server (PostgreSQL, four processes): {other * 1000:.0f} ms, medians, in turn"
    )
    yield Result("model_list_against_mlflow", ours / other, MLFLOW, "at most", how)


def _listed(address: str) -> None:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the address of the server that was just begun
        assert len(json.load(answer)["registered_models"]) == LISTED


def _fill_theirs(database: str) -> None:
    at, of_a_model = 1_767_225_600_000, filling.VERSIONS_OF_A_MODEL
    models = [(f"model-{one}", at + one, at + one, "") for one in range(MANY // of_a_model)]
    versions = [
        (f"model-{one // of_a_model}", 1 + one % of_a_model, at + one, at + one, "", "None", "READY") for one in range(MANY)
    ]
    with contextlib.closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        columns = "name, creation_time, last_updated_time, description"
        execute_values(cursor, f"INSERT INTO registered_models ({columns}) VALUES %s", models, page_size=2_000)  # noqa: S608 - its own
        columns = "name, version, creation_time, last_updated_time, description, current_stage, status"
        execute_values(cursor, f"INSERT INTO model_versions ({columns}) VALUES %s", versions, page_size=5_000)  # noqa: S608 - as above
        cursor.execute("ANALYZE")


# -- the dry run of a policy -------------------------------------------------------------------------------------------------


def policy_dry_run(_folder: Path) -> Iterator[Result]:
    from django.db import connection  # noqa: PLC0415 - as above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    from governance.documents.checking import checked  # noqa: PLC0415 - as above
    from governance.dry_run import dry_run  # noqa: PLC0415 - as above
    from governance.policies import starting_body  # noqa: PLC0415 - as above

    sites, body = _sites(), starting_body("high")
    document = checked(body | {"valid_days": 10, "requirements": [*body["requirements"], *MORE]})
    small, large = DRY
    queries, took = set(), []
    for number in range(ROUNDS // 2 + 1):
        seconds = {}
        for size, times in ((small, DRY[large] // DRY[small]), (large, 1)):  # equally long, so that load falls on both
            with on(sites.of[size].database):
                begun, looked_at = time.perf_counter(), 0
                for _ in range(times):
                    with CaptureQueriesContext(connection) as captured:
                        found = dry_run(document)
                    assert len(found.falling) == found.looked_at >= DRY[size], "no card says whom to ask"
                    looked_at += found.looked_at
                    queries.add(len(captured))
                seconds[size] = (time.perf_counter() - begun) / looked_at * DRY[size]
        took += [seconds] if number else []
    ratios = [one[large] / one[small] for one in took]
    quick, slow = (statistics.median(one[size] for one in took) for size in DRY)
    how = f"{DRY[large]:,} approvals {slow:.2f} s ÷ {DRY[small]:,} approvals {quick:.2f} s, medians, in turn; "
    how += f"{' and '.join(map(str, sorted(queries)))} queries at both"
    yield Result("policy_dry_run", statistics.median(ratios) if len(queries) == 1 else float("inf"), LINEAR, "at most", how)


# -- the ground --------------------------------------------------------------------------------------------------------------


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
