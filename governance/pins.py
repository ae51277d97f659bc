"""What a signature stands for: a statement that names, by digest, everything the reviewer was shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.canonical import sha256_of
from core.registry import Registry
from data_registry.lineage import PiiFlag, pii_of
from evaluations.models import EvaluationRun
from governance.material import Material
from governance.models import Policy
from models_registry.models import Version
from tracking.services.fixing import fixed_digest

FORMAT = "countersign-statement/1"

# The words under which a page says what has changed since a signature was given; translated where they are shown.
WORDS = {
    "checkpoint": gettext_noop("the checkpoint"),
    "construction": gettext_noop("how the model is built and fed"),
    "card": gettext_noop("the model card"),
    "data": gettext_noop("the data"),
    "run": gettext_noop("the training run"),
    "inspection": gettext_noop("the inspection"),
    "evaluations": gettext_noop("the evaluations"),
    "pii": gettext_noop("the personal data found"),
    "policy": gettext_noop("the policy"),
    "environment": gettext_noop("the environment"),
    "version": gettext_noop("the version"),
    "review": gettext_noop("the review"),
}


@dataclass(frozen=True, slots=True)
class Pinned:
    """A further part of what is signed. `of(material)` names it by digest; what is empty is left out of the statement, so
    that a signature given before the part existed still stands. `word` says on pages what changed."""

    word: str | Promise
    of: Callable[[Material], Any]


also_pinned: Registry[Pinned] = Registry("part of what is signed")  # registered in AppConfig.ready


def word_of(key: str) -> str:
    """The word for a part of a statement, in the reader's language."""
    further = also_pinned.get(key)
    return str(further.word) if further else _(WORDS[key])


def flags_of(version: Version) -> list[PiiFlag]:
    """The personal data that reach this version along the lineage of the data it names."""
    return pii_of(version.data.values_list("dataset_version", flat=True))


def run_digest(version: Version) -> str:
    """The digest of all that was reported of the training, curves, artifacts and data included, as the log recorded it when the
    run was fixed; empty where no run is named."""
    return fixed_digest(version.training_run) if version.training_run else ""


def construction_digest(version: Version) -> str:
    """The digest of what makes an answer of the checkpoint's bytes: its architecture, and how rows become its inputs."""
    return sha256_of({"architecture": version.architecture, "reading": version.reading})


def statement(
    version: Version, *, policy: Policy, environment: str, review: UUID, material: Material | None = None
) -> dict[str, Any]:
    """The statement as it stands now; its digest is what people sign.

    It names the review: what was signed in one that ended (by a suspension, by changes asked for) does not count in the next,
    even when the card is put back to what it said before. `material`: what was read of the version already, in this computation.
    """
    material = material or Material(version, policy)
    card = material.card
    completed = [run for run in material.runs if run.state == EvaluationRun.State.COMPLETED]
    further = {name: part.of(material) for name, part in zip(also_pinned.names(), also_pinned, strict=True)}
    return {
        "format": FORMAT,
        "version": str(version.pk),
        "review": str(review),
        "environment": environment,
        "checkpoint": version.checkpoint_digest,
        "construction": construction_digest(version),
        "card": card.digest if card else "",
        "data": sorted([link.use, str(link.dataset_version_id), link.dataset_version.facts_digest] for link in material.links),
        "run": run_digest(version),
        "inspection": [version.inspection.verdict, sha256_of(version.inspection.facts)] if hasattr(version, "inspection") else [],
        "evaluations": sorted([str(run.dataset_version_id), run.suite.digest, run.results_digest] for run in completed),
        "pii": sorted({f"{flag.category}:{flag.dataset_version.pk}:{flag.column}" for flag in material.personal.present}),
        "policy": policy.digest,
        **{name: part for name, part in further.items() if part},
    }


def changed_since(signed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The parts of a signed statement that are no longer so, as keys for `word_of`."""
    return [key for key in (*WORDS, *also_pinned.names()) if signed.get(key) != now.get(key)]
