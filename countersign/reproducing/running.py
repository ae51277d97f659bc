"""Runs the recorded training again, and reads what it recorded: with Countersign's SDK or with MLflow's client, and no site."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.importing.mlflow.folder import Folder
from countersign.importing.mlflow.records import Head, NotMLflow
from countersign.importing.mlflow.records import Unreadable as UnreadableRun
from countersign.reproducing import project
from countersign.reproducing.problem import CannotReproduce, TrainingFailed
from countersign.reproducing.recorded import Recorded
from countersign.tracking import api
from countersign.tracking.spool import Unreadable, read, spools

# None of it reaches the code that runs: it belongs to the person's own site and servers, and some of it is a key.
_KEPT_BACK = re.compile(r"COUNTERSIGN_|MLFLOW_|DATABRICKS_|VIRTUAL_ENV\Z|PYTHONHOME\Z")
_SCRIPT = re.compile(r"[^\0]+\.py\Z")


@dataclass
class Reproduced:
    """What the new run recorded."""

    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)  # path in the run: where it lies


def command_of(
    run: Recorded,
    python: Path,
    code: Path,
    *,
    known: project.Project | None,
    entry: str = "",
    arguments: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> list[str]:
    """The words of the program that trains: an entry point of the MLproject, or the recorded training file."""
    values = {**run.params, **(params or {})}
    if known and arguments is None:
        wanted = entry or run.tags.get("mlflow.project.entryPoint", "") or "main"
        return ["/bin/sh", "-c", known.entry(wanted).line(values)]
    script = entry or run.script
    if not script:
        raise CannotReproduce("The run recorded neither an MLproject nor a training file; name the script: --entry train.py")
    if not _SCRIPT.match(script):
        raise CannotReproduce(f"{script} is no Python script that can be run from here; name one: --entry train.py")
    file = (code / script).resolve()
    if not file.is_relative_to(code.resolve()) or not file.is_file():
        raise CannotReproduce(f"The commit has no file {script}; name the script: --entry train.py")
    given = _arguments(arguments if arguments is not None else run.arguments, values)
    seed = str(run.seeds.get("torch", ""))
    return [str(python), str(_seeded(code.parent)), seed if re.fullmatch(r"-?[0-9]{1,20}", seed) else "-", str(file), *given]


def train(run: Recorded, command: list[str], work: Path, *, python: Path, cwd: Path, log: Path) -> None:
    """The program has run to its end; its words stand in `log`. Raises `TrainingFailed` where it ended with an error."""
    variables = {name: value for name, value in os.environ.items() if not _KEPT_BACK.match(name)}
    variables |= {
        "COUNTERSIGN_OFFLINE": str(work / "recorded-here"),
        "MLFLOW_TRACKING_URI": (work / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",  # MLflow 3 asks for it
        "PATH": os.pathsep.join([str(python.parent), variables.get("PATH", os.defpath)]),
    }
    if str(run.seeds.get("hash", "")).isdigit():
        variables["PYTHONHASHSEED"] = str(run.seeds["hash"])
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                command, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False
            )
        except OSError as error:
            raise TrainingFailed(f"{command[0]} cannot be run ({error.strerror}).") from error
    if done.returncode != 0:
        last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:300]
        raise TrainingFailed(f"The training ended with code {done.returncode} ({last}); all that it said is in {log}.")


def collect(run: Recorded, work: Path) -> Reproduced:
    """What was recorded in `work`; of several runs the one with the recorded name, else the first."""
    found = spools(work / "recorded-here") if (work / "recorded-here").is_dir() else []
    if found:
        try:
            said = {folder: read(folder) for folder in found}
        except Unreadable as error:
            raise TrainingFailed(f"What the training recorded cannot be read: {error}") from error
        chosen = next((one for one in found if said[one][0].get("facts", {}).get("name") == run.name), found[0])
        return _of_spool(chosen, said[chosen])
    if (work / "mlruns").is_dir():
        return _of_mlflow(run, work / "mlruns")
    raise TrainingFailed("The training recorded nothing: it called neither countersign.start_run nor MLflow.")


def _of_spool(folder: Path, lines: list[dict[str, Any]]) -> Reproduced:
    made = Reproduced(params=dict(lines[0].get("facts", {}).get("params", {})))
    last: dict[str, tuple[int, int]] = {}
    for line in lines[1:]:
        facts = line.get("facts", {})
        made.params.update(facts.get("params", {}))
        for series in facts.get("series", ()):
            for step, value, time in zip(*api.points(series), strict=True):
                if (step, time) >= last.get(series["name"], (step, time)):
                    last[series["name"]] = (step, time)
                    made.metrics[series["name"]] = value
        if line["kind"] == "artifact":
            copy = folder / "files" / str(line["number"])
            made.files[line["path"]] = copy if copy.exists() else Path(line["file"])
    return made


def _of_mlflow(run: Recorded, folder: Path) -> Reproduced:
    try:
        source = Folder(folder)
        heads = [head for head in source.heads(only=frozenset()) if isinstance(head, Head)]
        heads.sort(key=lambda head: (head.name != run.name, bool(head.parent), head.started or 0))
        if not heads:
            raise TrainingFailed("The training recorded nothing: it started no run of MLflow.")
        loaded = source.load(heads[0])
    except (NotMLflow, UnreadableRun) as error:
        raise TrainingFailed(f"What the training recorded with MLflow cannot be read: {error}") from error
    made = Reproduced(params=dict(loaded.params))
    for name, points in loaded.series.items():
        if len(points):
            made.metrics[name] = max(points.rows(), key=lambda row: (row[0], row[2]))[1]
    kept = next(folder.glob(f"*/{heads[0].run_id}/artifacts"), None)
    for file in sorted(kept.rglob("*")) if kept else ():
        if file.is_file() and not file.is_symlink():
            made.files[file.relative_to(kept).as_posix()] = file  # type: ignore[arg-type]  # there are none without it
    return made


def _arguments(text: str, values: Mapping[str, Any]) -> list[str]:
    """The words behind the script; {name} stands for the value of a recorded parameter."""
    try:
        words = [str(word) for word in json.loads(text)] if text.startswith("[") else shlex.split(text)
    except ValueError as error:
        raise CannotReproduce(f"The arguments cannot be read ({error}).") from error

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise CannotReproduce(f"The run recorded no parameter {found[1]}; give it: -P {found[1]}=VALUE")
        return str(values[found[1]])

    return [re.sub(r"\{([A-Za-z_][\w.-]*)\}", value, word) for word in words] if not text.startswith("[") else words


def _seeded(work: Path) -> Path:
    """The starter that sets torch's seed. A copy, because the environment of the training may hold no countersign."""
    target = work / "seeded.py"
    shutil.copyfile(Path(__file__).with_name("seeded.py"), target)
    return target
