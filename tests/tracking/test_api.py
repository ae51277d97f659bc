"""Training runs over REST."""

from __future__ import annotations

import json

import pytest

from tracking.models import TrainingRun

URL = "/api/v1/runs/"


@pytest.fixture
def sent(reported, team):
    as_text = {name: moment.isoformat() for name, moment in reported.items() if name.endswith("_at")}
    return reported | as_text | {"team": str(team.pk)}


def test_a_run_is_recorded_and_read_back(api_of, scientist, sent, story):
    answer = api_of(scientist).post(URL, sent)
    assert answer.status_code == 201, answer.json()
    run = api_of(scientist).get(f"{URL}{answer.json()['id']}/").json()
    assert run == answer.json()
    assert [one["name"] for one in run["series"]] == ["accuracy", "train/loss"]
    assert run["code"]["commit"] == sent["code"]["commit"]
    assert story() == ["experiment.made", "training_run.recorded"]


def test_what_cannot_be_recorded_is_a_problem_with_the_sentence(api_of, scientist, sent):
    answer = api_of(scientist).post(URL, sent | {"series": [{"name": "loss", "steps": [1, 0], "values": [1, 2]}]})
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert "after 1 comes 0" in answer.json()["detail"]
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("body", ["[]", "3", '{"team": 3}', "null", '{"team": "x", "name": ["y"]}'])
def test_bodies_of_another_shape_are_refused(api_of, scientist, body):
    assert api_of(scientist).post(URL, data=body, content_type="application/json").status_code == 422


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(api_of, scientist, sent, number):
    body = json.dumps(sent).replace("2.3", number)
    assert api_of(scientist).post(URL, data=body, content_type="application/json").status_code in (400, 422)


def test_runs_of_others_do_not_exist(api_of, make_run, stranger, admin, sent):
    run = make_run()
    for person in (stranger, admin):
        assert api_of(person).get(f"{URL}{run.pk}/").status_code == 404
        assert api_of(person).get(URL).json()["results"] == []
        assert api_of(person).post(URL, sent).status_code == 422  # the team does not exist for them
    assert api_of(None).get(URL).status_code == 401


def test_who_sees_runs_but_records_none_is_told_why(api_of, auditor, sent):
    answer = api_of(auditor).post(URL, sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")


def test_a_key_needs_the_scope(api_of, scientist, sent):
    assert api_of(scientist, "read").post(URL, sent).status_code == 403
    assert api_of(scientist, "read").get(URL).status_code == 200


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_costs_the_same_whatever_its_length(api_of, make_run, auditor, django_assert_max_num_queries, rows):
    for _ in range(rows):
        make_run()
    api = api_of(auditor)
    with django_assert_max_num_queries(4):
        assert len(api.get(URL).json()["results"]) == rows


def test_one_run_costs_the_same_whatever_its_curves(api_of, make_run, auditor, django_assert_max_num_queries):
    curves = [{"name": f"c{place}", "steps": [0], "values": [1]} for place in range(50)]
    run, api = make_run(series=curves), api_of(auditor)
    with django_assert_max_num_queries(6):
        assert len(api.get(f"{URL}{run.pk}/").json()["series"]) == 50


def test_the_list_can_be_narrowed_to_a_team(api_of, make_run, make_team, make_person, auditor):
    other = make_team("speech")
    make_run()
    theirs = make_run(in_team=other, by=make_person("Kim", ("data_scientist", other)))
    assert [run["id"] for run in api_of(auditor).get(f"{URL}?team={other.pk}").json()["results"]] == [str(theirs.pk)]
    assert api_of(auditor).get(f"{URL}?team=x").status_code == 422


def test_a_run_is_known_by_its_source_where_it_comes_from(api_of, scientist, team):
    said = {"team": str(team.pk), "name": "digits", "state": "running", "origin": "import", "source": "folder:1"}
    first, again = (api_of(scientist).post(URL, said) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert api_of(scientist).post(URL, said | {"origin": "sdk"}).status_code == 201
