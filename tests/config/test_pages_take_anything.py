"""Whatever somebody writes into a page's address, it is answered: never with a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.urls import reverse

from config.access import ACCESS
from tests.api.world import World
from tests.config.test_access import ALLAUTH, MLFLOW, ROUTES

pytestmark = pytest.mark.django_db
NAMES = ["after", "before", "sort", "page", "model", "version", "team", "actor", "type", "about", "since", "until", "q"]
NAMES += ["filter", "order", "experiment", "metric", "param", "run", "lower", "higher", "curve"]
VALUES = ["\x00", "9" * 40, "'", "x" * 5000, str(UUID(int=0)), "{}"]
ROWS = {"dataset": "dataset", "run": "run", "review": "review", "report": "report", "model": "model"}


def addresses(world: World) -> dict[str, str]:
    """Every page that is read, of things that exist."""
    found = {}
    for name, pattern in ROUTES.items():
        if name.startswith(("api-", MLFLOW, *ALLAUTH)) or ACCESS[name].reads == "nobody":
            continue
        samples = {"index": 0, "number": 1, "theme": "light", "pk": world.live.pk}
        arguments = {each: samples[each] for each in pattern.pattern.regex.groupindex}
        for word, row in ROWS.items():
            if "pk" in arguments and name.rpartition(":")[2].split("_")[0] == word:
                arguments["pk"] = world.rows[row].pk
        if name == "data_registry:dataset_version":
            arguments["pk"] = world.dataset.pk
        if "theme" in arguments:
            continue  # a chart's address takes digits alone, and reads no query
        found[name] = reverse(name, kwargs=arguments)
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
    allowed = {
        "governance:submit": 403,
        "models_registry:run_registration": 403,
        "governance:revise_card": 403,
        "governance:finish": 403,
        "audit:report_pdf": 409,
    }
    assert {name: status for name, status in opened.items() if status != allowed.get(name, 200)} == {}
