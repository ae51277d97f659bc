"""Who is let in, for which team, and in which form refusals come."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership
from models_registry.mlflow.operations import OPERATIONS
from tests.models_registry.mlflow.conftest import Speaker

pytestmark = pytest.mark.django_db
MISSING = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_without_a_key_or_with_a_wrong_one_nothing_opens(speaker_of: Callable[..., Speaker]) -> None:
    nobody = speaker_of()
    assert nobody("GET", "mlflow/experiments/get", experiment_id="0").refusal == (401, "UNAUTHENTICATED")
    nobody.client.credentials(HTTP_AUTHORIZATION="Bearer cs_000000000000_" + 43 * "x")
    answered = nobody("GET", "mlflow/experiments/get", experiment_id="0")
    assert answered.refusal == (401, "UNAUTHENTICATED") and "This key opens nothing" in answered.body["message"]


@pytest.mark.parametrize(
    "words", ["Basic", "Basic ???", "Basic " + base64.b64encode(b"no colon").decode(), "Bearer", "Bearer a b"]
)
def test_half_an_authorization_opens_nothing(speaker_of: Callable[..., Speaker], words: str) -> None:
    nobody = speaker_of()
    nobody.client.credentials(HTTP_AUTHORIZATION=words)
    assert nobody("GET", "mlflow/experiments/get", experiment_id="0").refusal == (401, "UNAUTHENTICATED")


def test_the_key_may_be_the_password_beside_any_name(speaker_of: Callable[..., Speaker], scientist: Any, key_of: Any) -> None:
    someone = speaker_of()
    word = base64.b64encode(f"anything:{key_of(scientist)}".encode()).decode()
    someone.client.credentials(HTTP_AUTHORIZATION=f"Basic {word}")
    assert someone.start()["info"]["status"] == "RUNNING"


def test_a_key_does_what_its_scopes_say(speaker_of: Callable[..., Speaker], scientist: Any) -> None:
    """A search is a POST, but only reads."""
    reader, writer = speaker_of(scientist, "read"), speaker_of(scientist, "submit")
    assert reader("POST", "mlflow/runs/create", experiment_id="0").refusal == (403, "PERMISSION_DENIED")
    assert reader.good("POST", "mlflow/runs/search", experiment_ids=["0"])["runs"] == []
    assert writer.start()["info"]["run_id"]
    assert writer("POST", "mlflow/runs/search", experiment_ids=["0"]).refusal == (403, "PERMISSION_DENIED")


def test_every_operation_wants_a_scope(speaker_of: Callable[..., Speaker], scientist: Any) -> None:
    """Whatever is sent: a key without the operation's scope is told so before anything else."""
    client = speaker_of(scientist, "observe")
    wrong = []
    for operation in OPERATIONS:
        address = operation.address.replace("<path:path>", "a/b").replace("<str:model_id>", MISSING).replace("<str:tag_key>", "a")
        answered = client(operation.method, address)
        if answered.refusal != (403, "PERMISSION_DENIED") or "scope" not in answered.body["message"]:
            wrong.append((operation.method, operation.address, answered))
    assert wrong == []


def test_every_operation_that_writes_is_for_those_who_may(
    speaker_of: Callable[..., Speaker], make_person: Callable[..., Any], team: Any
) -> None:
    """An auditor of the team sees it and changes nothing; what is well-formed is refused, what is not there is not found."""
    auditor = speaker_of(make_person("Ann", ("auditor", team)), team="vision")
    assert auditor("POST", "mlflow/runs/create", experiment_id="0").refusal == (403, "PERMISSION_DENIED")
    assert auditor("POST", "mlflow/experiments/create", name="mine").refusal == (403, "PERMISSION_DENIED")
    assert auditor("POST", "mlflow/registered-models/create", name="mine").refusal == (403, "PERMISSION_DENIED")


# -- teams -----------------------------------------------------------------------------------------------------------------


def test_the_only_team_is_found_and_of_several_one_must_be_named(
    speaker_of: Callable[..., Speaker], scientist: Any, make_team: Callable[..., Any]
) -> None:
    assert speaker_of(scientist).start()["info"]["run_id"]
    Membership.objects.create(person=scientist, role="data_scientist", team=make_team("speech"))
    answered = speaker_of(scientist)("POST", "mlflow/runs/create", experiment_id="0")
    assert answered.refusal == (400, "INVALID_PARAMETER_VALUE")
    assert "speech, vision" in answered.body["message"] and "/teams/speech" in answered.body["message"]
    in_speech, in_vision = (speaker_of(scientist, team=slug) for slug in ("speech", "vision"))
    run = in_speech.start()["info"]["run_id"]
    assert in_speech("GET", "mlflow/runs/get", run_id=run).status == 200
    assert in_vision("GET", "mlflow/runs/get", run_id=run).refusal == (404, "RESOURCE_DOES_NOT_EXIST")


def test_who_records_nowhere_is_told_how_to_read(speaker_of: Callable[..., Speaker], auditor: Any, team: Any) -> None:
    answered = speaker_of(auditor)("GET", "mlflow/experiments/get", experiment_id="0")
    assert answered.refusal == (403, "PERMISSION_DENIED") and "/teams/TEAM" in answered.body["message"]
    assert speaker_of(auditor, team="vision").good("POST", "mlflow/experiments/search", max_results=5) == {"experiments": []}


def test_a_team_that_one_does_not_see_is_not_there(speaker_of: Callable[..., Speaker], scientist: Any, make_team: Any) -> None:
    make_team("secret")
    for slug in ("secret", "nowhere"):
        answered = speaker_of(scientist, team=slug)("GET", "mlflow/experiments/get", experiment_id="0")
        assert answered.refusal == (404, "RESOURCE_DOES_NOT_EXIST") and slug in answered.body["message"]


def test_what_belongs_to_others_is_not_there(
    speaker_of: Callable[..., Speaker], speaker: Speaker, make_person: Any, make_team: Any, register: Any
) -> None:
    version = register()
    run = version["run_id"]
    experiment = speaker.good("GET", "mlflow/runs/get", run_id=run)["run"]["info"]["experiment_id"]
    stranger = speaker_of(make_person("Eve", ("data_scientist", make_team("speech"))))
    not_found = (404, "RESOURCE_DOES_NOT_EXIST")
    assert stranger("GET", "mlflow/runs/get", run_id=run).refusal == not_found
    assert stranger("POST", "mlflow/runs/log-metric", run_id=run, key="a", value=1).refusal == not_found
    assert stranger("GET", "mlflow/experiments/get", experiment_id=experiment).refusal == not_found
    assert stranger("GET", "mlflow/registered-models/get", name="digit-reader").refusal == not_found
    assert stranger("GET", "mlflow-artifacts/artifacts", path=f"{experiment}/{run}/artifacts").refusal == not_found
    assert stranger.client.get(f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/net/MLmodel").status_code == 404
    assert stranger.put(f"mlflow-artifacts:/{experiment}/{run}/artifacts", "x", b"x").status_code == 404
    assert stranger("GET", "mlflow/model-versions/get-download-uri", name="digit-reader", version="1").refusal == not_found


# -- the form of refusals ----------------------------------------------------------------------------------------------------


def test_what_is_not_served_is_said_in_mlflows_form(speaker: Speaker) -> None:
    for method, path in (("POST", "mlflow/traces"), ("GET", "mlflow/gateway-proxy"), ("POST", "mlflow/users/create")):
        assert speaker(method, path).refusal == (404, "ENDPOINT_NOT_FOUND")
    assert speaker.client.post("/api/3.0/mlflow/traces/search", {}, format="json").json()["error_code"] == "ENDPOINT_NOT_FOUND"
    assert speaker("DELETE", "mlflow/runs/create").refusal == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"text"', "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b'{"experiment_id": "\\u0000"}', "application/json"),
        (b'{"experiment_id": "\\ud800"}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"{}", "text/plain"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(speaker: Speaker, body: bytes, content_type: str) -> None:
    answer = speaker.client.post("/api/2.0/mlflow/runs/create", body, content_type=content_type)
    assert answer.status_code in {400, 415} and set(answer.json()) == {"error_code", "message"}


def test_a_body_of_ten_megabytes_is_refused_as_a_value(speaker: Speaker) -> None:
    run = speaker.start()["info"]["run_id"]
    answered = speaker("POST", "mlflow/runs/set-tag", run_id=run, key="a", value="x" * 10_000_000)
    assert answered.refusal == (400, "INVALID_PARAMETER_VALUE") and "bytes can be sent" in answered.body["message"]
    answered = speaker("POST", "mlflow/runs/set-tag", run_id=run, key="a", value="x" * 100_000)
    assert answered.refusal == (400, "INVALID_PARAMETER_VALUE") and "at most 65,536" in answered.body["message"]


def test_the_root_says_version_and_health(speaker: Speaker) -> None:
    client = Client()
    assert client.get("/version").content == b"3.18.0" and client.get("/teams/vision/version").content == b"3.18.0"
    assert client.get("/health").content == b"OK"
    info = client.get("/api/3.0/mlflow/server-info").json()
    assert info["multipart_uploads_enabled"] is False and info["artifact_serving_enabled"] is True


WILD = ["\x00", "9" * 40, "'; --", "x" * 3000, "../../etc/passwd", "-1", "NaN", "null", "m-", "%00", "🦔", "a/b", "{}"]


def test_whatever_stands_in_a_field_there_is_no_failure(speaker: Speaker, register: Any) -> None:
    """Every field of every operation, each with some of the strange texts, numbers, lists and objects."""
    version = register()
    known = {
        "name": "digit-reader",
        "version": "1",
        "run_id": version["run_id"],
        "run_uuid": version["run_id"],
        "experiment_id": "0",
    }
    values, turn = [*WILD, -1, 10**30, 1.5, True, None, [], ["x"], {}, {"a": "b"}, [{}], [{"key": "a"}]], 0
    wrong = []
    for operation in OPERATIONS:
        address = (
            operation.address.replace("<path:path>", "versions/x").replace("<str:model_id>", "m-0").replace("<str:tag_key>", "a")
        )
        for field in operation.fields:
            turn += 1
            for value in values[turn % 4 :: 4]:
                if operation.method == "GET" and not isinstance(value, str | list):
                    continue
                given = {name: known[name] for name in operation.fields if name in known} | {field: value}
                answer = _sent(speaker, operation.method, address, given)
                good = answer.status_code in {200, 400, 403, 404, 409, 501}
                if not good or (answer.status_code != 200 and set(answer.json()) != {"error_code", "message"}):
                    wrong.append((operation.method, operation.address, field, str(value)[:20], answer.status_code))
    assert wrong == []


def _sent(speaker: Speaker, method: str, address: str, given: dict[str, Any]) -> Any:
    url = f"/api/2.0/{address}"
    if method == "GET":
        return speaker.client.get(url, given)
    return getattr(speaker.client, method.lower())(url, json.dumps(given), content_type="application/json")
