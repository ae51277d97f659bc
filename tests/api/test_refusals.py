"""Whatever cannot be read, is not answered or is beyond measure is refused with a problem, never with a failure."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"
MODELS = "/api/v1/models/"


def is_problem(answer: Any, status: int, code: str = "") -> None:
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM), answer.content[:500]
    found = answer.json()
    assert found["status"] == status
    assert all(found[name] for name in ("type", "title", "code", "detail"))
    assert not code or found["code"] == code, found


def post(client: Any, body: bytes | str, content_type: str = "application/json", url: str = MODELS, **headers: str) -> Any:
    return client.generic("POST", url, body, content_type=content_type, **headers)


@pytest.fixture
def api(api_of: Any, scientist: Any) -> Any:
    return api_of(scientist)


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[1,]", "nonsense", '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', '{"name": "a", "name": "b"}'),
        *(b'{"name": "\xff\xfe"}', "﻿{}".encode("utf-16"), "[" * 100_000, '{"a":' * 50_000, "9" * 5000),
    ],
)
def test_what_is_no_json_is_unreadable(api: Any, body: bytes | str) -> None:
    is_problem(post(api, body), 422 if not body else 400, "" if not body else "unreadable")


@pytest.mark.parametrize(
    "value",
    [
        *('"\\u0000"', '"\\ud800"', '{"\\u0000": 1}', '{"\\udfff": 1}', str(2**63), str(-(2**70)), "[" * 40 + "]" * 40),
    ],
)
def test_what_nothing_behind_can_keep_is_refused_at_once(api: Any, team: Any, value: str) -> None:
    body = f'{{"team": "{team.pk}", "name": "run", "params": {{"x": {value}}}}}'
    answer = post(api, body, url="/api/v1/runs/")
    is_problem(answer, 422)
    assert answer.json()["detail"].startswith(("A text contains", "A number is beyond", "The JSON is nested"))


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "null", "true"])
def test_json_of_another_shape_is_refused(api: Any, body: str) -> None:
    is_problem(post(api, body), 422)


def test_a_misspelt_field_is_named_with_the_one_that_was_meant(api: Any) -> None:
    answer = post(api, '{"nmae": "digit-reader"}')
    is_problem(answer, 422, "invalid_input")
    assert "Did you mean name?" in str(answer.json()["errors"]["nmae"])


@pytest.mark.parametrize(
    "query", ["?enviroment=staging", "?environment=staging&environment=production", "?environment=%00", "?format=html", "?%00=1"]
)
def test_a_parameter_that_is_unknown_or_doubled_is_never_ignored(api: Any, query: str) -> None:
    digest = "&digest=sha256:" + "0" * 64
    is_problem(api.get(reverse("api-gate") + query + digest), 422)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", ""])
def test_other_media_types_are_415(api: Any, content_type: str) -> None:
    is_problem(post(api, '{"name": "x"}', content_type=content_type), 415)


def test_other_charsets_are_read_as_what_json_is(api: Any) -> None:
    is_problem(post(api, '{"name": "é"}'.encode("latin-1"), content_type="application/json; charset=latin-1"), 400)
    is_problem(post(api, "{}", content_type="application/json; charset=bz2_codec"), 422)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
def test_other_methods_are_405_and_say_which_are_answered(api: Any, method: str) -> None:
    answer = api.generic(method, MODELS)
    is_problem(answer, 405)
    assert answer["Allow"] == "GET, POST, HEAD"


def test_a_body_beyond_the_limit_is_413(api: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    is_problem(post(api, json.dumps({"name": "x" * 2000})), 413, "too_large")


@pytest.mark.parametrize(
    "address", ["nonsense/", "models/not-an-id/", "log/entries/-1/", f"models/{UUID(int=0)}/", "log/entries/1e9/"]
)
def test_unknown_addresses_are_404(api: Any, address: str) -> None:
    is_problem(api.get(f"/api/v1/{address}"), 404)


def test_a_place_beyond_every_log_is_404(api: Any) -> None:
    is_problem(api.get(f"/api/v1/log/entries/{10**40}/"), 404)
    is_problem(api.get(f"/api/v1/log/entries/{2**63}/"), 404)


def test_nothing_acceptable_is_406(api: Any) -> None:
    is_problem(api.get(MODELS, HTTP_ACCEPT="text/html"), 406)


@pytest.mark.parametrize("key", ["", "nonsense", "cs_" + "0" * 12 + "_" + "x" * 43, "a b", "\xff", "é" * 50])
def test_a_wrong_key_is_401_and_says_how_keys_are_sent(api_of: Any, key: str) -> None:
    answer = api_of(None).get(MODELS, HTTP_AUTHORIZATION=f"Bearer {key}")
    is_problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


# -- pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(make_model: Any) -> list[str]:
    return [str(make_model(f"model-{number}").pk) for number in range(3)]


@pytest.mark.parametrize("size", ["0", "-1", "201", "1.5", "", "ten", "9" * 30, "²", " 5"])
def test_a_page_of_no_possible_size_is_422(api: Any, size: str) -> None:
    is_problem(api.get(MODELS, {"page_size": size}), 422, "invalid_input")


@pytest.mark.parametrize(
    "cursor",
    [
        *("nonsense", "", "%%%", "=" * 9, "é", "x" * 5000),
        *(
            b64encode(text.encode()).decode()
            for text in ("p=nonsense", "p=%00", "o=-1", "o=x", "r=x", "o=9" * 30, "p=" + "9" * 99)
        ),
    ],
)
def test_a_cursor_that_nothing_gave_out_is_404_or_the_first_page(api: Any, three: Any, cursor: str) -> None:
    answer = api.get(MODELS, {"cursor": cursor})
    if answer.status_code != 200:
        is_problem(answer, 404)
    assert api.get("/api/v1/log/entries/", {"cursor": cursor}).status_code in {200, 404}


def test_pages_lead_through_every_row_once_and_back(api: Any, three: list[str]) -> None:
    first = api.get(MODELS, {"page_size": 2}).json()
    second = api.get(first["next"]).json()
    assert [row["id"] for page in (first, second) for row in page["results"]] == three[::-1]
    assert (first["previous"], second["next"]) == (None, None)
    assert api.get(second["previous"]).json()["results"] == first["results"]


def test_a_row_that_came_meanwhile_moves_no_page(api: Any, three: list[str], make_model: Any) -> None:
    first = api.get(MODELS, {"page_size": 2}).json()
    make_model("late")
    assert [row["id"] for row in api.get(first["next"]).json()["results"]] == three[:1]
