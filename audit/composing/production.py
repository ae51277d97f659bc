"""What happened after the decision: releases, observations, alerts, and the suspension."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from audit.composing.material import Material
from audit.composing.people import named
from audit.composing.plain import plain
from core.canonical import sha256_of
from core.clock import stamp
from core.errors import InvalidInput
from governance.emergencies import sentence_of
from governance.models import Release
from ledger.models import Entry
from monitoring.models import Alert, ObservationBatch


def releases(material: Material) -> list[dict[str, Any]]:
    """Where the version went live, when, and how that ended."""
    made = [entry for entry in material.of_type("release.made") if entry.data["version_id"] == str(material.version.pk)]
    told = []
    for entry, row in zip(made, material.releases, strict=False):  # both in the order in which they happened
        reason = material.disclosed(entry, "reason")
        told.append(
            {
                "event": entry.leaf.index,
                "environment": row.environment,
                "state": row.state,
                "state_words": str(row.get_state_display()),
                "released_at": stamp(row.released_at),
                "ended_at": stamp(row.ended_at) if row.ended_at else None,
                "released_by": _released_by(material, row),
                "rolled_back": entry.data["rolled_back"],
                "reason": reason or "",
                "in_emergency": str(sentence_of(row.emergency)) if row.emergency is not None else "",
            }
        )
    return told


def _released_by(material: Material, row: Release) -> dict[str, str]:
    """The person; or, of a release that a change envelope made, that it did."""
    if row.released_by_id is not None:
        return named(material, row.released_by_id)
    assert row.under is not None  # noqa: S101 - nobody released it, so an envelope did
    said = _("%(envelope)s, decision %(decision)s") % {"envelope": row.under.envelope, "decision": row.under.digest}
    return {"person": row.releaser.actor_id, "name": said}


def alerts(material: Material) -> list[dict[str, Any]]:
    """What was seen in production and asked for a person."""
    return [_alert(material, entry) for entry in material.of_type("alert.opened")]


def _alert(material: Material, entry: Entry) -> dict[str, Any]:
    data, row = entry.data, material.alerts.get(entry.subject_id)
    told: dict[str, Any] = {
        "event": entry.leaf.index,
        "at": stamp(entry.at),
        "id": entry.subject_id,
        "environment": data["environment"],
        "rule": data["rule"],
        "sentence": data["sentence"],
        "facts_digest": data["facts_digest"],
        "state": row.state if row else "",
        "state_words": str(row.get_state_display()) if row else "",
    }
    # Figures that are no longer those that the log recorded are left out: the report states nothing that does not hold.
    if row is not None and facts_hold(row, data["facts_digest"]):
        told["facts"] = plain(row.facts)
    return told


def facts_hold(alert: Alert, recorded: str) -> bool:
    """Whether the figures of an alert are the ones whose digest the log has."""
    try:
        return sha256_of(alert.facts) == recorded and plain(alert.facts) == alert.facts
    except InvalidInput:
        return False


def suspension(material: Material) -> dict[str, Any] | None:
    """The last time that an approval was taken back; None where none ever was."""
    suspended = material.of_type("version.suspended")
    if not suspended:
        return None
    entry = suspended[-1]
    return {
        "event": entry.leaf.index,
        "at": stamp(entry.at),
        "type": entry.type,
        **entry.data,
        "actor": named(material, entry.actor_id) if entry.actor_kind == "person" else {"person": entry.actor_id, "name": ""},
    }


def monitoring(material: Material) -> dict[str, Any]:
    """How much production reported, and what the latest check of it said."""
    batches = material.batches
    checked = [one for one in batches if one.checked_at is not None]
    return {
        "environment": material.report.environment,
        "batches": len(batches),
        "rows": plain(sum(one.n for one in batches)),
        "unchecked": len(batches) - len(checked),
        "first_at": stamp(batches[0].received_at) if batches else None,
        "last_at": stamp(batches[-1].received_at) if batches else None,
        "latest_check": _latest(checked),
    }


def _latest(checked: list[ObservationBatch]) -> dict[str, Any] | None:
    moments = [(one.checked_at, one.outcome) for one in checked if one.checked_at is not None]
    if not moments:
        return None
    at, found = max(moments, key=lambda pair: pair[0])
    return {"at": stamp(at), "sentence": str(found.get("sentence", "")), "fired": bool(found.get("fired"))}
