"""The whole way: facts, commit, changes, environment, training, comparison. Everything lies in one new folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from countersign.capturing.captured import PROJECT
from countersign.capturing.code import PATCH
from countersign.reproducing import comparing, environments, project, running, tensors
from countersign.reproducing.checkout import apply_patch, check_out, check_patch
from countersign.reproducing.comparing import Metric, Tolerances
from countersign.reproducing.environments import Environment
from countersign.reproducing.problem import CannotReproduce
from countersign.reproducing.recorded import ENVIRONMENT, Recorded, fetch
from countersign.reproducing.tensors import Checkpoint
from countersign.transport import Transport

Say = Callable[[str], None]
LARGEST = 8 << 30  # bytes of a checkpoint that is fetched to be compared


@dataclass(frozen=True)
class Choice:
    """What the person asked for."""

    folder: Path
    repository: str = ""
    environment: str = environments.AUTO
    changes: bool = True
    entry: str = ""
    arguments: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tolerances: Tolerances = field(default_factory=Tolerances)
    checkpoint: str = ""  # path of an artifact; else every one that both have


@dataclass
class Result:
    """What came out. `holds` only where something could be compared, and all of it is within its tolerance."""

    run: Recorded
    folder: Path
    environment: Environment
    metrics: list[Metric]
    checkpoints: list[Checkpoint]
    params: list[dict[str, Any]]  # [{name, recorded, reproduced}] that differ
    notes: list[str]

    @property
    def holds(self) -> bool:
        compared = any(one.verdict in {"within", "outside", "missing"} for one in self.metrics) or bool(self.checkpoints)
        return compared and all(one.holds for one in self.metrics) and all(one.holds for one in self.checkpoints)

    def as_json(self) -> dict[str, Any]:
        said = {
            "run": self.run.id,
            "name": self.run.name,
            "commit": self.run.commit,
            "folder": str(self.folder),
            "within_tolerance": self.holds,
            "metrics": [asdict(one) for one in self.metrics],
            "checkpoints": [asdict(one) | {"equal": one.digest == one.recorded_digest} for one in self.checkpoints],
            "params": self.params,
            "environment": {"source": self.environment.source, "differs": self.environment.differs},
            "notes": self.notes,
        }
        return dict(_written(said))


def steps(run: Recorded, choice: Choice) -> list[str]:
    """What will be done, in sentences, for the person to agree to."""
    source = choice.repository or run.remote or "no repository (name one: --repository PATH)"
    said = [f"This runs the code of commit {run.commit[:12]} of {source} on this machine, with your rights."]
    if run.dirty and choice.changes and run.patch:
        said.append(f"The changes that were not committed then are applied first ({run.patch['size']:,} bytes, {PATCH}).")
    if choice.environment != environments.CURRENT:
        said.append("An environment is made for it, with the packages that the run recorded.")
    return [*said, f"Everything lies in {choice.folder}."]


def reproduce(site: Transport, run: Recorded, choice: Choice, *, say: Say) -> Result:
    """The run was trained again and held against its record; raises `CannotReproduce` where that is not possible."""
    work = _new(choice.folder)
    code, kept = work / "code", work / "recorded"
    notes = _notes(run, choice)
    known = _project(site, run, kept)
    source = choice.environment
    if source != environments.CURRENT:
        source = environments.choose(source, run.lock_names, known.environment if known else "", run.packages)
    say(f"Fetching commit {run.commit[:12]} of {choice.repository or run.remote}.")
    check_out(run, code, repository=choice.repository)
    if choice.changes and run.patch:
        patch = fetch(site, run, PATCH, kept)
        check_patch(run, patch)
        apply_patch(code, patch)
    for name in run.lock_names:
        fetch(site, run, f"{ENVIRONMENT}{name}", kept)
    if source == environments.CURRENT:
        environment = environments.current(run.packages, run.python)
    else:
        at = work / "environment"
        files = kept / "environment"
        environment = environments.make(
            source, kept=files, code=code, folder=at, recorded=run.packages, python=run.python, say=say
        )
    command = running.command_of(
        run, environment.python, code, known=known, entry=choice.entry, arguments=choice.arguments, params=choice.params
    )
    say("Training.")
    running.train(run, command, work, python=environment.python, cwd=code, log=work / "training.log")
    made = running.collect(run, work)
    result = Result(
        run=run,
        folder=work,
        environment=environment,
        metrics=comparing.metrics(run.metrics, made.metrics, choice.tolerances),
        checkpoints=_checkpoints(site, run, made.files, choice, kept=kept),
        params=_params(run.params, made.params),
        notes=notes,
    )
    if not run.metrics and not result.checkpoints:
        notes.append("The run recorded neither metrics nor a checkpoint, so nothing could be compared.")
    (work / "comparison.json").write_text(json.dumps(result.as_json(), indent=1) + "\n")
    return result


def _new(folder: Path) -> Path:
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotReproduce(f"{folder} holds something already; name another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _notes(run: Recorded, choice: Choice) -> list[str]:
    """What of the recorded code is not there, so that equal numbers would surprise."""
    notes = []
    if run.dirty and not run.patch:
        why = run.tags.get("countersign.changes", "")
        notes.append(f"The code had changes that were not committed, and they were not kept{f' ({why})' if why else ''}.")
    elif run.dirty and not choice.changes:
        notes.append("The code had changes that were not committed; they were left out, as asked.")
    if run.untracked:
        notes.append(f"Files that git did not know lay beside the code and are not there now: {run.untracked:,}.")
    return notes


def _project(site: Transport, run: Recorded, kept: Path) -> project.Project | None:
    return project.read(fetch(site, run, PROJECT, kept).read_bytes()) if run.project else None


def _checkpoints(site: Transport, run: Recorded, made: Mapping[str, Path], choice: Choice, *, kept: Path) -> list[Checkpoint]:
    wanted = [choice.checkpoint] if choice.checkpoint else tensors.shared(run.artifacts, made)
    found = []
    for path in wanted:
        if path not in run.artifacts:
            raise CannotReproduce(f"The run kept no artifact {path}; it kept {', '.join(sorted(run.artifacts)[:8]) or 'none'}.")
        digest = str(run.artifacts[path]["digest"])
        if path not in made:
            found.append(Checkpoint(path, digest, "", [], "the new run did not keep it"))
        elif int(run.artifacts[path]["size"]) > LARGEST:
            found.append(Checkpoint(path, digest, tensors.digest_of(made[path]), [], "it is too large to be compared by tensors"))
        else:
            same = tensors.digest_of(made[path]) == digest  # then there is nothing to fetch
            recorded = made[path] if same else fetch(site, run, path, kept / "artifacts")
            found.append(tensors.checkpoint(path, recorded, made[path], digest=digest, tolerances=choice.tolerances))
    return found


def _params(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Parameters of both runs that differ; MLflow keeps texts, so 0.1 and "0.1" are the same."""
    names = sorted({*before, *now})
    return [
        {"name": name, "recorded": before.get(name), "reproduced": now.get(name)}
        for name in names
        if str(before.get(name)) != str(now.get(name))
    ]


def _written(value: Any) -> Any:
    """As JSON has it: numbers that are not finite as texts, as everywhere in the API."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _written(one) for key, one in value.items()}
    return [_written(one) for one in value] if isinstance(value, list) else value
