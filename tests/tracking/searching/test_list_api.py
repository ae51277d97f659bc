"""Runs by filter and order over REST."""

from __future__ import annotations

import pytest

URL = "/api/v1/runs/"


def found(api, **query):
    answer = api.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_runs_are_filtered_sorted_and_given_with_their_metrics(api_of, auditor, put_run):
    put_run("low", metrics={"accuracy": 0.5})
    put_run("high", metrics={"accuracy": 0.95, "loss": float("nan")})
    put_run("middle", metrics={"accuracy": 0.93})
    rows = found(api_of(auditor), filter="metrics.accuracy > 0.9", order="metrics.accuracy asc")["results"]
    assert [row["name"] for row in rows] == ["middle", "high"]
    assert rows[1]["metrics"]["accuracy"] == {"last": 0.95, "step": 0, "lowest": 0.95, "highest": 0.95}
    assert rows[1]["metrics"]["loss"]["last"] == "NaN"


def test_pages_lead_on_and_back_in_any_order(api_of, auditor, put_run):
    for place in (3, 1, 4, 1, 5):
        put_run(str(place), params={"p": place})
    api = api_of(auditor)
    page = found(api, order="params.p desc", page_size="2")
    seen = [row["name"] for row in page["results"]]
    assert page["previous"] is None
    while page["next"] and len(seen) < 9:
        page = api.get(page["next"]).json()
        seen += [row["name"] for row in page["results"]]
    assert seen == ["5", "4", "3", "1", "1"]
    back = api.get(page["previous"]).json()
    assert [row["name"] for row in back["results"]] == ["3", "1"]


@pytest.mark.parametrize(("field", "text", "start"), [("filter", "metrics.a >> 1", 10), ("order", "metrics.a up", 10)])
def test_what_cannot_be_read_is_a_problem_with_its_place(api_of, auditor, field, text, start):
    answer = api_of(auditor).get(URL, {field: text})
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (problem["code"], problem["field"], problem["start"], problem["end"]) == ("unreadable_search", field, start, start + 2)
    assert "At character 11:" in problem["detail"]


@pytest.mark.parametrize("cursor", ["nonsense", "-", "%00", "bm9uc2Vuc2U", "WyJ4Il0"])
def test_a_cursor_that_was_not_made_here_leads_nowhere(api_of, auditor, put_run, cursor):
    put_run()
    assert api_of(auditor).get(f"{URL}?cursor={cursor}").status_code in ({404} if cursor not in {"-", "%00"} else {200, 404, 422})


def test_runs_of_others_cannot_be_found(api_of, stranger, put_run):
    put_run("secret")
    for text in ("name = 'secret'", "not name = 'x'", "name = 'x' or name like '%'"):
        assert found(api_of(stranger), filter=text)["results"] == []


@pytest.mark.parametrize("many", [1, 10])
def test_the_list_costs_the_same_whatever_its_length(api_of, auditor, put_run, django_assert_num_queries, many):
    for place in range(many):
        put_run(metrics={str(one): one for one in range(many)}, experiment=str(place))
    api = api_of(auditor)
    with django_assert_num_queries(4):
        assert len(api.get(URL, {"order": "metrics.`0`", "filter": "state = 'finished'"}).json()["results"]) == many
