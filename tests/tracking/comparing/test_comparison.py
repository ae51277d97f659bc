"""Runs side by side, on the page and over REST."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest

from core.blobs import keep
from tests.conftest import TOP_BAR
from tracking import services
from tracking.models import Artifact

PAGE, API = "/runs/compare/", "/api/v1/runs/comparison/"


@pytest.fixture
def two(team, scientist):
    def run(name, rate, values, **more):
        points = {"name": "val_accuracy", "steps": [0, 1, 2], "values": values}
        return services.start_run(team, by=scientist, name=name, params={"lr": rate, "epochs": 3}, series=[points], **more)

    code = {"repository": "https://github.com/vision/digits.git", "branch": "main", "dirty": False}
    first = run(
        "first",
        0.1,
        [0.5, 0.9, 0.8],
        code={**code, "commit": 40 * "a"},
        environment={"python": "3.11.7", "packages": ["torch==2.13.0"]},
    )
    second = run(
        "second",
        "0.01",
        [0.5, 0.7, "NaN"],
        code={**code, "commit": 40 * "b"},
        environment={"python": "3.11.7", "packages": ["torch==2.12.0"]},
    )
    for one, digest in ((first, "ab"), (second, "cd")):
        services.log(one, by=scientist, data=[{"name": "digits", "digest": f"sha256:{32 * digest}", "context": "training"}])
    return [first, second]


def query(*runs, **more):
    return {"run": [str(one.pk) for one in runs], **more}


def test_the_api_tells_what_differs(api_of, auditor, two):
    found = api_of(auditor).get(API, query(*two)).json()
    assert [one["name"] for one in found["runs"]] == ["first", "second"]
    assert found["params"] == {
        "differing": [{"name": "lr", "values": ["0.1", "0.01"]}],
        "equal": [{"name": "epochs", "values": ["3", "3"]}],
    }
    (row,) = found["metrics"]
    assert (row["name"], row["direction"], row["assumed"]) == ("val_accuracy", "higher", True)
    assert [(cell["best"], cell["best_step"], cell["last"], cell["leads"]) for cell in row["cells"]] == [
        (0.9, 1, 0.8, True),
        (0.7, 1, "NaN", False),
    ]
    assert found["commits"] == [f"https://github.com/vision/digits/compare/{40 * 'a'}...{40 * 'b'}"]
    assert [row["differs"] for row in found["data"]] == [True]
    assert found["packages"]["differing"] == [{"name": "torch", "values": ["2.13.0", "2.12.0"]}]
    turned = api_of(auditor).get(API, query(*two, lower="val_accuracy")).json()["metrics"][0]
    assert (turned["direction"], turned["assumed"], turned["cells"][0]["leads"]) == ("lower", False, False)


def test_the_page_shows_it_with_curves_over_each_other(client_of, auditor, two):
    page = unescape(client_of(auditor).get(PAGE, query(*two)).content.decode())
    for words in ("2 training runs compared", "first", "second", "1 that is equal", "best, step 1", "last NaN, step 2", "2.12.0"):
        assert words in page, words
    assert page.count('class="leads"') == 1
    assert page.count('class="line-chart"') == 1
    assert f"/compare/{40 * 'a'}...{40 * 'b'}" in page
    assert "take lower as better" in page


def test_a_metric_is_turned_round_and_its_curve_left_out_by_links(client_of, auditor, two):
    client = client_of(auditor)
    page = unescape(client.get(PAGE, query(*two)).content.decode())
    turn = re.search(r'href="(\?[^"]*lower=val_accuracy[^"]*)"', page).group(1)
    assert "lower is better" in unescape(client.get(PAGE + turn.split("#")[0]).content.decode())
    toggle = re.search(r'href="(\?[^"]*curve=[^"]*)"', page).group(1)
    without = unescape(client.get(PAGE + toggle.split("#")[0]).content.decode())
    assert "None is drawn" in without
    again = re.search(r'href="(\?[^"]*curve=val_accuracy[^"]*)"', without).group(1)
    assert "None is drawn" not in unescape(client.get(PAGE + again.split("#")[0]).content.decode())


def test_kept_patches_are_shown_as_text(client_of, auditor, two):
    blob = keep(b"--- a\n+++ b\n-<script>x</script>\n+lr = 0.01\n")
    Artifact.objects.create(run=two[0], path="code/changes.patch", digest=blob.digest, size=blob.size)
    page = client_of(auditor).get(PAGE, query(*two)).content.decode()
    assert "Uncommitted changes of A" in page
    assert "+lr = 0.01" in page
    assert "<script>x" not in page


def test_too_few_too_many_and_strange_ids_are_refused_with_a_sentence(client_of, api_of, auditor, two, put_run):
    many = [put_run(str(place)) for place in range(9)]
    cases = [
        (query(), 422, "Choose 2 to 8 runs to compare; these are 0."),
        (query(two[0], two[0]), 422, "these are 1."),
        (query(*many), 422, "these are 9."),
        ({"run": ["x", "y"]}, 422, "“x” is not the id of a run."),
        ({"run": [str(two[0].pk), str(uuid4())]}, 404, "There is no run"),
    ]
    for asked, status, words in cases:
        answer = api_of(auditor).get(API, asked)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.json()
        page = client_of(auditor).get(PAGE, asked)
        assert (page.status_code, words in unescape(page.content.decode())) == (status if asked["run"] else 200, True)
    assert client_of(auditor).get(PAGE, query(*many[:8])).status_code == 200


def test_runs_of_others_cannot_be_compared(client_of, api_of, stranger, two):
    for client, address in ((client_of(stranger), PAGE), (api_of(stranger), API)):
        assert client.get(address, query(*two)).status_code == 404


def test_a_parameter_of_the_query_that_may_not_repeat_still_may_not(api_of, auditor, two):
    assert api_of(auditor).get(API, {**query(*two), "team": "x"}).status_code == 422
    assert api_of(auditor).get("/api/v1/runs/", {"order": ["name", "id"]}).status_code == 422
    assert api_of(auditor).get(API, {"run": ["a", "\x00"]}).status_code == 422


def test_thousands_of_parameters_are_cut_and_said(client_of, auditor, put_run):
    runs = [put_run(str(place), params={f"p{one}": one * place for one in range(1000)}) for place in range(2)]
    page = client_of(auditor).get(PAGE, query(*runs)).content.decode()
    assert "699 more are not shown; the API has all." in page


@pytest.mark.parametrize("many", [2, 8])
def test_a_comparison_costs_the_same_whatever_is_compared(client_of, api_of, auditor, put_run, django_assert_num_queries, many):
    data = [{"name": "d", "digest": str(place)} for place in range(many)]
    runs = [
        put_run(str(place), metrics={f"m{one}": one for one in range(many)}, data=data, experiment=str(place))
        for place in range(many)
    ]
    client, api = client_of(auditor), api_of(auditor)
    with django_assert_num_queries(6):
        assert api.get(API, query(*runs)).status_code == 200
    with django_assert_num_queries(8 + TOP_BAR):
        assert client.get(PAGE, query(*runs)).status_code == 200
