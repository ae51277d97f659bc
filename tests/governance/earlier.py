"""Policies as earlier versions of this software published them; published ones never change, so they are read for ever."""

from __future__ import annotations

from typing import Any

from governance import policies


def earlier_body(tier: str) -> dict[str, Any]:
    """The format before documents: signatures under `requirements`, suites by task, the tier on the row."""
    now = policies.starting_body(tier)
    signatures = [
        {"role": step["role"], "quorum": step["quorum"], "order": step["order"], "meaning": step["meaning"]}
        | ({"when": "pii"} if step["when"] == "pii" else {})
        for step in now["steps"]
    ]
    return {
        "requirements": signatures,
        "suites": now["evaluations"]["suites"],
        "sandbox": now["evaluations"]["sandbox"],
        "monitoring": now["monitoring"],
        "environments": ["staging", "production"],
        "valid_days": 365,
    }
