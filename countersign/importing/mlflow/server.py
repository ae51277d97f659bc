"""Reads an MLflow tracking server over its REST API 2.0, with a session for each thread."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests

from countersign.importing.mlflow.files import DEEPEST, too_large
from countersign.importing.mlflow.records import (
    CONTEXT,
    PARENT,
    Artifact,
    Data,
    Experiment,
    Head,
    NoArtifact,
    NoRun,
    NotMLflow,
    Points,
    Run,
    Unreadable,
    digest,
    finite_or_infinite,
    moment,
    state_of,
)
from countersign.settings import NotSignedIn, site_address
from countersign.transport import CHUNK, Bearer, Unreachable, why_it_failed

JSON = dict[str, Any]
LARGEST = 256 << 20  # bytes of one answer
PAGE, HISTORY = 1_000, 25_000  # runs and points in one answer
EMPTY = 20  # pages without a row, one after the other: some stores filter after they have cut the page
TRIES, SECONDS = 3, 60
_BUSY = {429, 502, 503, 504}


class Server:
    def __init__(self, address: str) -> None:
        try:
            self.name = self._url = site_address(address)
        except NotSignedIn as error:
            raise NotMLflow(
                f"{address.rpartition('@')[2]} is no address of an MLflow server: write it as http://host:5000, and a password "
                "or token into MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN."
            ) from error
        self._known: dict[str, JSON] = {}
        self._own = threading.local()
        self._sessions: list[requests.Session] = []

    def heads(self, *, only: frozenset[str]) -> Iterator[Head | NoRun]:
        for found in self._every("experiments/search", "experiments", {"view_type": "ALL", "max_results": PAGE}):
            name = str(found.get("name", ""))
            if only and name not in only:
                continue
            if found.get("lifecycle_stage") == "deleted":
                yield NoRun(name, "its experiment was deleted in MLflow")
                continue
            experiment = Experiment(str(found.get("experiment_id", "")), name, _pairs(found.get("tags")))
            asked = {"experiment_ids": [experiment.id], "run_view_type": "ALL", "max_results": PAGE}
            for run in self._every("runs/search", "runs", asked):
                yield self._head(run, experiment)

    def trace(self, head: Head) -> str:
        """Of what the search for runs answered: facts, parameters, tags, inputs and the last point of each metric."""
        return digest(["server", self._known[head.run_id]])

    def load(self, head: Head) -> Run:
        found = self._known[head.run_id]
        data = _object(found.get("data"))
        series, notes = {}, []
        for key in sorted({str(one.get("key", "")) for one in _objects(data.get("metrics"))}):
            series[key], lost = self._history(head.run_id, key)
            if lost:
                notes.append(f"metric {key}: {lost:,} answers are no measurement")
        inputs = _objects(_object(found.get("inputs")).get("dataset_inputs"))
        return Run(
            head,
            _pairs(data.get("params")),
            _pairs(data.get("tags")),
            {key: points for key, points in series.items() if len(points)},
            tuple(sorted(map(_data, inputs), key=lambda one: (one.name, one.digest, one.context))),
            tuple(notes),
        )

    def artifacts(self, head: Head) -> Iterator[Artifact | NoArtifact]:
        yield from self._below(head.run_id, "", depth=0)

    def models(self) -> list[str]:
        try:
            found = list(self._every("registered-models/search", "registered_models", {"max_results": 100}, method="GET"))
        except (NotMLflow, Unreadable):  # a server with runs alone
            return []
        return sorted(str(one.get("name", "")) for one in found)

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def _head(self, found: JSON, experiment: Experiment) -> Head | NoRun:
        info = _object(found.get("info"))
        run_id, tags = str(info.get("run_id") or info.get("run_uuid") or ""), _pairs(_object(found.get("data")).get("tags"))
        if not run_id or run_id in self._known:
            return NoRun(run_id or "?", "the server names it twice" if run_id else "the server gives it no id")
        self._known[run_id] = found
        return Head(
            run_id=run_id,
            experiment=experiment,
            name=str(info.get("run_name") or tags.get("mlflow.runName") or ""),
            state=state_of(info.get("status")),
            started=moment(info.get("start_time")),
            ended=moment(info.get("end_time")),
            user=str(info.get("user_id") or tags.get("mlflow.user") or ""),
            deleted=info.get("lifecycle_stage") == "deleted",
            parent=tags.get(PARENT, ""),
        )

    def _history(self, run_id: str, key: str) -> tuple[Points, int]:
        points, lost = Points.empty(), 0
        asked = {"run_id": run_id, "run_uuid": run_id, "metric_key": key, "max_results": HISTORY}
        for one in self._every("metrics/get-history", "metrics", asked, method="GET"):
            try:
                value = finite_or_infinite(float(one["value"]))
                points.add(step=int(one.get("step", 0)), value=value, time=int(one.get("timestamp", 0)))
            except (KeyError, TypeError, ValueError, OverflowError):
                lost += 1
        return points, lost

    def _below(self, run_id: str, folder: str, *, depth: int) -> Iterator[Artifact | NoArtifact]:
        asked = {"run_id": run_id, "run_uuid": run_id} | ({"path": folder} if folder else {})
        try:
            for one in self._every("artifacts/list", "files", asked, method="GET"):
                path = str(one.get("path", ""))
                if not path.startswith(f"{folder}/" if folder else "") or path == folder or depth > DEEPEST:
                    yield NoArtifact(path, "the server names it below a folder in which it cannot lie")
                elif one.get("is_dir"):
                    yield from self._below(run_id, path, depth=depth + 1)
                else:
                    size = str(one.get("file_size", ""))
                    yield Artifact(path, int(size) if size.isdecimal() else -1, partial(self._file, run_id, path))
        except (NotMLflow, Unreadable) as error:
            yield NoArtifact(folder or "*", f"the MLflow server does not list its artifacts: {error}")

    @contextmanager
    def _file(self, run_id: str, path: str, most: int) -> Iterator[Path]:
        """Fetched into a folder that goes again; it ends as soon as more than `most` bytes have come."""
        with tempfile.TemporaryDirectory(prefix="countersign-import-") as folder:
            target, size = Path(folder, "artifact"), 0
            query = {"path": path, "run_uuid": run_id, "run_id": run_id}
            with self._call("GET", "get-artifact", params=query) as answer, target.open("wb") as out:
                try:
                    for chunk in answer.iter_content(CHUNK):
                        size += len(chunk)
                        if size > most:
                            raise Unreadable(too_large(size, most))
                        out.write(chunk)
                except requests.RequestException as error:
                    raise Unreadable(f"the MLflow server broke off: {why_it_failed(error)}") from error
            yield target

    def _every(self, operation: str, rows: str, asked: JSON, *, method: str = "POST") -> Iterator[JSON]:
        """All rows of an answer in pages. A server that gives a token or a page again, or page after page without anything, would
        never end: it is left."""
        seen: set[str] = set()
        token, empty = "", 0
        while True:
            page = {**asked, "page_token": token} if token else asked
            options = {"json": page} if method == "POST" else {"params": page}
            with self._call(method, f"api/2.0/mlflow/{operation}", **options) as answer:
                found = self._object(answer)
            some = _objects(found.get(rows))
            empty = 0 if some else empty + 1
            if some and (content := digest([rows, some])) in seen:
                raise Unreadable("the MLflow server gives the same page again and again")
            yield from some
            token = str(found.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                raise Unreadable("the MLflow server gives the same page again and again")
            if empty == EMPTY:
                raise Unreadable(f"the MLflow server gives {EMPTY} pages without anything, and says that more follow")
            seen |= {token, content} if some else {token}

    def _call(self, method: str, address: str, **options: Any) -> requests.Response:
        for number in range(1, TRIES + 1):
            last = number == TRIES
            try:
                answer = self._session().request(
                    method, f"{self._url}/{address}", stream=True, allow_redirects=False, timeout=SECONDS, **options
                )
            except requests.RequestException as error:
                if last:
                    raise Unreachable(f"The MLflow server {self._url} does not answer: {why_it_failed(error)}.") from error
            else:
                if answer.status_code == 200:
                    return answer
                if last or answer.status_code not in _BUSY:
                    raise self._refusal(answer)
                answer.close()
            time.sleep(number)
        raise AssertionError("the last try returns or raises")

    def _refusal(self, answer: requests.Response) -> Exception:
        with answer:
            status = answer.status_code
            if status in {401, 403}:
                return NotMLflow(
                    f"The MLflow server {self._url} does not let you in ({status}): set MLFLOW_TRACKING_TOKEN, or "
                    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
                )
            try:
                said = str(self._object(answer).get("message", ""))
            except NotMLflow:
                return NotMLflow(f"What answers at {self._url} ({status}) is no MLflow server; look at the address again.")
            return Unreadable(f"the MLflow server answers {status} {said[:300]}".rstrip())

    def _object(self, answer: requests.Response) -> JSON:
        """The JSON object that was answered, as far as it is not endless."""
        try:
            content = answer.raw.read(LARGEST + 1, decode_content=True)
            found = json.loads(content) if len(content) <= LARGEST else None
        except (ValueError, RecursionError, requests.RequestException, OSError) as error:
            raise NotMLflow(f"What answers at {self._url} is no MLflow server; look at the address again.") from error
        except Exception as error:  # of urllib3, below requests: a body cut off or wrongly packed
            raise Unreachable(f"The MLflow server {self._url} broke off in the middle of an answer.") from error
        if not isinstance(found, dict):
            raise NotMLflow(f"What {self._url} answers is larger than {LARGEST >> 20} MiB or no MLflow server's.")
        return found

    def _session(self) -> requests.Session:
        """One for each thread, with the credentials that MLflow's own clients take, for this server alone."""
        if not hasattr(self._own, "session"):
            session = self._own.session = requests.Session()
            self._sessions.append(session)
            session.headers["User-Agent"] = "countersign-import"
            user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
            if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
                session.auth = Bearer(token)
            elif user and password:
                session.auth = (user, password)
        return self._own.session  # type: ignore[no-any-return]  # a thread's own, which has no type


def _object(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[JSON]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _pairs(rows: Any) -> dict[str, str]:
    found = {str(one["key"]): str(one.get("value") or "") for one in _objects(rows) if one.get("key") is not None}
    return dict(sorted(found.items()))


def _data(found: JSON) -> Data:
    facts = _object(found.get("dataset"))
    text = {key: str(facts.get(key) or "") for key in ("name", "digest", "source_type", "source", "schema", "profile")}
    return Data(context=_pairs(found.get("tags")).get(CONTEXT, ""), **text)
