"""Reads the SQLite file of an MLflow 1.30 to 3 tracking store. It is opened read-only: nothing in it or beside it is written."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from countersign.importing.mlflow import files
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

TABLES = {"experiments", "runs", "metrics", "params", "tags"}  # the ones that must be there; about fifty others are none of ours
LONGEST = 64 << 20  # bytes of one value: a column that is computed could make gigabytes of nothing


class Database:
    def __init__(self, path: Path, *, artifacts: Path | None = None) -> None:
        self.name = str(path)
        self._path = path.resolve()
        self._wal = files.beginning(self._path, 20)[18:] == b"\2\2"  # as the file's header says
        try:
            with closing(self._connect()) as base:
                tables = {str(name) for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.Error as error:
            raise NotMLflow(f"{path} cannot be read as SQLite: {error}.") from error
        if missing := TABLES - tables:
            raise NotMLflow(f"{path} is no MLflow database: it has no table {', '.join(sorted(missing))}.")
        self._tables = tables
        beside = [self._path.parent / name for name in ("mlruns", "mlartifacts")]
        self._roots = [artifacts.resolve()] if artifacts else [one for one in beside if one.resolve() == one and one.is_dir()]
        self._addresses: dict[str, str] = {}

    def heads(self, *, only: frozenset[str]) -> Iterator[Head | NoRun]:
        try:
            yield from self._heads(only)
        except sqlite3.Error as error:
            raise NotMLflow(f"{self.name} cannot be read on: {error}.") from error

    def _heads(self, only: frozenset[str]) -> Iterator[Head | NoRun]:
        with closing(self._connect()) as base:
            experiments = {}
            for key, name, stage in base.execute("SELECT experiment_id, name, lifecycle_stage FROM experiments ORDER BY 1"):
                if only and str(name) not in only:
                    continue
                if stage == "deleted":
                    yield NoRun(str(name), "its experiment was deleted in MLflow")
                    continue
                tags = self._pairs(base, "experiment_tags", "experiment_id", key)
                experiments[key] = Experiment(str(key), str(name), tags)
            parents = dict(base.execute("SELECT run_uuid, value FROM tags WHERE key = ?", (PARENT,)))
            rows = base.execute(
                "SELECT run_uuid, experiment_id, name, status, start_time, end_time, user_id, lifecycle_stage, artifact_uri"
                " FROM runs ORDER BY experiment_id, start_time, run_uuid"
            )
            for key, of, name, status, started, ended, user, stage, address in rows:
                if of not in experiments:
                    continue
                run_id = str(key)
                self._addresses[run_id] = str(address or "")
                yield Head(
                    run_id=run_id,
                    experiment=experiments[of],
                    name=str(name or ""),
                    state=state_of(status),
                    started=moment(started),
                    ended=moment(ended),
                    user=str(user or ""),
                    deleted=stage == "deleted",
                    parent=str(parents.get(key) or ""),
                )

    def trace(self, head: Head) -> str:
        counted = "SELECT key, COUNT(*), MAX(rowid) FROM metrics WHERE run_uuid = ? GROUP BY key ORDER BY key"
        with self._reading() as base:
            row = base.execute("SELECT * FROM runs WHERE run_uuid = ?", (head.run_id,)).fetchone()
            pairs = [self._pairs(base, table, "run_uuid", head.run_id) for table in ("params", "tags")]
            return digest(["sqlite", row, pairs, base.execute(counted, (head.run_id,)).fetchall(), self._inputs(base, head)])

    def load(self, head: Head) -> Run:
        with self._reading() as base:
            notes: list[str] = []
            params = self._pairs(base, "params", "run_uuid", head.run_id)
            tags = self._pairs(base, "tags", "run_uuid", head.run_id)
            series = self._series(base, head.run_id, notes)
            return Run(head, params, tags, series, self._inputs(base, head), tuple(notes))

    def artifacts(self, head: Head) -> Iterator[Artifact | NoArtifact]:
        yield from files.artifacts_of(self._addresses[head.run_id], head, self._roots)

    def models(self) -> list[str]:
        if "registered_models" not in self._tables:
            return []
        with self._reading() as base:
            return [str(name) for (name,) in base.execute("SELECT name FROM registered_models ORDER BY name")]

    def close(self) -> None:
        pass  # each reading opens and closes the file

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as base:
                yield base
        except sqlite3.Error as error:
            raise Unreadable(f"the database cannot be read there: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        """Read-only. Without `immutable` SQLite would make two files beside one in WAL mode that nobody has open."""
        address = f"file:{quote(str(self._path))}?mode=ro"
        if self._wal and not self._path.with_name(self._path.name + "-wal").exists():
            address += "&immutable=1"
        base = sqlite3.connect(address, uri=True, timeout=10)
        base.text_factory = lambda text: text.decode("utf-8", "replace")
        base.execute("PRAGMA trusted_schema = OFF")  # a schema that others wrote runs no functions
        base.execute("PRAGMA query_only = ON")
        base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        return base

    def _pairs(self, base: sqlite3.Connection, table: str, of: str, key: Any) -> dict[str, str]:
        if table not in self._tables:
            return {}
        rows = base.execute(f"SELECT key, value FROM {table} WHERE {of} = ? ORDER BY key", (key,))  # noqa: S608 - names of ours
        return {str(name): "" if value is None else str(value) for name, value in rows}

    def _series(self, base: sqlite3.Connection, run_id: str, notes: list[str]) -> dict[str, Points]:
        found: dict[str, Points] = {}
        lost: dict[str, int] = {}
        rows = base.execute(
            "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY rowid", (run_id,)
        )
        for key, value, time, step, is_nan in rows:
            points = found.setdefault(str(key), Points.empty())
            try:
                number = math.nan if is_nan else finite_or_infinite(float(value))
                points.add(step=int(step), value=number, time=int(time))
            except (TypeError, ValueError, OverflowError):
                lost[str(key)] = lost.get(str(key), 0) + 1
        notes += [f"metric {key}: {count:,} rows are no measurement" for key, count in sorted(lost.items())]
        return {key: points for key, points in sorted(found.items()) if len(points)}

    def _inputs(self, base: sqlite3.Connection, head: Head) -> tuple[Data, ...]:
        if not {"inputs", "input_tags", "datasets"} <= self._tables:  # before MLflow 2.4
            return ()
        rows = base.execute(
            "SELECT d.name, d.digest, t.value, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile"
            " FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
            " LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = ?"
            " WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ? ORDER BY 1, 2, 3",
            (CONTEXT, head.run_id),
        )
        texts = [["" if value is None else str(value) for value in row] for row in rows]
        return tuple(
            Data(name=name, digest=digest, context=context, source_type=kind, source=source, schema=schema, profile=profile)
            for name, digest, context, kind, source, schema, profile in texts
        )
