"""The facts of a run as its page shows them: files as a tree, the patch as lines, hardware as words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from core import blobs
from core.components import formatting
from tracking.models import Artifact, TrainingRun

PATCH = "code/changes.patch"
NO_CODE = "countersign.no_code"  # tag: the client's sentence on why it recorded no code
MOST_OF_PATCH = 200_000  # bytes that the page shows; the download has all
MOST_FILES = 500  # rows of the tree; the API lists all
MOST_PARAMS = 500  # rows; the API has all
MOST_RELATED = 50  # child runs

_HARDWARE = {"cpu": _("Processor"), "cores": _("Cores"), "memory_bytes": _("Memory"), "accelerators": _("Accelerators")}
_DRAWING = {"hash": _("Seed of hashes"), "torch_deterministic": _("Deterministic torch")}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree: a folder, or a file with its artifact. `depth` counts the folders above it."""

    name: str
    depth: int
    artifact: Artifact | None = None

    @property
    def indent(self) -> str:
        """The style that sets it in; the fifth folder and those below stand under each other."""
        return f"depth-{min(self.depth, 4)}"


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes that were not committed: lines, each `added`, `removed`, `place` (where), or unchanged."""

    artifact: Artifact
    lines: list[tuple[str, str]]
    cut: bool


def no_code_of(run: TrainingRun) -> str:
    """Why the run has no code, as its client told; empty where it did not, or where there is code."""
    return "" if run.code else run.tags.get(NO_CODE, "").strip()


def tree_of(artifacts: Iterable[Artifact]) -> list[Row]:
    """Files under their folders, each folder once; at most `MOST_FILES` files."""
    rows: list[Row] = []
    open_folders: list[str] = []
    for artifact in sorted(artifacts, key=lambda one: one.path.split("/"))[:MOST_FILES]:
        *folders, name = artifact.path.split("/")
        same = 0
        while same < min(len(folders), len(open_folders)) and folders[same] == open_folders[same]:
            same += 1
        rows += [Row(folder, same + more) for more, folder in enumerate(folders[same:])]
        open_folders = folders
        rows.append(Row(name, len(folders), artifact))
    return rows


def patch_of(artifacts: Iterable[Artifact]) -> Patch | None:
    """The patch that the client kept beside the run, as text: it is shown, never applied."""
    kept = next((one for one in artifacts if one.path == PATCH), None)
    if kept is None:
        return None
    with blobs.open_blob(kept.digest) as source:
        text = source.read(MOST_OF_PATCH).decode("utf-8", errors="replace")
    return Patch(kept, [(_kind_of(line), line) for line in text.splitlines()], cut=kept.size > MOST_OF_PATCH)


def _kind_of(line: str) -> str:
    if line.startswith(("@@", "diff ", "index ", "+++", "---", "new file", "deleted file", "rename ", "similarity ")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "")


def hardware_of(run: TrainingRun) -> list[tuple[str, str]]:
    """What it ran on, in words; names that are not known here are shown as they came."""
    hardware = run.environment.get("hardware")
    if not isinstance(hardware, Mapping):
        return []
    return [(str(_HARDWARE.get(name, name))[:80], _said(name, value)) for name, value in list(hardware.items())[:20] if value]


def _said(name: str, value: Any) -> str:
    if name == "memory_bytes" and isinstance(value, int) and 0 <= value < 2**63:
        return formatting.size(value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value[:20])[:500]
    return str(value)[:500]


def texts_of(facts: Any) -> list[tuple[str, str]]:
    """Names and values of an object as texts, by name; nothing where it is none."""
    return sorted(_flat("", facts, 1))[:MOST_PARAMS] if isinstance(facts, Mapping) else []


def seeds_of(run: TrainingRun) -> list[tuple[str, str]]:
    """What was drawn with: seeds, and digests of the states of generators that do not tell theirs."""
    labelled = []
    for name, value in texts_of(run.training.get("seeds")):
        if name in _DRAWING:
            labelled.append((str(_DRAWING[name]), str({"true": _("yes"), "false": _("no")}.get(value, value))))
        else:
            words = _("Random state of %(name)s") if value.startswith("sha256:") else _("Seed of %(name)s")
            labelled.append((words % {"name": name}, value))
    return labelled


def params_of(run: TrainingRun) -> tuple[list[tuple[str, str]], int]:
    """Names and values as texts, by name, at most `MOST_PARAMS`, and how many there are. What lies within a value is named by
    the way to it."""
    flat = sorted(_flat("", run.params, 3))
    return flat[:MOST_PARAMS], len(flat)


def _flat(above: str, value: Any, levels: int) -> Iterator[tuple[str, str]]:
    if levels and isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _flat(f"{above}.{name}" if above else str(name), below, levels - 1)
    elif above:
        yield above, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
