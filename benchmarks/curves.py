"""A page that follows a training: its figures with a curve of 1,000,000 points against the same with 10,000.

Both runs go on while they are watched: before each request a hundred points are added to either, as a client adds them. The
requests go through the whole server (routing, session, database, cache, picture, template) in turns in one process.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.results import Result, timed

MANY, FEW = 1_000_000, 10_000  # points
BATCH = 1_000  # points that a client sends at once
ADDED, ROUNDS = 100, 25
TIMES = 1.5


def measure(_folder: Path) -> list[Result]:
    import numpy as np  # noqa: PLC0415 - only here
    from django.test import Client  # noqa: PLC0415 - models can be imported once Django is set up

    person, runs = _runs()
    noise = np.random.default_rng(0).normal(size=MANY + ROUNDS * ADDED)
    sent = {}
    for run, count in zip(runs, (MANY, FEW), strict=True):
        for first in range(0, count, BATCH):
            _log(run, person, noise, first, BATCH)
        sent[run.pk] = count
    client = Client(headers={"host": "127.0.0.1", "HX-Request": "true"})
    client.force_login(person)
    client.get("/runs/")  # what a process does once, it has done
    cold = [_asked(client, run) for run in runs]
    pairs = []
    for _ in range(ROUNDS):
        pair = []
        for run in runs:
            _log(run, person, noise, sent[run.pk], ADDED)
            sent[run.pk] += ADDED
            pair.append(_asked(client, run))
        pairs.append(pair)
    many, few = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    how = (
        f"figures of a run that goes on, {ADDED} points added before each request: {many:.1f} ms with {MANY:,} points ÷ "
        f"{few:.1f} ms with {FEW:,}; medians of {ROUNDS} rounds in turns; seen for the first time "
        f"{cold[0] * 1000:.0f} and {cold[1] * 1000:.0f} ms"
    )
    return [Result("curves", statistics.median(one / other for one, other in pairs), TIMES, "at most", how)]


def _runs() -> tuple[Any, list[Any]]:
    from accounts.models import Role  # noqa: PLC0415 - as above
    from accounts.services import grant_role, make_person, make_team  # noqa: PLC0415 - as above
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above
    from tracking.services import start_run  # noqa: PLC0415 - as above

    team = make_team(by=INSTALLER, name="Curves")
    person = make_person(by=INSTALLER, email="curves@example.org", name="Curves")
    grant_role(person, by=INSTALLER, role=Role.DATA_SCIENTIST, team=team)
    return person, [start_run(team, by=person, name=name) for name in ("many", "few")]


def _log(run: Any, person: Any, values: Any, first: int, count: int) -> None:
    from tracking.services import log  # noqa: PLC0415 - as above

    part = values[first : first + count].tolist()
    log(run, by=person, series=[{"name": "train/loss", "steps": list(range(first, first + count)), "values": part}])


def _asked(client: Any, run: Any) -> float:
    """Seconds until the figures were answered."""
    with timed() as watch:
        answer = client.get(f"/runs/{run.pk}/")
    assert answer.status_code == 200 and b'class="line-chart"' in answer.content, answer.status_code
    return watch.seconds
