"""Writes what MLflow writes, by a few lines of the tests' own: an `mlruns` folder, a SQLite file, a server's answers."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

START = 1_700_000_000_000
STATUS = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
LARGEST = 1.7976931348623157e308  # how MLflow's database stores keep an infinity


@dataclass
class Told:
    """A run as a test tells it: `metrics` are {name: [(step, value, time)]}, `data` {name: (digest, context)}."""

    run_id: str
    experiment: str = "vision"
    name: str = "a run"
    status: str = "FINISHED"
    started: int = START
    ended: int | None = START + 60_000
    user: str = "ada"
    deleted: bool = False
    parent: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[tuple[int, float, int]]] = field(default_factory=dict)
    data: dict[str, tuple[str, str]] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)

    @property
    def all_tags(self) -> dict[str, str]:
        return {**self.tags, "mlflow.runName": self.name} | ({"mlflow.parentRunId": self.parent} if self.parent else {})

    def but(self, **other: Any) -> Told:
        return replace(self, **other)


def points(count: int, *, begin: int = 0, value: float = 1.0) -> list[tuple[int, float, int]]:
    return [(step, value / (step + 1), START + 1_000 * step) for step in range(begin, begin + count)]


def run_id(number: int) -> str:
    return f"{number:032x}"


RUNS = [
    Told(
        run_id(1),
        name='parent "x": 한국어',
        params={"lr": "0.01", "optim/name": "adam", "note": "two\nlines ", "empty": ""},
        tags={"team": "vision", "mlflow.source.git.commit": "a" * 40, "mlflow.source.name": "train.py", "mlflow.user": "ada"},
        metrics={
            "train/loss": points(7),
            "odd": [(1, math.nan, START), (2, math.inf, START), (-3, -math.inf, START), (2, 0.1, START + 1)],
        },
        data={"digits": ("748f2bfa", "training"), "test set": ("12345678", "")},
        artifacts={"model/weights.bin": b"\0\1\2", "notes.txt": b"hello"},
    ),
    Told(run_id(2), name="child", parent=run_id(1), status="FAILED", metrics={"acc": points(3)}),
    Told(run_id(3), name="still going", status="RUNNING", ended=None, experiment="speech / day"),
    Told(run_id(4), name="gone", deleted=True),
]


def experiment_ids(runs: list[Told]) -> dict[str, str]:
    return {name: str(number) for number, name in enumerate(dict.fromkeys(run.experiment for run in runs), start=1)}


# -- a folder --------------------------------------------------------------------------------------------------------------


def write_yaml(path: Path, facts: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(yaml.dump(facts, default_flow_style=False, allow_unicode=True, encoding="utf-8", Dumper=yaml.SafeDumper))


def write_text(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def folder(root: Path, runs: list[Told] = RUNS) -> Path:
    for name, key in experiment_ids(runs).items():
        facts = {"artifact_location": f"file://{root}/{key}", "experiment_id": key, "lifecycle_stage": "active", "name": name}
        write_yaml(root / key / "meta.yaml", facts)
        write_text(root / key / "tags" / "note", f"about {name}")
    for run in runs:
        write_run(root, experiment_ids(runs)[run.experiment], run)
    write_yaml(root / "models" / "reader" / "meta.yaml", {"name": "reader"})
    return root


def write_run(root: Path, experiment: str, run: Told) -> Path:
    place = root / experiment / run.run_id
    facts = {
        "artifact_uri": f"file://{place}/artifacts",
        "end_time": run.ended,
        "experiment_id": experiment,
        "lifecycle_stage": "deleted" if run.deleted else "active",
        "run_id": run.run_id,
        "run_name": run.name,
        "start_time": run.started,
        "status": STATUS[run.status],
        "tags": [],
        "user_id": run.user,
    }
    write_yaml(place / "meta.yaml", facts)
    for kind, texts in (("params", run.params), ("tags", run.all_tags)):
        (place / kind).mkdir(exist_ok=True)
        for name, text in texts.items():
            write_text(place / kind / name, text)
    for name, rows in run.metrics.items():
        write_text(place / "metrics" / name, "".join(f"{time} {value} {step}\n" for step, value, time in rows))
    for number, (name, (digest, context)) in enumerate(run.data.items()):
        key = f"{run.run_id[-4:]}{number}"
        facts = {"digest": digest, "name": name, "profile": '{"rows": 2}', "schema": None, "source": "{}", "source_type": "http"}
        write_yaml(root / experiment / "datasets" / key / "meta.yaml", facts)
        tags = {"mlflow.data.context": context} if context else {}
        link = {"source_type": "DATASET", "source_id": key, "destination_type": "RUN", "destination_id": key, "tags": tags}
        write_yaml(place / "inputs" / key / "meta.yaml", link)
    for name, content in run.artifacts.items():
        write_text(place / "artifacts" / name, content)
    return place


# -- a SQLite file ---------------------------------------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time BIGINT, end_time BIGINT, user_id TEXT,
  lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
CREATE TABLE datasets (dataset_uuid TEXT, experiment_id INTEGER, name TEXT, digest TEXT, dataset_source_type TEXT,
  dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
CREATE TABLE registered_models (name TEXT);
INSERT INTO registered_models VALUES ('reader');
"""


def database(path: Path, runs: list[Told] = RUNS) -> Path:
    with closing(sqlite3.connect(path)) as base, base:
        base.executescript(SCHEMA)
        ids = experiment_ids(runs)
        for name, key in ids.items():
            base.execute("INSERT INTO experiments VALUES (?, ?, ?, 'active')", (int(key), name, "mlflow-artifacts:/" + key))
            base.execute("INSERT INTO experiment_tags VALUES ('note', ?, ?)", (f"about {name}", int(key)))
        for run in runs:
            key = int(ids[run.experiment])
            stage, uri = "deleted" if run.deleted else "active", f"mlflow-artifacts:/{key}/{run.run_id}/artifacts"
            row = (run.run_id, run.name, run.status, run.started, run.ended, run.user, stage, uri, key)
            base.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            base.executemany("INSERT INTO params VALUES (?, ?, ?)", [(*pair, run.run_id) for pair in run.params.items()])
            base.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(*pair, run.run_id) for pair in run.all_tags.items()])
            for name, rows in run.metrics.items():
                kept = [(name, *_sql(value), time, run.run_id, step) for step, value, time in rows]
                base.executemany("INSERT INTO metrics VALUES (?1, ?2, ?4, ?5, ?6, ?3)", kept)
            for number, (name, (digest, context)) in enumerate(run.data.items()):
                uuid = f"{run.run_id[-4:]}{number}"
                facts = (uuid, key, name, digest, "http", "{}", None, '{"rows": 2}')
                base.execute("INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", facts)
                base.execute("INSERT INTO inputs VALUES (?, 'DATASET', ?, 'RUN', ?)", (uuid, uuid, run.run_id))
                if context:
                    base.execute("INSERT INTO input_tags VALUES (?, 'mlflow.data.context', ?)", (uuid, context))
            for name, content in run.artifacts.items():
                write_text(path.parent / "mlartifacts" / str(key) / run.run_id / "artifacts" / name, content)
    return path


def _sql(value: float) -> tuple[float, bool]:
    if math.isnan(value):
        return 0.0, True
    return (math.copysign(LARGEST, value) if math.isinf(value) else value), False


# -- a server --------------------------------------------------------------------------------------------------------------


class Answers:
    """What an MLflow server answers about `runs`, a page of two rows at a time."""

    def __init__(self, runs: list[Told]) -> None:
        self.runs = {run.run_id: run for run in runs}
        self.ids = experiment_ids(runs)
        self.asked: list[str] = []
        self.instead: dict[str, tuple[int, bytes]] = {}  # operation -> what it answers in place of the truth
        self.authorization = ""

    def answer(self, operation: str, query: dict[str, Any]) -> Any:
        if operation == "experiments/search":
            tags = {name: [{"key": "note", "value": f"about {name}"}] for name in self.ids}
            rows = [
                {"experiment_id": key, "name": name, "lifecycle_stage": "active", "tags": tags[name]}
                for name, key in self.ids.items()
            ]
            return self.page("experiments", rows, query)
        if operation == "runs/search":
            wanted = query["experiment_ids"]
            return self.page("runs", [self.run(one) for one in self.runs.values() if self.ids[one.experiment] in wanted], query)
        if operation == "metrics/get-history":
            rows = self.runs[query["run_id"]].metrics[query["metric_key"]]
            return self.page("metrics", [self.metric(query["metric_key"], row) for row in rows], query)
        if operation == "artifacts/list":
            return self.page("files", self.files(self.runs[query["run_id"]], query.get("path", "")), query)
        if operation == "registered-models/search":
            return {"registered_models": [{"name": "reader"}]}
        raise KeyError(operation)

    def page(self, name: str, rows: list[Any], query: dict[str, Any]) -> dict[str, Any]:
        start = int(query.get("page_token", 0))
        more = {"next_page_token": str(start + 2)} if start + 2 < len(rows) else {}
        return {name: rows[start : start + 2], **more}

    def metric(self, key: str, row: tuple[int, float, int]) -> dict[str, Any]:
        step, value, time = row
        text = "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else value
        return {"key": key, "value": text, "timestamp": time, "step": str(step)}  # both forms of whole numbers are seen

    def run(self, told: Told) -> dict[str, Any]:
        info = {
            "run_id": told.run_id,
            "run_uuid": told.run_id,
            "run_name": told.name,
            "status": told.status,
            "start_time": told.started,
            "user_id": told.user,
            "lifecycle_stage": "deleted" if told.deleted else "active",
        } | ({"end_time": told.ended} if told.ended else {})
        pairs = {
            kind: [{"key": key, "value": value} for key, value in texts.items()]
            for kind, texts in (("params", told.params), ("tags", told.all_tags))
        }
        last = [self.metric(key, rows[-1]) for key, rows in told.metrics.items()]
        data = [
            {
                "tags": [{"key": "mlflow.data.context", "value": context}] if context else [],
                "dataset": {"name": name, "digest": digest, "source_type": "http", "source": "{}", "profile": '{"rows": 2}'},
            }
            for name, (digest, context) in told.data.items()
        ]
        return {"info": info, "data": {"metrics": last, **pairs}, "inputs": {"dataset_inputs": data}}

    def files(self, told: Told, below: str) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for path, content in told.artifacts.items():
            if below and not path.startswith(below + "/"):
                continue
            rest = path[len(below) + 1 :] if below else path
            first, _, deeper = rest.partition("/")
            name = f"{below}/{first}" if below else first
            found[name] = {"path": name, "is_dir": True} if deeper else {"path": name, "is_dir": False, "file_size": len(content)}
        return list(found.values())


@contextmanager
def server(runs: list[Told] = RUNS) -> Iterator[tuple[str, Answers]]:
    """An address at which `runs` are answered, and what answers there."""
    answers = Answers(runs)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            if parts.path == "/get-artifact":
                self.say(200, answers.runs[query["run_id"]].artifacts[query["path"]])
            else:
                self.tell(parts.path, query)

        def do_POST(self) -> None:
            self.tell(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def tell(self, path: str, query: dict[str, Any]) -> None:
            operation = path.removeprefix("/api/2.0/mlflow/")
            answers.asked.append(operation)
            answers.authorization = self.headers.get("Authorization", "")
            if operation in answers.instead:
                self.say(*answers.instead[operation])
                return
            try:
                self.say(200, json.dumps(answers.answer(operation, query)).encode())
            except KeyError as error:
                self.say(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"No {error}"}).encode())

        def say(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as held:
        thread = threading.Thread(target=held.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{held.server_port}", answers
        finally:
            held.shutdown()
            thread.join()
