"""Training runs over REST, one thin function for each operation. `start_run` and the importers send through these.

Each raises `Refused` or `Unreachable` (`countersign.transport`). Sending again is safe: a start with a known `source` answers
with the run that there is, and a batch whose number was heard before is acknowledged and ignored.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from countersign.transport import JSON, Transport

FINISHED, FAILED, KILLED = "finished", "failed", "killed"
STATES = (FINISHED, FAILED, KILLED)
_CODES = {"steps": "q", "values": "d", "times": "q"}  # int64, float64, int64: eight bytes each on every machine
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class NoTeam(ValueError):
    """No team of this name is seen, or several and none was named; the message says which there are."""


def packed(
    name: str, steps: Iterable[int], values: Iterable[float], times: Iterable[int] | None = None, *, unit: str = ""
) -> JSON:
    """The points of one series as `log` sends them: a third of the bytes of lists, and exact for NaN and infinities.

    `times` are milliseconds since 1970; without them every point has the time 0, which means unknown.
    """
    columns = {"steps": array("q", steps), "values": array("d", values)}
    columns["times"] = array("q", bytes(8 * len(columns["steps"]))) if times is None else array("q", times)
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError(f"The series {name} needs as many steps as values and as times.")
    return {"name": name, "unit": unit, "packed": {key: _text(column) for key, column in columns.items()}}


def points(series: Mapping[str, Any]) -> tuple[array[int], array[float], array[int]]:
    """Steps, values and times of a series, packed or in lists."""
    if "packed" in series:
        steps, values, times = (_column(code, series["packed"][key]) for key, code in _CODES.items())
    else:
        steps = array("q", series["steps"])
        values = array("d", [_NOT_FINITE[value] if isinstance(value, str) else value for value in series["values"]])
        times = array("q", series.get("times") or bytes(8 * len(steps)))
    return steps, values, times


def start_run(site: Transport, *, team: str, name: str = "", **facts: Any) -> JSON:
    """An open run: `experiment, parent, origin, source, params, tags, code, environment, training, started_at` as the API has
    them. With an `origin` and `source` that the team has a run of already, the answer is that run."""
    return site.post("runs/", {"state": "running", "team": team, "name": name, **_written(facts)})


def log(site: Transport, run: str, *, batch: tuple[str, int] | None = None, **facts: Any) -> JSON:
    """Add `params, tags, code, environment, training, data, series` to an open run; without any it is a heartbeat.
    `batch` is (writer, number): numbers of one writer ascend, and one that was heard already changes nothing."""
    body = _written(facts)
    if batch is not None:
        body["batch"] = {"writer": batch[0], "number": batch[1]}
    return site.post(f"runs/{_part(run)}/log/", body)


def end_run(
    site: Transport, run: str, *, state: str = FINISHED, ended_at: datetime | str | None = None, training: JSON | None = None
) -> JSON:
    """The run has ended as `finished`, `failed` or `killed`."""
    return site.post(f"runs/{_part(run)}/end/", {"state": state, **_written({"ended_at": ended_at, "training": training})})


def reopen_run(site: Transport, run: str) -> JSON:
    """A run that had ended is running again."""
    return site.post(f"runs/{_part(run)}/reopening/", {})


def send_artifact(
    site: Transport, run: str, path: str, file: Path, *, progress: Callable[[int, int], None] | None = None
) -> JSON:
    """Keep a file under `path` (relative, with "/") in the run; answers {path, digest, size}."""
    return site.send(_artifact(run, path), file, progress=progress)


def fetch_artifact(site: Transport, run: str, path: str, target: Path) -> str:
    """Save an artifact as `target`; returns its digest."""
    return site.fetch(_artifact(run, path), target)


def artifacts(site: Transport, run: str, *, prefix: str = "") -> Iterator[JSON]:
    """{path, digest, size} of everything that is kept below `prefix`."""
    return site.every(f"runs/{_part(run)}/artifacts/", **({"prefix": prefix} if prefix else {}))


def run(site: Transport, pk: str) -> JSON:
    """What the run says of itself, with a summary of each series."""
    return site.get(f"runs/{_part(pk)}/")


def series(site: Transport, run: str, *, name: str = "", points: int | None = None) -> JSON:
    """The curves of a run, or the one called `name`; thinned to about `points` each, whole without it.

    The site gives long curves in parts; here each is one again.
    """
    query: dict[str, Any] = ({"name": name} if name else {}) | ({} if points is None else {"points": points})
    page = site.get(f"runs/{_part(run)}/series/", **query)
    found: dict[str, JSON] = {}
    while True:
        for part in page["series"]:
            whole = found.setdefault(part["name"], part)
            if whole is not part:
                for column in ("steps", "values", "times"):
                    whole[column] += part[column]
        following = page.get("next")  # a site of an earlier version gives everything at once
        if not following:
            return {"series": list(found.values())}
        page = site.get(following.split("/api/v1/", 1)[-1])


def runs(site: Transport, **query: Any) -> Iterator[JSON]:
    """The runs that you may see: `team, experiment, filter, order`."""
    return site.every("runs/", **{key: value for key, value in query.items() if value not in (None, "")})


def team_id(site: Transport, named: str = "") -> str:
    """The id of the team of this name, slug or id. Without a name: your only one; raises `NoTeam` where that is unclear."""
    teams = list(site.get("me/")["teams"])
    wanted = named.strip().lower()
    found = [team for team in teams if wanted in {str(team["id"]), str(team["slug"]).lower(), str(team["name"]).lower()}]
    if not named and len(teams) == 1:
        found = teams
    if len(found) == 1:
        return str(found[0]["id"])
    known = ", ".join(sorted(str(team["slug"]) for team in teams)) or "none"
    raise NoTeam(f"There is no team {named} that you see; yours: {known}." if named else f"Name a team; yours: {known}.")


def _artifact(run: str, path: str) -> str:
    if any(part in {"", ".", ".."} for part in path.split("/")):  # the way there would drop them, and another file be meant
        raise ValueError(f"{path!r} is no path of an artifact: give names with / between them, without “..”.")
    return f"runs/{_part(run)}/artifacts/{quote(path)}"


def _part(pk: str) -> str:
    return quote(str(pk), safe="")


def _written(facts: Mapping[str, Any]) -> JSON:
    """Without what was not given; moments as text, in UTC where they carry a zone."""
    given = {key: value for key, value in facts.items() if value not in (None, "", {}, [], ())}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in given.items()}


def _text(column: array[Any]) -> str:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return base64.b64encode(column).decode("ascii")


def _column(code: str, text: str) -> array[Any]:
    column: array[Any] = array(code, base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        column.byteswap()
    return column
