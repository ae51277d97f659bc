"""Data over REST: the three steps of a version, lineage, findings, and what outsiders get."""

from __future__ import annotations

import hashlib
import json

import pytest

from data_registry import services
from tests.data_registry.conftest import COMPLETE, TABLE

DIGEST = "sha256:" + hashlib.sha256(TABLE).hexdigest()


def path(version, below: str = "") -> str:
    return f"/api/v1/dataset-versions/{version if isinstance(version, str) else version.pk}/{below}"


def test_a_version_is_described_filled_and_registered(api_of, scientist, team, story):
    api = api_of(scientist)
    dataset = api.post("/api/v1/datasets/", {"team": str(team.pk), "name": "annotators"}).json()
    described = {"provenance": COMPLETE, "format": "csv", "columns": [{"name": "email", "category": "contact"}], "rows": 2}
    draft = api.post(f"/api/v1/datasets/{dataset['id']}/versions/", described)
    assert draft.status_code == 201, draft.json()
    version = draft.json()
    assert (version["name"], version["state"], version["digest"]) == ("annotators v1", "draft", "")
    filled = api.put(path(version["id"], "content/"), TABLE, content_type="text/csv", HTTP_X_CONTENT_SHA256=DIGEST)
    assert (filled.status_code, filled.json()["digest"], filled.json()["size"]) == (200, DIGEST, len(TABLE))
    registered = api.post(path(version["id"], "registration/"), {"digest": DIGEST})
    assert (registered.status_code, registered.json()["state"]) == (201, "registered")
    read = api.get(path(version["id"])).json()
    assert read["profile"]["state"] == "queued"
    assert [(flag["category"], flag["path"]) for flag in read["pii"]["present"]] == [("contact", "annotators v1 (email)")]
    assert story() == [
        "dataset.registered",
        "dataset_version.drafted",
        "dataset_version.content_received",
        "dataset_version.registered",
        "pii_finding.recorded",
        "profile.queued",
    ]


def test_missing_provenance_is_named_element_by_element_before_anything_is_sent(api_of, scientist, make_dataset, provenance):
    del provenance["source"]["title"], provenance["use"]["license"]
    answer = api_of(scientist).post(f"/api/v1/datasets/{make_dataset().pk}/versions/", {"provenance": provenance})
    assert (answer.status_code, answer.json()["code"]) == (422, "provenance")
    assert [one["element"] for one in answer.json()["elements"]] == ["source.title", "use.license"]
    assert "source.title is missing." in answer.json()["detail"]


@pytest.fixture
def draft(make_draft, settings):
    settings.UPLOAD_LIMIT = 100
    return make_draft(content=None)


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, "empty"),
        (TABLE, {"HTTP_X_CONTENT_SHA256": "sha256:" + 64 * "0"}, "digest_mismatch"),
        (b"x" * 101, {}, "too_large"),
    ],
)
def test_content_that_cannot_be_taken_is_a_problem(api_of, draft, body, headers, code):
    answer = api_of(draft.created_by).put(path(draft, "content/"), body, content_type="application/octet-stream", **headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    draft.refresh_from_db()
    assert draft.digest == ""


def test_content_of_any_type_is_taken_as_it_is(api_of, make_draft, scientist):
    draft = make_draft(content=None)
    answer = api_of(scientist).put(path(draft, "content/"), b'{"not": "parsed', content_type="application/json")
    assert answer.json()["size"] == 15


def test_what_is_registered_answers_409_to_every_change(api_of, make_registered, scientist):
    version, api = make_registered(), api_of(scientist)
    for answer in (
        api.put(path(version, "content/"), b"other", content_type="text/csv"),
        api.post(path(version, "registration/"), {}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "registered")
        assert "correct it by a new version" in answer.json()["detail"]


def test_links_and_the_flags_that_travel_along_them(api_of, make_registered, scientist):
    annotators, digits = make_registered(columns=[{"name": "email", "category": "contact"}]), make_registered("digits")
    api = api_of(scientist)
    made = api.post(path(digits, "links/"), {"kind": "labelled_by", "to_version": str(annotators.pk)})
    assert made.status_code == 201, made.json()
    assert [one["to_version"] for one in api.get(path(digits, "links/")).json()["results"]] == [str(annotators.pk)]
    (flag,) = api.get(path(digits)).json()["pii"]["present"]
    assert flag["path"] == "annotators v1 (email) ← labelled_by ← digits v1"
    back = api.post(path(annotators, "links/"), {"kind": "derived_from", "to_version": str(digits.pk)})
    assert (back.status_code, back.json()["code"]) == (422, "cycle")


def test_findings_are_recorded_and_listed_with_their_notes(api_of, make_registered, scientist, dpo):
    version = make_registered("digits")
    said = api_of(scientist).post(path(version, "findings/"), {"category": "health", "present": "yes", "note": "By eye."})
    assert (said.status_code, said.json()["basis"], said.json()["note"]) == (201, "declared", "By eye.")
    refused = api_of(scientist).post(
        path(version, "findings/"), {"category": "health", "present": "no", "review": True, "note": "x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")
    reviewed = api_of(dpo).post(path(version, "findings/"), {"category": "health", "present": "no", "review": True, "note": "x"})
    assert reviewed.status_code == 201
    assert [one["basis"] for one in api_of(dpo).get(path(version, "findings/")).json()["results"]] == ["reviewed", "declared"]
    assert api_of(dpo).get(path(version)).json()["pii"]["present"] == []


def test_a_failed_profile_says_why_and_stays_unassessed(api_of, make_registered, scientist):
    from data_registry import tasks  # noqa: PLC0415 - only here

    version = make_registered(content=b"no parquet", format="parquet")
    tasks.profile(str(version.profile.pk))
    read = api_of(scientist).get(path(version)).json()
    assert (read["profile"]["state"], read["pii"]["not_assessed"]) == ("errored", ["annotators v1"])
    assert "cannot be read as Parquet" in read["profile"]["error"]


@pytest.mark.parametrize("part", ["stranger", "admin"])
def test_for_outsiders_data_does_not_exist(api_of, make_registered, draft, request, part):
    api, version = api_of(request.getfixturevalue(part)), make_registered()
    assert api.get("/api/v1/datasets/").json()["results"] == []
    for answer in (
        api.get(path(version)),
        api.get(path(version, "links/")),
        api.get(path(version, "findings/")),
        api.get(f"/api/v1/datasets/{version.dataset_id}/versions/"),
        api.post(f"/api/v1/datasets/{version.dataset_id}/versions/", {"provenance": COMPLETE}),
        api.put(path(draft, "content/"), b"x", content_type="text/csv"),
        api.post(path(draft, "registration/"), {}),
        api.post(path(version, "links/"), {"kind": "derived_from", "to_version": str(draft.pk)}),
        api.post(path(version, "findings/"), {"category": "health", "present": "yes"}),
    ):
        assert answer.status_code == 404, answer.json()
    assert api.post("/api/v1/datasets/", {"team": str(draft.dataset.team_id), "name": "x"}).status_code == 422


def test_without_a_key_nothing_is_answered(api_of, make_registered):
    assert api_of(None).get(path(make_registered())).status_code == 401


def test_a_key_needs_the_scope(api_of, make_draft, scientist):
    api, draft = api_of(scientist, "read"), make_draft()
    assert api.get(path(draft)).status_code == 200
    assert api.post(path(draft, "registration/"), {}).status_code == 403


def test_who_sees_data_but_does_not_keep_it_is_told_why(api_of, make_draft, auditor, story):
    draft = make_draft()
    answer = api_of(auditor).post(path(draft, "registration/"), {})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Only a data scientist or a validator")
    assert story()[-1] == "attempt.refused"


def test_links_to_data_out_of_sight_are_neither_made_nor_shown(api_of, make_registered, make_team, make_person, scientist):
    other = make_team("speech")
    both = make_person("Kim", ("data_scientist", None))
    theirs, ours = make_registered("voices", by=both, in_team=other), make_registered("digits")
    sent = {"kind": "derived_from", "to_version": str(theirs.pk)}
    assert api_of(scientist).post(path(ours, "links/"), sent).status_code == 422
    services.link_versions(ours, by=both, kind="derived_from", to_version=theirs)
    assert api_of(scientist).get(path(ours, "links/")).json()["results"] == []
    assert len(api_of(both).get(path(ours, "links/")).json()["results"]) == 1


@pytest.mark.parametrize("body", [{}, {"kind": "derived_from"}, {"kind": 3, "to_version": "x"}, []])
def test_bodies_of_another_shape_are_refused(api_of, make_registered, scientist, body):
    assert api_of(scientist).post(path(make_registered(), "links/"), body).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provenance", []), ("provenance", {"source": {"title": "\x00"}}), ("columns", [3]), ("columns", [{"name": "\ud800"}]),
        ("columns", [{"name": "a", "category": "\ud800"}]), ("columns", [{"name": "a", "\ud800": "b"}]), ("media_type", "\ud800"),
        ("rows", 2**70), ("rows", -1), ("format", "pickle"), ("media_type", "\x00"), ("provenance", {"\ud800": {}}),
    ],
)  # fmt: skip
def test_no_input_breaks_the_server(api_of, make_dataset, scientist, field, value):
    described = {"provenance": COMPLETE} | {field: value}
    body = json.dumps(described)  # escapes what UTF-8 cannot hold
    url = f"/api/v1/datasets/{make_dataset().pk}/versions/"
    answer = api_of(scientist).post(url, body, content_type="application/json")
    assert answer.status_code in (400, 422)  # 400: the strict reader of JSON refused it before this context saw it
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("rows", [1, 10])
def test_lists_cost_the_same_whatever_their_length(api_of, make_registered, scientist, django_assert_max_num_queries, rows):
    versions = [make_registered("digits") for _ in range(rows)]
    for place, version in enumerate(versions[1:]):
        services.link_versions(version, by=scientist, kind="derived_from", to_version=versions[0])
        services.record_finding(versions[0], by=scientist, category="contact", present="no", column=str(place), note="n")
    api = api_of(scientist)
    for url, most in {
        "/api/v1/datasets/": 4,
        f"/api/v1/datasets/{versions[0].dataset_id}/versions/": 5,
        path(versions[0]): 5,
        path(versions[0], "links/"): 5,
        path(versions[0], "findings/"): 5,
    }.items():
        with django_assert_max_num_queries(most):
            assert api.get(url).status_code == 200


def test_datasets_are_found_by_name(api_of, make_dataset, scientist):
    make_dataset("digits")
    wanted = make_dataset("annotators")
    assert [one["id"] for one in api_of(scientist).get("/api/v1/datasets/?name=annotators").json()["results"]] == [str(wanted.pk)]
