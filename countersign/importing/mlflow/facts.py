"""A run of MLflow in the words of this site: its code, its environment, and what is left as it was said."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from countersign.importing.mlflow import fitting
from countersign.importing.mlflow.records import Experiment, Head, Run

MARK = "countersign.import"  # a tag of ours: what an earlier import had taken when it was through
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_GIT = "mlflow.source.git."


def source_of(head: Head) -> str:
    """The name under which the site knows the run, whichever way it came in."""
    return f"mlflow:{head.run_id}"


def label_of(head: Head) -> str:
    """For people."""
    return f"{head.name} ({head.run_id})" if head.name.strip() else head.run_id


def name_of(head: Head) -> str:
    """The run's name as far as the site takes it; its id where it has none."""
    return fitting.clean(head.name).strip()[:200] or head.run_id[:200]


def experiment_name(experiment: Experiment) -> str:
    return fitting.clean(experiment.name).strip()[:250] or "Default"


def tags_of_experiment(experiment: Experiment) -> dict[str, str]:
    return fitting.texts(experiment.tags, what="tag", most=fitting.TAGS, longest=fitting.TAG, notes=[])


def body_of(run: Run, *, mark: str, notes: list[str]) -> dict[str, Any]:
    """Parameters, tags, code and environment as the site takes them; what it does not take is named in `notes`."""
    return {
        "params": fitting.texts(run.params, what="parameter", most=fitting.PARAMS, longest=fitting.PARAMS, notes=notes),
        "tags": fitting.texts(run.tags, what="tag", most=fitting.TAGS, longest=fitting.TAG, notes=notes) | {MARK: mark},
        "code": code_of(run),
        "environment": environment_of(run),
    }


def code_of(run: Run) -> dict[str, Any]:
    """Commit, branch, repository and training file from the tags in which MLflow keeps them; nothing where no commit is known."""
    tags = run.tags
    commit = tags.get(_GIT + "commit", tags.get("mlflow.databricks.gitRepoCommit", "")).strip().lower()
    if not _COMMIT.match(commit):
        return {}
    remote = without_password(tags.get(_GIT + "repoURL", tags.get("mlflow.databricks.gitRepoUrl", "")).strip())[:500]
    facts = {
        "repository": remote,
        "branch": tags.get(_GIT + "branch", "").strip()[:500],
        "commit": commit,
        "dirty": tags.get(_GIT + "dirty", "").strip().lower() == "true",
        "entry": entry_of(tags.get("mlflow.source.name", "")),
    }
    return {key: fitting.clean(value) if isinstance(value, str) else value for key, value in facts.items() if value != ""}


def environment_of(run: Run) -> dict[str, Any]:
    """Who ran it, and where as far as MLflow tells."""
    kinds = {"NOTEBOOK": "notebook", "JOB": "ci"}
    kind = kinds.get(run.tags.get("mlflow.source.type", ""), "")
    user = fitting.clean(run.tags.get("mlflow.user", run.head.user))[:200]
    return ({"user": user} if user else {}) | ({"host_kind": kind} if kind else {})


def entry_of(source: str) -> str:
    """The training file where it is named relative to something; a path of another machine says too much of it."""
    path = source.strip().replace("\\", "/")
    if not path or "\0" in path or path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z]:/", path):
        return ""
    return path[:500] if path.endswith((".py", ".ipynb", ".r", ".R", ".jl", ".sh")) else ""


def without_password(address: str) -> str:
    """The repository's address without the user and token that some write into it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme and parts.netloc else address


def moment_of(milliseconds: int | None) -> str | None:
    """As the site takes a moment; None where MLflow has none or one beyond the calendar."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None
