"""The whole content: `report.json`, and what belongs to it outside (log entries, values to disclose)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from audit.composing import asked, conditions, data, decision, gaps, people, production
from audit.composing.evaluation import evaluation, sandbox
from audit.composing.material import Material, gather
from audit.composing.plain import plain
from audit.composing.training import training
from audit.models import Report
from core.canonical import canonical_bytes, sha256_of
from core.clock import stamp
from models_registry import cards
from models_registry.models import Version
from models_registry.pages import format_words

FORMAT = "countersign-report/1"


@dataclass(frozen=True)
class Composition:
    """A report's content, and the material from which its attachments are made."""

    content: dict[str, Any]
    material: Material

    @property
    def bytes(self) -> bytes:
        """report.json."""
        return canonical_bytes(self.content)

    @property
    def digest(self) -> str:
        return sha256_of(self.content)

    @property
    def disclosures(self) -> list[dict[str, Any]]:
        """The private values that the content shows, with the salts that prove them."""
        shown = self.material.private
        return [
            {"index": entry.leaf.index, "path": path, "salt": base64.b64encode(found.salt).decode(), "value": found.value}
            for entry in self.material.entries
            for (event, path), found in sorted(shown.items(), key=lambda pair: pair[0][1])
            if event == entry.pk
        ]


def compose(report: Report) -> Composition:
    """The report as of now. The same rows at the same moment give the same content."""
    material = gather(report)
    return Composition(content_of(material), material)


def content_of(material: Material) -> dict[str, Any]:
    """report.json as a value; the decision stands before everything that it rests on."""
    report, model = material.report, material.version.model
    return {
        "format": FORMAT,
        "report": {
            "id": str(report.pk),
            "title": report.title,
            "composed_at": stamp(material.at),
            "requested_by": str(report.requested_by_id),
            "requested_by_name": material.name_of(report.requested_by_id),
            "site": str(settings.SITE_URL),
            "log": str(settings.LOG_ORIGIN),
            "entries": len(material.entries),
        },
        "model": {
            "id": str(model.pk),
            "name": model.name,
            "team": model.team.name,
            "owner": people.named(material, model.owner_id),
            "task": model.task,
            "task_words": str(model.get_task_display()),
            "classes": list(model.classes),
            "risk_tier": model.risk_tier,
            "risk_tier_words": str(model.get_risk_tier_display()),
            "description": model.description,
        },
        "version": _version(material),
        "decision": decision.decision(material),
        "card": _card(material),
        "provenance": data.provenance(material),
        "pii": data.pii(material),
        "personal_data": data.personal_data(material),
        "code": training(material),
        "evaluation": evaluation(material),
        "requirements": asked.requirements(material),
        "exceptions": asked.exceptions(material),
        "code_outcomes": asked.code_outcomes(material),
        "sign_offs": people.sign_offs(material),
        "conditions": conditions.conditions(material),
        "refusals": people.refusals(material),
        "releases": production.releases(material),
        "monitoring": production.monitoring(material),
        "alerts": production.alerts(material),
        "suspension": production.suspension(material),
        "timeline": people.timeline(material),
        "not_checked": gaps.not_checked(material),
    }


def _version(material: Material) -> dict[str, Any]:
    version = material.version
    inspection = getattr(version, "inspection", None)
    return {
        "id": str(version.pk),
        "name": str(version),
        "number": version.number,
        "state": version.state,
        "state_words": str(version.get_state_display()),
        "note": version.note,
        "checkpoint": version.checkpoint_digest,
        "checkpoint_size": plain(version.checkpoint_size),
        "checkpoint_name": version.checkpoint_name,
        "architecture": plain(version.architecture),
        "cloned_from": [_original(one) for one in material.originals],
        "created_by": people.named(material, version.created_by_id),
        "submitted_by": people.named(material, version.submitted_by_id) if version.submitted_by_id else None,
        "submitted_at": stamp(version.submitted_at) if version.submitted_at else None,
        "inspection": None
        if inspection is None
        else {
            "state": inspection.state,
            "verdict": inspection.verdict,
            "verdict_words": str(inspection.get_verdict_display()),
            "format": inspection.format,
            "format_words": format_words(inspection.format),
            "parameters": plain(inspection.facts.get("parameters")),
            "tensors": plain(inspection.facts.get("tensor_count")),
            "reasons": plain(inspection.reasons),
            "error": inspection.error,
            "finished_at": stamp(inspection.finished_at) if inspection.finished_at else None,
            "event": material.index_of("inspection", inspection.pk, "inspection.completed"),
            "sandbox": sandbox(inspection.sandbox),
        },
    }


def _original(original: Version) -> dict[str, Any]:
    """A version whose bytes these are. What was decided about it says nothing here, so it is not told."""
    return {
        "id": str(original.pk),
        "name": str(original),
        "team": original.model.team.name,
        "checkpoint": original.checkpoint_digest,
    }


def _card(material: Material) -> dict[str, Any]:
    card = material.card
    if card is None:
        return {"revision": 0, "digest": "", "fields": []}
    return {
        "revision": card.revision,
        "digest": card.digest,
        "written_at": stamp(card.created_at),
        "author": people.named(material, card.author_id),
        "fields": [{"name": field.key, "label": str(field.label), "text": text} for field, text in cards.shown(card.content)],
    }
