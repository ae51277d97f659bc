"""A small SQLite file that makes gigabytes of nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from countersign.importing.mlflow import Unreadable, open_source
from countersign.importing.mlflow.records import Head

SCHEMA = """
CREATE TABLE experiments (experiment_id, name, lifecycle_stage);
CREATE TABLE runs (run_uuid, experiment_id, name, status, start_time, end_time, user_id, lifecycle_stage, artifact_uri);
CREATE TABLE metrics (run_uuid, key, value, timestamp, step, is_nan);
CREATE TABLE tags (run_uuid, key, value);
CREATE TABLE params (run_uuid, key, value GENERATED ALWAYS AS (hex(zeroblob(100000000))));
INSERT INTO experiments VALUES (1, 'digits', 'active');
INSERT INTO runs VALUES ('r', 1, 'a run', 'FINISHED', 1, 2, 'somebody', 'active', 'file:///etc');
"""


def test_a_column_that_is_computed_does_not_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as base:
        base.executescript(SCHEMA)
        base.execute("INSERT INTO params (run_uuid, key) VALUES ('r', 'lr')")
        base.commit()
    source = open_source(str(file))
    (head,) = source.heads(only=frozenset())
    assert isinstance(head, Head)
    for read in (source.load, source.trace):
        with pytest.raises(Unreadable, match="too big"):
            read(head)
