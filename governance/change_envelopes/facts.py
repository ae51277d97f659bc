"""What an envelope holds fixed of a version: its code with the lock file, the datasets it learned from, what is personal."""

from __future__ import annotations

from governance.pins import flags_of
from models_registry.models import Version, VersionData


def code_of(version: Version) -> dict[str, str]:
    """Repository, commit, tree and lock files as the training run claims them; empty texts where nothing is known."""
    run = version.training_run
    code, environment = (run.code, run.environment) if run else ({}, {})
    return {
        "repository": str(code.get("repository") or ""),
        "commit": str(code.get("commit") or ""),
        "tree": str(code.get("tree") or ""),
        "uncommitted": "" if code.get("dirty") is False else str(code.get("patch_digest") or "unknown"),
        "lock": str(environment.get("lock_digest") or ""),
    }


def datasets_of(version: Version) -> dict[str, list[str]]:
    """{use: datasets} of all that the version learned from; the versions of these may change, the datasets may not."""
    found: dict[str, set[str]] = {}
    for link in version.data.exclude(use=VersionData.Use.TESTING).select_related("dataset_version"):
        found.setdefault(str(link.use), set()).add(str(link.dataset_version.dataset_id))
    return {use: sorted(found[use]) for use in sorted(found)}


def tests_of(version: Version) -> list[list[str]]:
    """[dataset version, digest] of each test set."""
    links = version.data.filter(use=VersionData.Use.TESTING).select_related("dataset_version")
    return sorted([str(link.dataset_version_id), link.dataset_version.digest] for link in links)


def personal_of(version: Version) -> list[list[str]]:
    """[category, dataset, column] of everything personal that reaches the version, whichever version of the dataset holds it."""
    found = {(flag.category, flag.dataset_version.dataset, flag.column) for flag in flags_of(version)}
    return sorted(list(one) for one in found)
