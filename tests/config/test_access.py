"""One table says who may open each route; the site is held to it, route by route and person by person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.roles import Scope
from config.access import ACCESS, NOBODY, PUBLIC, SIGNED_IN
from tests.api.world import PEOPLE, ROLE_OF, World
from tests.config.attempts import ATTEMPTS, Attempt

pytestmark = pytest.mark.django_db
ABSENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
WRITES = {"post", "put", "patch", "delete"}
ALLAUTH = ("account_", "mfa_")  # tested with what they do, in tests/accounts
MLFLOW = "mlflow-"  # each of its operations is tried by each person in tests/models_registry/mlflow


def routes(resolver: Any = None, above: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    """Every named route of the site, with its namespace."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, (*above, pattern.namespace) if pattern.namespace else above)
        else:
            yield ":".join([*above, pattern.name or f"unnamed {pattern.pattern}"]), pattern


ROUTES = dict(routes())


def methods_of(pattern: URLPattern) -> set[str]:
    """The methods that an API class answers; pages are asked with both GET and POST."""
    view = getattr(pattern.callback, "cls", None)
    return {name for name in ("get", *sorted(WRITES)) if hasattr(view, name)} if view else {"get", "post"}


def address(name: str, pattern: URLPattern) -> str:
    """An address of the route that names nothing which exists."""
    samples = {
        "model_id": str(ABSENT),
        "tag_key": "a",
        "pk": ABSENT,
        "index": 999_999,
        "number": 99,
        "slug": "nowhere",
        "theme": "light",
        "path": "a/b",
        "digest": "sha256:" + "0" * 64,
        "kind": "dpia",
    }
    arguments = {each: samples[each] for each in pattern.pattern.regex.groupindex}
    if name in {"evaluations:chart", "monitoring:chart"}:
        arguments["pk"] = 999_999
    if name == "resampling:chart":
        arguments["pk"] = str(ABSENT)
    return reverse(name, kwargs=arguments)


def test_every_route_stands_in_the_table_and_nothing_else() -> None:
    assert set(ROUTES) == set(ACCESS)


def test_the_table_writes_where_the_api_answers_a_writing_method() -> None:
    wrong = []
    for name, pattern in ROUTES.items():
        if getattr(pattern.callback, "cls", None) is not None:
            found = methods_of(pattern)
            if ("get" in found) != (ACCESS[name].reads != NOBODY) or bool(found & WRITES) != (ACCESS[name].writes != NOBODY):
                wrong.append(name)
    assert wrong == []


def test_without_sign_in_only_what_is_public_opens(client_of: Callable[..., Any]) -> None:
    """401 in the API, the way to sign in for a page; and what is public does open."""
    wrong = []
    client = client_of()
    for name, pattern in ROUTES.items():
        for method in sorted(methods_of(pattern)):
            who = ACCESS[name].reads if method == "get" else ACCESS[name].writes
            answer = getattr(client, method)(address(name, pattern))
            if who == PUBLIC:
                refused = answer.status_code in {401, 403} or "/accounts/login/?next" in answer.get("Location", "")
            elif ACCESS[name].reads == PUBLIC and method != "get":  # a public page that nobody writes to
                refused = answer.status_code == 405
            elif name.startswith(MLFLOW):
                refused = answer.status_code == 401 and answer.json()["error_code"] == "UNAUTHENTICATED"
            elif name.startswith("api-"):
                refused = answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
            else:
                refused = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next=")
            if refused == (who == PUBLIC):
                wrong.append((name, method, answer.status_code))
    assert wrong == []


def test_every_route_that_changes_something_is_tried() -> None:
    tried = {attempt.route for attempt in ATTEMPTS}
    changing = {
        name
        for name, access in ACCESS.items()
        if access.writes not in {NOBODY, PUBLIC} and not name.startswith((*ALLAUTH, MLFLOW))
    }
    assert tried == changing


def may_write(person: str, attempt: Attempt) -> bool:
    writes = ACCESS[attempt.route].writes
    return writes == SIGNED_IN or ROLE_OF[person] in writes


@pytest.fixture
def send(api_of: Callable[..., Any], client_of: Callable[..., Any], story: Callable[[], list[str]]) -> Callable[..., Any]:
    """`send(attempt, world, person)`: the answer and what was recorded; afterwards everything is as it was before."""
    # Every row that is made stands in the transaction of the test, so going back to a savepoint takes it away.
    clients: dict[tuple[str, bool], Any] = {}

    def one(attempt: Attempt, world: World, name: str, *scopes: str, **options: Any) -> tuple[Any, list[str]]:
        person = world.people[name]
        key = (name, attempt.is_api)
        if scopes or options or key not in clients:
            found = api_of(person, *scopes) if attempt.is_api and not options else client_of(person, **options)
            if scopes or options:
                return _sent(attempt, world, found)
            clients[key] = found
        return _sent(attempt, world, clients[key])

    def _sent(attempt: Attempt, world: World, client: Any) -> tuple[Any, list[str]]:
        before = len(story())
        point = transaction.savepoint()
        answer = attempt.send(client, world)
        told = story()[before:]
        transaction.savepoint_rollback(point)
        return answer, told

    return one


def test_only_those_whom_the_table_names_change_anything(world: World, send: Callable[..., Any]) -> None:
    """With one and the same request the right person succeeds, and nobody without one of the roles does."""
    wrong = []
    for attempt in ATTEMPTS:
        answer, told = send(attempt, world, attempt.may)
        if answer.status_code >= 400 or "attempt.refused" in told or bool(told) != attempt.tells:
            wrong.append(("should succeed", attempt.route, attempt.may, answer.status_code, answer.content[:300]))
        for person in PEOPLE:
            if may_write(person, attempt):
                continue
            answer, told = send(attempt, world, person)
            # A page may say why on the thing's own page (302); a form that offers nothing to this person is 422.
            refused = {403, 404, 405} if attempt.is_api else {303, 403, 404, 405, 422}
            if attempt.route in TEAM_IN_BODY and person in {"stranger", "admin"}:
                refused |= {422}
            if answer.status_code not in refused or not set(told) <= {"attempt.refused"}:
                wrong.append((attempt.route, attempt.method, person, answer.status_code, told, answer.content[:300]))
    assert not wrong, "\n".join(map(str, wrong))


TEAM_IN_BODY = {
    "api-datasets",
    "api-runs",
    "api-roles",
    "api-delegations",
    "api-experiments",
}  # for a stranger, and for an administrator's data, no such team: 422


def test_a_key_does_only_what_its_scopes_say(world: World, send: Callable[..., Any]) -> None:
    wrong = []
    for attempt in ATTEMPTS:
        if not attempt.is_api:
            continue
        view = ROUTES[attempt.route].callback.cls  # type: ignore[attr-defined]  # API routes are classes
        others = [scope for scope in Scope.values if scope != view.write_scope]
        answer, told = send(attempt, world, attempt.may, *others)
        if answer.status_code != 403 or answer.json()["code"] != "scope_missing" or told:
            wrong.append((attempt.route, answer.status_code, told))
    assert wrong == []


def test_a_key_without_the_scope_to_read_reads_nothing(world: World, api_of: Callable[..., Any]) -> None:
    client = api_of(world.people["auditor"], "submit", "observe", "govern")
    wrong = []
    for name, pattern in ROUTES.items():
        if name.startswith("api-") and ACCESS[name].reads not in {NOBODY, PUBLIC}:
            answer = client.get(address(name, pattern))
            if (answer.status_code, answer.json()["code"]) != (403, "scope_missing"):
                wrong.append((name, answer.status_code))
    assert wrong == []


def test_a_session_changes_nothing_without_its_token(world: World, send: Callable[..., Any]) -> None:
    """Another site's form, sent by a signed-in person's browser, is refused."""
    wrong = []
    for attempt in ATTEMPTS:
        answer, told = send(attempt, world, attempt.may, enforce_csrf_checks=True)
        if answer.status_code != 403 or told:
            wrong.append((attempt.route, answer.status_code, told))
    assert wrong == []


def test_who_reads_only_by_role_is_refused_without_it(world: World, api_of: Callable[..., Any], client_of: Any) -> None:
    """Routes that name roles for reading answer nobody else of the same team."""
    on = {
        "api-checkpoint": world.live,
        "api-predictions": world.evaluation,
        "governance:revise_card": world.waiting,
        "settings:person": world.people["scientist"],
        "governance:finish": world.draft,
        "governance:webhook": world.webhook,
        "api-webhook": world.webhook,
        "api-webhook-deliveries": world.webhook,
        "governance:assess": world.model,
        "models_registry:run_registration": world.ended_run,
        "models_registry:clone": world.live,
        **dict.fromkeys(("api-policy-dry-run", "governance:policy_edit", "governance:policy_dry_run"), world.policy_draft),
    }
    wrong = []
    for name, access in ACCESS.items():
        if not isinstance(access.reads, frozenset):
            continue
        url = reverse(name, args=[on[name].pk] if name in on else [])
        for person in PEOPLE:
            client = (api_of if name.startswith("api-") else client_of)(world.people[person])
            allowed = ROLE_OF[person] in access.reads
            if (client.get(url).status_code == 200) != allowed:
                wrong.append((name, person))
    assert wrong == []


def test_a_stranger_sees_nothing_of_a_team(world: World, api_of: Callable[..., Any], client_of: Callable[..., Any]) -> None:
    """Each thing's address is 404 for whoever signs in without any role, and every list is empty."""
    rows = world.rows
    of = {
        "api-dataset-versions": "dataset",
        "api-dataset-version": "data",
        "api-dataset-links": "data",
        "api-pii-findings": "data",
        "api-run": "run",
        "api-run-series": "run",
        "api-run-artifacts": "run",
        "api-model": "model",
        "api-versions": "model",
        "api-version": "live",
        "api-checkpoint": "live",
        "api-cards": "live",
        "api-evaluations": "live",
        "api-resamplings": "live",
        "api-resampling": "resampling",
        "resampling:version": "live",
        "api-evaluation": "evaluation",
        "api-predictions": "evaluation",
        "api-approval": "live",
        "api-review": "review",
        "api-evidence-list": "model",
        "api-risk-assessments": "model",
        "api-risk-assessment": "assessment",
        "governance:assessments": "model",
        "governance:assessment": "assessment",
        "api-evidence": "evidence",
        "api-evidence-file": "evidence",
        "governance:evidence": "model",
        "governance:change_envelopes": "model",
        "api-change-envelopes": "model",
        **dict.fromkeys(
            ("governance:change_envelope", "api-change-envelope", "api-change-envelope-decisions"), "change_envelope"
        ),
        "governance:evidence_file": "evidence",
        "api-report": "report",
        **dict.fromkeys(("api-policy", "api-policy-yaml", "api-policy-envelope"), "policy_draft"),
        **dict.fromkeys(("governance:policy", "governance:policy_changes", "governance:policy_yaml"), "policy_draft"),
        "api-report-pdf": "report",
        **dict.fromkeys(
            ("governance:suspend", "governance:new_review", "governance:retire", "governance:release_in_emergency"), "live"
        ),
        "governance:review": "review",
        "governance:model_releases": "model",
        "governance:code": "waiting",
        "api-code": "waiting",
        "api-code-comments": "waiting",
        "api-code-outcomes": "waiting",
        "api-messages": "review",
        "evaluations:checks": "live",
        "monitoring:version": "live",
        "models_registry:model": "model",
        "models_registry:version": "live",
        "models_registry:evidence": "live",
        "models_registry:clone": "live",
        "api-version-clones": "live",
        "models_registry:history": "live",
        "data_registry:dataset": "dataset",
        "tracking:run": "run",
        "audit:report": "report",
        "audit:report_pdf": "report",
    }
    stranger = world.people["stranger"]
    api, page = api_of(stranger), client_of(stranger)
    seen = [
        name for name, row in of.items()
        if (api if name.startswith("api-") else page).get(reverse(name, args=[rows[row].pk])).status_code != 404
    ]  # fmt: skip
    assert seen == []
    lists = ["datasets", "runs", "experiments", "models", "reviews", "releases", "observations", "alerts", "reports"]
    assert [name for name in lists if api.get(reverse(f"api-{name}")).json()["results"] != []] == []
    own = {one["actor"]["id"] for one in api.get(reverse("api-log-entries")).json()["results"]}
    assert own <= {str(stranger.pk)}
    answer = api.get(reverse("api-gate"), {"digest": world.live.checkpoint_digest, "environment": "production"})
    assert (answer.status_code, answer.json()["allowed"], answer.json()["version"]) == (200, False, None)
