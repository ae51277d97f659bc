"""What the model learned from and was tested on: where it came from, which personal data reach it, and the code behind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from audit.composing.material import Material
from audit.composing.plain import plain
from data_registry import coverage
from data_registry.lineage import PiiFlag
from data_registry.models import DatasetVersion
from data_registry.provenance import shown
from models_registry.models import VersionData


def provenance(material: Material) -> list[dict[str, Any]]:
    """Each dataset version that the model names, then those that they came from."""
    uses: dict[UUID, list[str]] = {}
    for use in material.uses:
        uses.setdefault(use.dataset_version_id, []).append(use.use)
    named_first = sorted(material.data, key=lambda one: (one.pk not in uses, str(one)))
    return [_dataset(material, one, uses.get(one.pk, [])) for one in named_first]


def _dataset(material: Material, one: DatasetVersion, uses: list[str]) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "name": str(one),
        "uses": uses,
        "uses_words": ", ".join(str(VersionData.Use(use).label) for use in uses),
        "reaches": _reaches(material, one),
        "digest": one.digest,
        "facts_digest": one.facts_digest,
        "format": one.format,
        "size": plain(one.size),
        "rows": plain(one.rows),
        "columns": plain(one.columns),
        "provenance": plain(one.provenance),
        "in_words": [[label, "; ".join(values)] for label, _element, values in shown(one.provenance)],
        "registered_event": material.index_of("dataset_version", one.pk, "dataset_version.registered"),
    }


def _reaches(material: Material, one: DatasetVersion) -> list[str]:
    """How data that the model does not name itself comes to it."""
    names = {use.dataset_version_id: str(use.dataset_version) for use in material.uses}
    return [
        _("%(data)s is %(how)s it") % {"data": names[start], "how": step.words}
        for start, steps in material.lineage.items()
        for step in steps
        if step.version.pk == one.pk
    ]


def pii(material: Material) -> list[dict[str, Any]]:
    """The personal data known to reach the version, each with the way it comes."""
    return [_flag(flag) for flag in material.assessment.present]


def _flag(flag: PiiFlag) -> dict[str, Any]:
    return {
        "category": flag.category,
        "category_words": flag.category_words,
        "column": flag.column,
        "data": str(flag.dataset_version),
        "path": flag.path,
        "sentence": capfirst(flag.sentence),
        "present": flag.present,
        "bases": list(flag.bases),
        "bases_words": flag.bases_words,
        "kinds": list(flag.kinds),
        "matched": plain(flag.matched),
        "scanned": plain(flag.scanned),
    }


def personal_data(material: Material) -> dict[str, Any]:
    """What is not certain about personal data: what may be there, what nobody assessed, what a scan did not look at."""
    return {
        "unknown": [_flag(flag) for flag in material.assessment.unknown],
        "not_assessed": [str(name) for name in material.assessment.not_assessed],
        "scans": [_scan(material, one) for one in material.data],
    }


def _scan(material: Material, one: DatasetVersion) -> dict[str, Any]:
    profile = material.profiles.get(one.pk)
    if profile is None or profile.state != profile.State.COMPLETED:
        why = profile.error if profile is not None and profile.error else _("Its content was not read.")
        return {"data": str(one), "done": False, "not_scanned": [why]}
    return {
        "data": str(one),
        "done": True,
        "rows": plain(profile.facts.get("rows")),
        "sandbox_level": str(profile.sandbox.get("level", "")),
        "not_scanned": [coverage.sentence(entry) for entry in profile.not_checked],
    }
