"""A folder of 1,000 MLflow runs: read against MLflow's own reader, and taken in by a running site."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from benchmarks.results import Result, timed
from benchmarks.web import web_process
from config.setup.clients import client
from countersign.importing.mlflow import open_source
from countersign.importing.mlflow.records import Head

RUNS, METRICS, STEPS = 1_000, 50, 100
TIMES_AS_FAST = 5.0  # as MLflow's own reader: each run and the history of each of its metrics

META = """artifact_uri: file://{place}/artifacts
end_time: 1700000100000
entry_point_name: ''
experiment_id: '1'
lifecycle_stage: active
run_id: '{run_id}'
run_name: run-{number}
source_name: ''
source_type: 4
source_version: ''
start_time: 1700000000000
status: 3
tags: []
user_id: bench
"""

THEIRS = """
import os, sys, time
from mlflow.store.tracking.file_store import FileStore
root = sys.argv[1]
runs = [name for name in os.listdir(root + "/1") if name != "meta.yaml"]
begun, points = time.perf_counter(), 0
store = FileStore(root)
for run_id in runs:
    run = store.get_run(run_id)
    for key in run.data.metrics:
        points += len(store.get_metric_history(run_id, key))
print(points, time.perf_counter() - begun)
"""


def measure(folder: Path) -> list[Result]:
    root = make_folder(folder / "mlruns")
    points = RUNS * METRICS * STEPS
    with timed() as ours:
        assert _read(root) == points
    theirs = _theirs(root, points)
    whole = _taken_in(folder, root)
    size = f"{RUNS:,} runs × {METRICS} metrics × {STEPS} steps"
    how = (
        f"{size} read by MLflow's own reader in {theirs:.1f} s ÷ by ours in {ours.seconds:.1f} s, one process each; "
        f"read, sent and kept by a running site in {whole:.1f} s ({RUNS / whole:.1f} runs a second)"
    )
    return [Result("mlflow_import", theirs / ours.seconds, TIMES_AS_FAST, "at least", how)]


def make_folder(root: Path) -> Path:
    """What MLflow's file store writes, written at once: MLflow itself takes an hour for it."""
    chance = random.Random(4)  # noqa: S311 - numbers of a benchmark
    (root / "1").mkdir(parents=True)
    facts = f"artifact_location: file://{root}/1\nexperiment_id: '1'\nlifecycle_stage: active\nname: bench\n"
    (root / "1" / "meta.yaml").write_text(facts)
    for number in range(RUNS):
        place = root / "1" / f"{number + 1:032x}"
        for kind in ("metrics", "params", "tags", "artifacts"):
            (place / kind).mkdir(parents=True)
        (place / "meta.yaml").write_text(META.format(place=place, run_id=place.name, number=number))
        for key in range(10):
            (place / "params" / f"p{key}").write_text(str(chance.random()))
        (place / "tags" / "mlflow.runName").write_text(f"run-{number}")
        for key in range(METRICS):
            lines = [f"{1_700_000_000_000 + 1_000 * step} {chance.random()} {step}\n" for step in range(STEPS)]
            (place / "metrics" / f"m{key:02d}").write_text("".join(lines))
    return root


def _read(root: Path) -> int:
    source = open_source(str(root))
    heads = [head for head in source.heads(only=frozenset()) if isinstance(head, Head)]
    return sum(len(points) for head in heads for points in source.load(head).series.values())


def _theirs(root: Path, points: int) -> float:
    """Seconds that MLflow took, counted once it was imported."""
    quiet = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    words = [str(client("mlflow3").python), "-W", "ignore", "-c", THEIRS, str(root)]
    done = subprocess.run(words, env=os.environ | quiet, capture_output=True, text=True, check=True)
    read, seconds = done.stdout.split()
    assert int(read) == points
    return float(seconds)


def _taken_in(folder: Path, root: Path) -> float:
    """Seconds that `countersign import mlflow` took, from its start to its end."""
    key = _key()
    with web_process(folder, os.environ) as web, timed() as watch:
        own = os.environ | {"COUNTERSIGN_URL": f"http://127.0.0.1:{web.port}", "COUNTERSIGN_KEY": key}
        words = [sys.executable, "-m", "countersign", "import", "mlflow", str(root), "--json"]
        done = subprocess.run(words, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f'"points": {RUNS * METRICS * STEPS}' in done.stdout, done.stdout[:2000]
    return watch.seconds


def _key() -> str:
    """The text of a key with which a data scientist's runs may come in."""
    from accounts.models import Role  # noqa: PLC0415 - models can be imported once Django is set up
    from accounts.services import grant_role, make_key, make_person, make_team  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above

    team = make_team(by=INSTALLER, name="Import bench")
    person = make_person(by=INSTALLER, email="import@example.org", name="Import")
    grant_role(person, by=INSTALLER, role=Role.DATA_SCIENTIST, team=team)
    _made, text = make_key(person, by=INSTALLER, name="bench", scopes=["read", "submit"], expires_at=now() + timedelta(days=1))
    return text
