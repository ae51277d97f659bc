"""What the site holds of a run, as far as it is needed to run it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.capturing.captured import ARGUMENTS, PROJECT
from countersign.capturing.code import PATCH
from countersign.reproducing.problem import CannotReproduce
from countersign.tracking import api
from countersign.transport import JSON, Transport

ENVIRONMENT = "environment/"
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


@dataclass(frozen=True)
class Recorded:
    """A recorded run. Everything in it is what somebody's machine said: nothing of it is trusted to be harmless."""

    id: str
    name: str
    commit: str
    remote: str
    tree: str = ""
    patch_digest: str = ""
    dirty: bool = False
    untracked: int = 0
    script: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    python: str = ""
    packages: tuple[str, ...] = ()  # name==version
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, JSON] = field(default_factory=dict)  # path: {path, digest, size}

    @property
    def lock_names(self) -> list[str]:
        return [path.removeprefix(ENVIRONMENT) for path in self.artifacts if path.startswith(ENVIRONMENT)]

    @property
    def arguments(self) -> str:
        """What stood behind the training file on the command line, as a JSON list; nothing where it was not recorded."""
        return self.tags.get(ARGUMENTS, "")

    @property
    def project(self) -> bool:
        return PROJECT in self.artifacts

    @property
    def patch(self) -> JSON | None:
        return self.artifacts.get(PATCH)


def recorded(site: Transport, run: str) -> Recorded:
    """The run of this id; raises `CannotReproduce` where it names no commit."""
    said = api.run(site, run)
    code, tags, environment = said["code"] or {}, said["tags"] or {}, said["environment"] or {}
    # A run that MLflow's client reported names its commit in tags.
    commit = code.get("commit") or tags.get("mlflow.source.git.commit", "")
    if not _COMMIT.match(str(commit)):
        raise CannotReproduce(
            "This run names no commit, so its code cannot be found. One is recorded where a git checkout trains."
        )
    name = said["name"] or said["id"]
    return Recorded(
        id=str(said["id"]),
        name=str(name),
        commit=commit,
        remote=str(code.get("remote") or tags.get("mlflow.source.git.repoURL", "")),
        tree=str(code.get("tree", "")),
        patch_digest=str(code.get("patch_digest", "")),
        dirty=bool(code.get("dirty")),
        untracked=int(code.get("untracked") or 0),
        script=str(code.get("entry", "")),
        params=dict(said["params"] or {}),
        tags=dict(tags),
        seeds=dict((said["training"] or {}).get("seeds") or {}),
        python=str(environment.get("python", "")),
        packages=tuple(f"{one['name']}=={one['version']}" for one in environment.get("packages", []) if one["version"]),
        metrics={one["name"]: float(one["last_value"]) for one in said["series"] if one["last_value"] is not None},
        artifacts={str(one["path"]): one for one in api.artifacts(site, run)},
    )


def fetch(site: Transport, run: Recorded, path: str, folder: Path) -> Path:
    """The artifact lies below `folder`, with the digest that the site named."""
    target = folder.joinpath(*path.split("/"))
    if not target.resolve().is_relative_to(folder.resolve()):
        raise CannotReproduce(f"The artifact {path!r} would lie outside of {folder}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = api.fetch_artifact(site, run.id, path, target)
    if digest != run.artifacts[path]["digest"]:
        target.unlink()
        raise CannotReproduce(f"What arrived as {path} is not what was kept: its digest is {digest}.")
    return target
