"""The API describes itself completely: a machine validates it, a person can read it."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import URLPattern, reverse

from config.description import description, operations, problem_codes
from core.api import ApiView
from tests.config.test_access import ROUTES

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def described() -> list[tuple[str, str, dict[str, Any]]]:
    return [(address, method, one) for address, methods in description()["paths"].items() for method, one in methods.items()]


def test_the_description_is_valid_and_nothing_in_it_is_guessed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # drf-spectacular's own validator is deprecated by its author
        call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for address, method, one in described():
        name = f"{method} {address}"
        assert one.get("description"), name
        assert len(one["tags"]) == 1, name
        refusals = {status: answer for status, answer in one["responses"].items() if not status.startswith("2")}
        assert {"406", "422"} <= set(refusals), name
        assert all(answer["content"] == PROBLEM for answer in refusals.values()), name
        if one.get("security") and {} not in one["security"]:
            assert {"401", "403"} <= set(refusals), name
        if "requestBody" in one:
            assert {"400", "413", "415"} <= set(refusals), name
        if method != "get":
            assert {"409", "429"} <= set(refusals), name


def test_every_list_comes_in_pages() -> None:
    for address, method, one in described():
        schema = one["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        shape = description()["components"]["schemas"].get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
        assert shape.get("type") != "array", f"{method} {address}"
        if "results" in shape.get("properties", {}):
            assert {"cursor", "page_size"} <= {parameter["name"] for parameter in one["parameters"]}
            assert shape["required"] == ["next", "previous", "results"]


def test_the_parameters_that_are_described_are_those_that_are_taken() -> None:
    """A view refuses query parameters that it does not name in `queries`; the description names the same."""
    taken: dict[str, set[str]] = {}
    views: dict[str, Any] = {}
    for name, pattern in ROUTES.items():
        view = getattr(pattern.callback, "cls", None)
        if isinstance(pattern, URLPattern) and view is not None and issubclass(view, ApiView):
            views[_template(name, pattern)] = view
    for address, _method, one in described():
        found = {parameter["name"] for parameter in one.get("parameters", []) if parameter["in"] == "query"}
        taken.setdefault(re.sub(r"\{\w+\}", "{}", address), set()).update(found - {"cursor", "page_size"})
    assert {address: set(view.queries) for address, view in views.items() if address in taken} == taken


def _template(name: str, pattern: URLPattern) -> str:
    samples = {"pk": "01890a5d-ac96-774b-bcce-b302099a8057", "index": "77777", "number": "66666", "path": "55555"}
    samples["digest"] = "sha256:44444"
    samples["slug"] = "a-slug"
    samples["kind"] = "kind-33333"
    address = reverse(name, kwargs={each: samples[each] for each in pattern.pattern.regex.groupindex})
    for sample in samples.values():
        address = address.replace(sample, "{}")
    return address


def test_no_password_and_no_key_is_described_as_an_answer() -> None:
    shown = [
        (one.address, field.name)
        for one in operations()
        for shape in one.shapes
        if shape.status
        for field in shape.fields
        if re.search("password|secret", field.name)
    ]
    assert shown == []


@pytest.mark.django_db
def test_the_page_shows_every_operation_and_every_code_to_everybody(client_of: Any) -> None:
    answer = client_of().get(reverse("api-docs"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert [one.address for one in operations() if f"{one.method} {one.address}" not in page] == []
    assert [one.code for one in problem_codes() if f'id="problem-{one.code}"' not in page] == []
    assert "<script" not in page.split("<main")[1]


@pytest.mark.django_db
def test_the_description_is_public_json(client_of: Any) -> None:
    answer = client_of().get(reverse("api-schema"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json()["paths"].keys() == description()["paths"].keys()


def test_the_types_of_problems_lead_to_their_place_in_the_page() -> None:
    codes = {one.code: one.status for one in problem_codes()}
    assert (codes["scope_missing"], codes["wrong_state"], codes["own_submission"]) == (403, 409, 403)
    assert all(one.sentence.strip(" .") and "%(" not in one.sentence for one in problem_codes())
