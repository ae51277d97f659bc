"""Having a version's content read in the sandbox: slow work, outside any act."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

import sandbox
from core.canary import canary
from core.errors import DomainError
from data_registry import locations
from data_registry.models import DatasetVersion
from data_registry.scan_results import Garbled, ScanResult, read_result

PROFILING = Path(__file__).parent / "profiling"
ROWS = 200_000  # put to the patterns: a million cells take some seconds, and what was left out is said
READING_SHARE = 0.7  # of the wall-clock limit is for reading; the rest lets the child end by itself and say how far it came


@dataclass(frozen=True, slots=True)
class Reading:
    """`result`, or `refused`: one sentence that says why there is none."""

    result: ScanResult | None = None
    refused: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


def read_content(version: DatasetVersion) -> Reading:
    """The content of `version`, read by `data_registry.profiling.child` in a jail of level L2 or better."""
    limits = sandbox.Limits(
        wall=settings.SANDBOX_WALL_SECONDS, cpu=settings.SANDBOX_WALL_SECONDS, memory=settings.SANDBOX_MEMORY, output=8 << 20
    )
    job = {"format": version.format, "rows": ROWS, "seconds": settings.SANDBOX_WALL_SECONDS * READING_SHARE}
    incoming = Path(settings.INCOMING_DIR)
    incoming.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(dir=incoming, prefix="profile-") as folder,
            locations.local_copy(version, Path(folder), "content") as content,
            sandbox.run(
                "data_registry.profiling.child",
                inputs={"content": content},
                job=job,
                limits=limits,
                roots=[PROFILING],
                need=sandbox.Level.L2,
                canary=canary(),
            ) as outcome,
        ):
            return _reading(outcome)
    except (sandbox.SandboxRefused, DomainError) as refusal:  # the latter: the bytes are gone or no longer those registered
        return Reading(refused=str(refusal))


def _reading(outcome: sandbox.Outcome) -> Reading:
    evidence = dict(outcome.evidence)
    if outcome.ended != "finished":
        return Reading(refused=outcome.sentence, evidence=evidence)
    try:
        result = read_result(outcome.result)
    except Garbled:
        return Reading(refused=_("The program that read the content gave no usable answer."), evidence=evidence)
    return Reading(refused=result.unreadable, evidence=evidence) if result.unreadable else Reading(result, "", evidence)
