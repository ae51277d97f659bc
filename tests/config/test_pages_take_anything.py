"""Whatever somebody writes into a page's address, it is answered: never with a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.urls import reverse

from accounts.roles import Role
from config.access import ACCESS
from tests.api.world import World
from tests.config.test_access import ALLAUTH, MLFLOW, ROUTES

pytestmark = pytest.mark.django_db
NAMES = ["after", "before", "sort", "page", "model", "version", "team", "actor", "type", "about", "since", "until", "q"]
NAMES += ["filter", "order", "experiment", "metric", "param", "run", "lower", "higher", "curve"]
VALUES = ["\x00", "9" * 40, "'", "x" * 5000, str(UUID(int=0)), "{}"]
# Which row stands behind the first word of an address.
ROWS = {
    "versions": "live",
    "models": "model",
    "datasets": "dataset",
    "runs": "run",
    "reviews": "review",
    "reports": "report",
    "findings": "finding",
    "exceptions": "exception",
    "delegations": "delegation",
    "conditions": "condition",
    "policies": "policy_draft",
    "webhooks": "webhook",
    "evidence": "evidence",
    "risk-assessments": "assessment",
    "change-envelopes": "change_envelope",
    "signatures": "signature",
    "code": "waiting",
}


def addresses(world: World) -> dict[str, str]:
    """Every page that is read, of things that exist."""
    found = {}
    for name, pattern in ROUTES.items():
        if name.startswith(("api-", MLFLOW, *ALLAUTH)) or ACCESS[name].reads == "nobody":
            continue
        named = set(pattern.pattern.regex.groupindex)
        if "theme" in named:
            continue  # a chart's address takes digits alone, and reads no query
        word = str(pattern.pattern).partition("/")[0]
        who = world.people["scientist"] if name.startswith("settings:") else world.rows[ROWS.get(word, "live")]
        samples = {"index": 0, "number": 1, "slug": "production", "pk": who.pk}
        found[name] = reverse(name, kwargs={each: samples[each] for each in named})
    return found


def test_no_query_breaks_a_page(world: World, client_of: Callable[..., Any]) -> None:
    wrong = []
    client = client_of(world.people["auditor"])
    for name, address in addresses(world).items():
        for value in VALUES:
            query = urlencode(dict.fromkeys(NAMES, value))
            try:
                status: int | str = client.get(f"{address}?{query}").status_code
            except Exception as error:  # Django's client hands failures on
                status = repr(error)[:200]
            if status not in {200, 302, 303, 400, 403, 404, 409, 422}:
                wrong.append((name, value[:10], status))
    assert wrong == []


def test_every_address_here_does_open(world: World, client_of: Callable[..., Any]) -> None:
    opened = {name: client_of(world.people["auditor"]).get(address).status_code for name, address in addresses(world).items()}
    closed = {
        name: 403 for name in opened if isinstance(ACCESS[name].reads, frozenset) and Role.AUDITOR not in ACCESS[name].reads
    }
    allowed = closed | {
        "audit:report_pdf": 409,
        **dict.fromkeys(("governance:report_condition", "governance:answer_condition", "governance:withdraw"), 403),
        "governance:withdraw_signature": 403,
        "governance:raise_finding": 404,  # about nothing
        "governance:import_preview": 303,  # kept for an hour, of whoever brought the file
        "governance:webhook": 404,  # for whoever keeps the team's webhooks
        **dict.fromkeys(
            ("governance:policy_envelope", "governance:attestation", "governance:condition_evidence"), 404
        ),  # none yet
    }
    wrong = {name: status for name, status in opened.items() if status != allowed.get(name, 200)}
    assert wrong == {}
