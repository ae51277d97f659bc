"""Generated requests to every operation, as each role, on a site with content: never a failure, always what is described."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.description import description
from tests.api.world import PEOPLE, World

pytestmark = pytest.mark.django_db
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 3  # for each operation, role and mode: valid and broken
# Which rows an address or a field may name, so that generated requests reach what lies behind "not found".
BEHIND = {
    "dataset-versions": ("data", "draft_data"),
    "datasets": ("dataset",),
    "runs": ("run",),
    "models": ("model",),
    "versions": ("live", "waiting", "draft", "early"),
    "resamplings": ("resampling",),
    "evaluations": ("evaluation", "waiting_run"),
    "reviews": ("review",),
    "evidence": ("evidence",),
    "risk-assessments": ("assessment",),
    "reports": ("report",),
    "alerts": ("alert",),
    "keys": ("key",),
    "code-comments": ("code_comment",),
    "conditions": ("condition", "reported"),
    "findings": ("finding", "mended"),
    "messages": ("question",),
    "policies": ("policy_draft",),
    "sign-offs": ("signature",),
    "delegations": ("delegation",),
    "exceptions": ("exception", "standing"),
    "change-envelopes": ("change_envelope", "active_envelope"),
    "webhooks": ("webhook", "stopped_webhook"),
}
FIELDS = {
    "team": ("team",),
    "version": ("live", "early"),
    "dataset_version": ("data", "labels"),
    "to_version": ("labels",),
    "run": ("run",),
    "model": ("model",),
}


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


class Sender:
    """Generated cases, made to name what exists in about half of the cases, sent as one person."""

    def __init__(self, world: World, person: str, key: str, failures: list[str]) -> None:
        self.world, self.person, self.key, self.failures = world, person, key, failures
        self.random = random.Random(f"{person} is always tried with the same rows")  # noqa: S311 - a seed, no secret
        self.app = get_wsgi_application()
        self.statuses: dict[int, int] = {}

    def row(self, names: tuple[str, ...]) -> str:
        name = self.random.choice(names)
        return str(self.world.team.pk if name == "team" else self.world.rows[name].pk)

    def fill(self, case: Any) -> None:
        if case.path_parameters and "id" in case.path_parameters and self.random.random() < 0.7:
            segment = re.search(r"/v1/([a-z-]+)/", case.path)
            if segment and segment[1] == "people":
                case.path_parameters["id"] = str(self.world.people[self.random.choice(PEOPLE)].pk)
            elif segment:
                case.path_parameters["id"] = self.row(BEHIND[segment[1]])
        for part in (case.body, case.query):
            if isinstance(part, dict):
                self._fill_fields(part)

    def _fill_fields(self, part: dict[str, Any]) -> None:
        for name, value in list(part.items()):
            if name in FIELDS and self.random.random() < 0.8:
                part[name] = self.row(FIELDS[name])
            elif name == "digest" and self.random.random() < 0.5:
                part[name] = self.world.live.checkpoint_digest
            elif isinstance(value, dict):
                self._fill_fields(value)
            elif isinstance(value, list):
                for one in value:
                    if isinstance(one, dict):
                        self._fill_fields(one)

    def send(self, case: Any) -> None:
        self.fill(case)
        if self.key:
            case.headers["Authorization"] = f"Bearer {self.key}"
        answer = case.call(app=self.app, base_url="http://testserver")
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Exception, FailureGroup) as failure:  # every failure of a run is told at once
            said = re.sub(r"cs_[0-9a-f]{12}_\S+", "cs_…", str(failure))
            self.failures.append(f"{self.person}: {case.method} {case.formatted_path}\n{said[:1500]}")


def _modes() -> list[Any]:
    return [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


def try_everything(sender: Sender, schema: Any) -> None:
    quiet = hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    for operation in operations(schema):
        for mode in _modes():
            if mode == schemathesis.GenerationMode.NEGATIVE and not _can_be_broken(operation):
                continue

            @quiet
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def one(case: Any) -> None:
                sender.send(case)

            one()


def _can_be_broken(operation: Any) -> bool:
    """Whether there is anything typed that could be given wrongly (a raw body takes every byte)."""
    definition = operation.definition.raw
    return bool(definition.get("parameters")) or "application/json" in definition.get("requestBody", {}).get("content", {})


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests stay in the transaction of the test, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(json.loads(json.dumps(description(), default=str)))


@pytest.mark.parametrize("person", [*PEOPLE[:1], *PEOPLE[2:], "anonymous"])  # the second scientist is like the first
def test_no_generated_request_breaks_the_site(
    person: str, schema: Any, world: World, key_of: Callable[..., str], one_connection: None
) -> None:
    key = "" if person == "anonymous" else key_of(world.people[person])
    sender = Sender(world, person, key, failures := [])
    try_everything(sender, schema)
    assert not failures, f"{len(failures)} failures\n\n" + "\n\n".join(failures[:5])
    assert sum(sender.statuses.values()) > 200
    if person == "anonymous":
        assert set(sender.statuses) <= {200, 401, 404, 405, 406, 422}
    elif person == "scientist":
        assert {200, 201, 403, 404, 422} <= set(sender.statuses), "the requests reach what lies behind"
