"""Under which conditions the version was approved, and what became of each."""

from __future__ import annotations

from typing import Any

from audit.composing.material import Material
from audit.wording import WITHHELD, role_word
from governance.models import Condition


def conditions(material: Material) -> list[dict[str, Any]]:
    """Every condition that a signature set, in the order of the log."""
    rows = {str(one.pk): one for one in Condition.objects.filter(review__version=material.version)}
    told = []
    for entry in material.of_type("condition.set"):
        row, data = rows.get(entry.subject_id), entry.data
        text, evidence = material.disclosed(entry, "text"), material.disclosed(entry, "evidence")
        told.append(
            {
                "event": entry.leaf.index,
                "number": data["number"],
                "role_words": role_word(data["role"]),
                "owner": data["owner"],
                "owner_name": material.name_of(data["owner"]),
                "due": data["due"],
                "text": WITHHELD if text is None else text,
                "evidence": WITHHELD if evidence is None else evidence,
                "evidence_digest": row.evidence_digest if row else "",
                "state": row.state if row else "",
                "state_words": str(row.get_state_display()) if row else "",
                "overdue": bool(row and row.is_overdue),
            }
        )
    return told
