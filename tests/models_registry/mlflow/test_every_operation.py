"""Every operation of the edge under attack: keys that open nothing, browsers without a token, ids of others. The operations are
those that the table of addresses serves, so none is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.db.models import Model
from django.test import Client

from accounts.models import ApiKey
from accounts.services import revoke_key
from config.access import ACCESS, NOBODY, PUBLIC
from core.clock import now
from ledger.models import Event
from models_registry.mlflow import urls
from models_registry.mlflow.operations import OPERATIONS, Operation
from models_registry.models import ModelAlias, RegisteredModel, Version
from tests.models_registry.mlflow.conftest import Speaker
from tracking.models import Artifact, Experiment, LoggedModel, LoggedModelFile, TrainingRun

pytestmark = pytest.mark.django_db
ABSENT, UNKNOWN_KEY, DENIED = (404, "RESOURCE_DOES_NOT_EXIST"), (401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED")
OPEN = {"mlflow-version", "mlflow-health", "mlflow-server-info", "mlflow-unknown"}  # say nothing of anybody
# What an operation is never done for, whoever asks.
NEVER = {
    ("DELETE", "mlflow-artifacts/artifacts/<path:path>"): 403,
    ("DELETE", "mlflow/registered-models/delete"): 403,
    ("POST", "mlflow/model-versions/transition-stage"): 400,
    ("POST", "mlflow-artifacts/mpu/create/<path:path>"): 501,
    ("POST", "mlflow-artifacts/mpu/complete/<path:path>"): 501,
    ("POST", "mlflow-artifacts/mpu/abort/<path:path>"): 501,
    ("GET", "mlflow-artifacts/presigned/<path:path>"): 501,
}
# What names nothing that exists: whoever asks makes something in their own team, or finds what is theirs.
NAMELESS = {"mlflow/experiments/create", "mlflow/registered-models/create"}
SEARCHES = {
    "mlflow/experiments/search",
    "mlflow/model-versions/search",
    "mlflow/registered-models/search",
    "mlflow/runs/search",
    "mlflow/logged-models/search",
}


@pytest.fixture
def things(speaker: Speaker, register: Callable[..., Any]) -> dict[str, str]:
    """One of everything that an id or a name can mean, in the scientist's team."""
    version = register()
    run = version["run_id"]
    experiment = speaker.run({"info": {"run_id": run}})["info"]["experiment_id"]
    model = speaker.good("POST", "mlflow/logged-models", experiment_id=experiment, name="net", source_run_id=run)["model"]
    assert speaker.put(model["info"]["artifact_uri"], "MLmodel", b"flavors: {}").status_code == 200
    speaker.good("POST", "mlflow/registered-models/alias", name="digit-reader", alias="best", version="1")
    speaker.good("POST", "mlflow/runs/log-metric", run_id=run, key="loss", value=1.0, timestamp=1)
    for kind in ("experiments/set-experiment-tag", "runs/set-tag"):
        speaker.good("POST", f"mlflow/{kind}", experiment_id=experiment, run_id=run, key="tag", value="x")
    speaker.good("PATCH", f"mlflow/logged-models/{model['info']['model_id']}/tags", tags=[{"key": "tag", "value": "x"}])
    return {"experiment": experiment, "run": run, "model": model["info"]["model_id"], "files": f"{experiment}/{run}/artifacts"}


def given(operation: Operation, of: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The operation's address and a whole body that names these things. A field that is new here must be given a value."""
    points = [{"key": "loss", "value": 2.0, "timestamp": 2, "step": 1}]
    values: dict[str, Any] = {
        "experiment_id": of["experiment"],
        "experiment_ids": [of["experiment"]],
        "experiment_name": "Default",
        "run_id": [of["run"]] if "bulk" in operation.address else of["run"],
        "run_ids": [of["run"]],
        "source_run_id": of["run"],
        "model_id": of["model"],
        "name": "new" if operation.address in NAMELESS | {"mlflow/logged-models"} else "digit-reader",
        "new_name": "other",
        "version": "1",
        "alias": "best",
        "source": f"runs:/{of['run']}/net",
        "path": "net" if operation.address == "mlflow/artifacts/list" else of["files"],
        "artifact_directory_path": "",
        "key": "tag",
        "tag_key": "tag",
        "value": 1.0 if operation.address.endswith("log-metric") else "x",
        "metric_key": "loss",
        "metrics": points,
        "models": [{"model_id": of["model"], "step": 1}],
        "model_json": '{"a": 1}',
        "status": "LOGGED_MODEL_READY" if "logged-models" in operation.address else "FINISHED",
        "stage": "Archived",
        "timestamp": 3,
        "params": [{"key": "lr", "value": "0.1"}],
        "tags": [{"key": "tag", "value": "y"}],
        "datasets": [],
        "description": "Words.",
    }
    if operation.address == "mlflow/model-versions/create":
        del values["model_id"]
    path = f"{of['files']}/net/MLmodel"
    address = (
        operation.address.replace("<path:path>", path).replace("<str:model_id>", of["model"]).replace("<str:tag_key>", "tag")
    )
    named = {"path", "model_id", "tag_key"} if "<" in operation.address else set()
    return address, {name: values[name] for name in operation.fields if name in values and name not in named}


def send(client: Any, operation: Operation, of: dict[str, str], *, root: str = "") -> Any:
    address, body = given(operation, of)
    url = f"{root}/api/2.0/{address}"
    if operation.method == "GET":
        return client.get(f"{url}?{urlencode(body, doseq=True)}")
    if operation.method == "PUT":
        return client.put(url, b"bytes of somebody", content_type="application/octet-stream")
    return getattr(client, operation.method.lower())(url, json.dumps(body), content_type="application/json")


def refusal(answer: Any) -> tuple[int, str]:
    """The status and the code; MLflow's form, and nothing else."""
    if answer.status_code == 200:
        return 200, ""
    body = json.loads(answer.content)
    assert set(body) == {"error_code", "message"} and body["message"], body
    return answer.status_code, body["error_code"]


def rows() -> Iterator[tuple[str, int]]:
    """How many of everything that the edge can make."""
    kinds: tuple[type[Model], ...] = (
        *(Experiment, TrainingRun, Artifact, LoggedModel, LoggedModelFile, RegisteredModel, Version, ModelAlias, Event),
    )
    for kind in kinds:
        yield kind.__name__, kind._default_manager.count()


def wrong(client: Any, of: dict[str, str], *, expected: tuple[int, str], root: str = "") -> list[Any]:
    """The operations that answer otherwise."""
    answers = [(one.method, one.address, refusal(send(client, one, of, root=root))) for one in OPERATIONS]
    return [answer for answer in answers if answer[2] != expected]


# -- what is served -------------------------------------------------------------------------------------------------------------


def test_every_address_of_the_table_is_an_operation_that_is_attacked_here_or_open_to_all() -> None:
    routes = {str(pattern.name) for pattern in urls.served}
    assert routes == {one.route for one in OPERATIONS} | OPEN
    assert all(ACCESS[name].reads == PUBLIC and ACCESS[name].writes in {NOBODY, PUBLIC} for name in OPEN)
    assert all(PUBLIC not in (ACCESS[one.route].reads, ACCESS[one.route].writes) for one in OPERATIONS)


def test_their_owner_is_answered_by_every_operation(speaker: Speaker, things: dict[str, str]) -> None:
    """Else the attacks below would be refused for what they send, and not for who sends it."""
    answers = {}
    for one in OPERATIONS:
        before = transaction.savepoint()
        answers[one.method, one.address] = refusal(send(speaker.client, one, things))[0]
        transaction.savepoint_rollback(before)  # what it took away is there for the next
    assert {key: status for key, status in answers.items() if status != NEVER.get(key, 200)} == {}


# -- keys ------------------------------------------------------------------------------------------------------------------------


def test_an_expired_key_opens_nothing(speaker: Speaker, things: dict[str, str]) -> None:
    ApiKey.objects.update(created_at=now() - timedelta(days=2), expires_at=now() - timedelta(seconds=1))
    before = dict(rows())
    assert wrong(speaker.client, things, expected=UNKNOWN_KEY) == []
    assert dict(rows()) | {"Event": 0} == before | {"Event": 0}  # refused keys are counted, a source and minute at a time


def test_a_revoked_key_opens_nothing(speaker: Speaker, things: dict[str, str], scientist: Any) -> None:
    revoke_key(ApiKey.objects.get(), by=scientist)
    before = dict(rows())
    assert wrong(speaker.client, things, expected=UNKNOWN_KEY) == []
    assert dict(rows()) | {"Event": 0} == before | {"Event": 0}


def test_a_key_of_somebody_who_left_opens_nothing(speaker: Speaker, things: dict[str, str], scientist: Any) -> None:
    type(scientist).objects.filter(pk=scientist.pk).update(is_active=False)
    assert wrong(speaker.client, things, expected=UNKNOWN_KEY) == []


def test_a_key_without_the_scope_does_nothing(speaker_of: Callable[..., Speaker], things: dict[str, str], scientist: Any) -> None:
    """A key that reads writes nothing, one that writes reads nothing, and one for other things does neither."""
    before = dict(rows())
    for scopes in (["observe"], ["read"], ["submit"]):
        client = speaker_of(scientist, *scopes).client
        closed = [one for one in OPERATIONS if one.scope.value not in scopes]
        answers = [(one.method, one.address, refusal(send(client, one, things))) for one in closed]
        assert [answer for answer in answers if answer[2] != DENIED] == [], scopes
    assert dict(rows()) | {"Event": 0} == before | {"Event": 0}


# -- browsers ---


def test_a_session_is_no_key(client_of: Callable[..., Any], things: dict[str, str], scientist: Any) -> None:
    """Another site's page, in the browser of somebody who is signed in, does and reads nothing: with the token neither."""
    before = dict(rows())
    for checks in (True, False):
        client: Client = client_of(scientist, enforce_csrf_checks=checks)
        assert wrong(client, things, expected=UNKNOWN_KEY) == []
        assert wrong(client, things, expected=UNKNOWN_KEY, root="/teams/vision") == []
    assert dict(rows()) == before


# -- what is others' ---


@pytest.fixture
def eve(make_person: Any, make_team: Any) -> Any:
    """A data scientist of another team, whose own things have the same names as some of those that she asks for."""
    return make_person("Eve", ("data_scientist", make_team("speech")))


def test_what_is_others_is_not_there(speaker_of: Callable[..., Speaker], things: dict[str, str], eve: Any) -> None:
    """Their ids are as good as ids of nothing; a search finds nothing of theirs; nothing of theirs has changed."""
    client, before = speaker_of(eve).client, dict(rows())
    told = []
    for one in OPERATIONS:
        if one.address in NAMELESS or ((one.method, one.address) in NEVER and NEVER[one.method, one.address] == 501):
            continue
        answer = send(client, one, things)
        status, code = refusal(answer)
        if one.address in SEARCHES:
            found = json.loads(answer.content)
            fine = (status, code) == ABSENT or (status == 200 and things["run"] not in str(found) and "digit" not in str(found))
        else:
            fine = (status, code) == ABSENT or (status, code) == (NEVER.get((one.method, one.address)), DENIED[1])
        if not fine:
            told.append((one.method, one.address, status, code, answer.content[:200]))
    assert told == []
    assert dict(rows()) == before


def test_the_team_of_others_is_not_there(speaker_of: Callable[..., Speaker], things: dict[str, str], eve: Any) -> None:
    client = speaker_of(eve).client
    assert wrong(client, things, expected=ABSENT, root="/teams/vision") == []
    assert wrong(client, things, expected=ABSENT, root="/teams/nowhere") == []


def test_ids_of_nothing_are_not_there(speaker: Speaker, things: dict[str, str]) -> None:
    nothing = "01890a5d-ac96-774b-bcce-b302099a8057"
    of = {
        "experiment": nothing,
        "run": nothing,
        "model": f"m-{nothing.replace('-', '')}",
        "files": f"{nothing}/{nothing}/artifacts",
    }
    named = {"run_id", "run_ids", "experiment_id", "model_id", "source_run_id", "source"}
    answers = [(one.method, one.address, refusal(send(speaker.client, one, of))) for one in OPERATIONS if named & set(one.fields)]
    assert [answer for answer in answers if answer[2] != ABSENT] == []
