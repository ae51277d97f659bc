"""Every list of the API costs the same number of queries, however long it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.access import ACCESS
from core.clock import now
from core.ids import uuid7
from monitoring.models import ObservationBatch
from tests.api.world import World
from tests.config.test_access import ROUTES

pytestmark = pytest.mark.django_db
MORE = 10


def copies(row: Any, **changed: Callable[[int], Any]) -> None:
    """Ten more rows like this one, with another key and these fields."""
    made = []
    for number in range(MORE):
        copy = type(row).objects.get(pk=row.pk)
        copy.pk = uuid7()
        for name, value in changed.items():
            setattr(copy, name, value(number))
        made.append(copy)
    type(row).objects.bulk_create(made)


def links(world: World) -> None:
    from data_registry.services import link_versions  # noqa: PLC0415 - models load with the settings

    kinds = ["derived_from", "labelled_by", "split_from"]
    for kind in kinds:
        link_versions(world.data, by=world.people["scientist"], kind=kind, to_version=world.labels)


def findings(world: World) -> None:
    from data_registry.services import record_finding  # noqa: PLC0415 - as above

    for number in range(MORE):
        record_finding(world.data, by=world.people["scientist"], category="contact", present="yes", column=f"c{number}")


def envelope_decisions(world: World) -> None:
    """An envelope decides a review once, so each has a review of its own."""
    from governance.models import EnvelopeDecision, Review  # noqa: PLC0415 - models load with the settings

    said = {"pinned": "", "digest": "", "body": {"limits": []}, "decided_at": now(), "inside": False}
    copies(world.review, state=lambda n: "withdrawn")
    EnvelopeDecision.objects.bulk_create(
        EnvelopeDecision(envelope=world.active_envelope, review=review, version=review.version, **said)
        for review in Review.objects.filter(state="withdrawn")
    )


LISTS: dict[str, tuple[str, Callable[[World], Any]]] = {
    "api-datasets": ("", lambda world: copies(world.dataset, name=lambda n: f"copy {n}")),
    "api-dataset-versions": ("dataset", lambda world: copies(world.draft_data, number=lambda n: 100 + n)),
    "api-dataset-links": ("data", links),
    "api-pii-findings": ("data", findings),
    "api-experiments": ("", lambda world: copies(world.experiment, name=lambda n: f"copy {n}")),
    "api-runs": ("", lambda world: copies(world.open_run)),
    "api-run-artifacts": ("open_run", lambda world: copies(world.artifact, path=lambda n: f"copy {n}")),
    "api-models": ("", lambda world: copies(world.model, name=lambda n: f"copy-{n}")),
    "api-versions": ("model", lambda world: copies(world.draft, number=lambda n: 100 + n)),
    "api-version-clones": (
        "live",
        lambda world: copies(world.draft, number=lambda n: 200 + n, source=lambda _n: {"version": str(world.live.pk)}),
    ),
    "api-cards": ("live", lambda world: copies(world.live.card, revision=lambda n: 100 + n)),
    "api-evaluations": ("live", lambda world: copies(world.evaluation)),
    "api-suites": ("", lambda world: copies(world.evaluation.suite, number=lambda n: 100 + n)),
    "api-resamplings": ("live", lambda world: copies(world.resampling)),
    "api-reviews": ("", lambda world: copies(world.review, state=lambda n: "withdrawn")),
    "api-delegations": ("", lambda world: copies(world.delegation)),
    "api-exceptions": ("", lambda world: copies(world.exception)),
    "api-findings": ("", lambda world: copies(world.finding)),
    "api-code-comments": ("waiting", lambda world: copies(world.code_comment)),
    "api-code-outcomes": ("waiting", lambda world: copies(world.code_outcome)),
    "api-messages": ("review", lambda world: copies(world.question)),
    "api-conditions": ("", lambda world: copies(world.condition, number=lambda n: 100 + n)),
    "api-policies": ("", lambda world: copies(world.review.policy, number=lambda n: 100 + n)),
    "api-environments": ("", lambda world: copies(world.environment, slug=lambda n: f"copy-{n}")),
    "api-risk-assessments": ("model", lambda world: copies(world.assessment, number=lambda n: 9 + n, state=lambda n: "archived")),
    "api-evidence-list": ("model", lambda world: copies(world.evidence, state=lambda n: "superseded")),
    "api-releases-as-of": ("", lambda world: copies(world.live.releases.live().get(), state=lambda n: "superseded")),
    "api-releases": ("", lambda world: copies(world.live.releases.live().get(), state=lambda n: "superseded")),
    "api-change-envelopes": ("model", lambda world: copies(world.change_envelope, number=lambda n: 100 + n)),
    "api-change-envelope-decisions": ("active_envelope", envelope_decisions),
    "api-webhooks": ("", lambda world: copies(world.webhook)),
    "api-webhook-deliveries": ("webhook", lambda world: copies(world.delivery)),
    "api-observations": ("", lambda world: copies(ObservationBatch.objects.get())),
    "api-alerts": ("", lambda world: copies(world.alert, state=lambda n: "closed")),
    "api-reports": ("", lambda world: copies(world.report)),
    "api-log-entries": ("", lambda world: None),  # tests/ledger/test_api.py: entries cannot be copied
    "api-people": ("", lambda world: copies(world.people["scientist"], email=lambda n: f"copy{n}@example.org")),
    "api-teams": ("", lambda world: copies(world.team, slug=lambda n: f"copy-{n}")),
    "api-keys": ("", lambda world: copies(world.key, prefix=lambda n: f"{n:012x}")),
}
ASKED_BY = {
    "api-delegations": "auditor",
    "api-people": "admin",
    "api-teams": "admin",
    "api-webhooks": "admin",
    "api-webhook-deliveries": "admin",
}

ASKED = {"api-releases-as-of": "?at=2999-01-01"}  # what a list must be asked with


def test_every_list_is_counted() -> None:
    lists = {
        name
        for name, pattern in ROUTES.items()
        if name.startswith("api-") and "results" in str(_described(pattern.callback)) and ACCESS[name].reads != "nobody"
    }
    assert lists == set(LISTS)


def _described(view: Any) -> str:
    """The source of a view's reading method, where it answers a page."""
    import inspect  # noqa: PLC0415 - only this asks

    get = getattr(getattr(view, "cls", None), "get", None)
    return "results" if get is not None and "self.page(" in inspect.getsource(get) else ""


def test_a_list_costs_as_many_queries_for_twelve_rows_as_for_two(world: World, api_of: Callable[..., Any]) -> None:
    wrong = []
    for name, (row, grow) in LISTS.items():
        if name == "api-log-entries":
            continue
        api = api_of(world.people[ASKED_BY.get(name, "scientist")])
        url = reverse(name, args=[world.rows[row].pk] if row else []) + ASKED.get(name, "")
        api.get(url)  # the key's first use is noted, which costs a query of its own
        few, before = counted(api, url)
        grow(world)
        many, after = counted(api, url)
        if after <= before or many != few:
            wrong.append((name, few, before, many, after))
    assert wrong == []


def counted(api: Any, url: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(url)
    assert answer.status_code == 200, answer.content
    return len(queries), len(answer.json()["results"])
