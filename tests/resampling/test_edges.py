"""The API and the page of sets: what arrives, what is said, what is shown in every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from evaluations.resampling import services
from tests.plugins_versions import Answer
from tests.resampling.conftest import answer_of, bootstrap, kfold

pytestmark = pytest.mark.django_db
OCTETS = "application/octet-stream"


def test_a_set_goes_through_the_api(version: Any, api_of: Callable[..., Any], scientist: Any, validator: Any, work: Any) -> None:
    api = api_of(scientist)
    begun = api.post(reverse("api-resamplings", args=[version.pk]), kfold(version), content_type=OCTETS)
    assert begun.status_code == 201
    made = begun.json()
    assert (made["state"], made["method"], made["parts"], made["metrics"]) == ("draft", "kfold", 3, [])
    assert made["split"]["parts"][0] == {"name": "fold-1", "train_rows": 20, "held_out_rows": 10}
    refused = api.post(reverse("api-resampling-submission", args=[made["id"]]))
    assert (refused.status_code, refused.json()["code"]) == (422, "incomplete")
    for number in (1, 2, 3):
        address = reverse("api-resampling-checkpoint", args=[made["id"], number])
        sent = api.put(address, b"weights %d" % number, content_type=OCTETS, HTTP_X_FILE_NAME=f"fold-{number}.safetensors")
        assert sent.status_code == 200
    assert [one["name"] for one in sent.json()["checkpoints"]] == [f"fold-{number}.safetensors" for number in (1, 2, 3)]
    submitted = api.post(reverse("api-resampling-submission", args=[made["id"]])).json()
    assert submitted["state"] == "queued"
    work(services.Resampling.objects.get(pk=made["id"]))
    found = api_of(validator).get(reverse("api-resampling", args=[made["id"]])).json()
    assert found["state"] == "completed" and found["results_digest"].startswith("sha256:")
    accuracy = next(one for one in found["metrics"] if one["name"] == "accuracy")
    assert (accuracy["check"], accuracy["method"]) == ("cross_validation", "corrected t, 3 folds")
    assert [one["number"] for one in found["folds"]] == [0, 1, 2, 3]
    rows = api.get(reverse("api-resamplings", args=[version.pk])).json()["results"]
    assert [one["id"] for one in rows] == [made["id"]]


def test_bytes_that_are_no_split_or_arrive_spoilt_are_a_problem(version: Any, api_of: Any, scientist: Any) -> None:
    api, address = api_of(scientist), reverse("api-resamplings", args=[version.pk])
    for body, options, code in (
        (b"\x00\xff", {}, "split"),
        (kfold(version), {"HTTP_X_CONTENT_SHA256": "sha256:" + "0" * 64}, "digest_mismatch"),
        (b"", {}, "empty"),
    ):
        answer = api.post(address, body, content_type=OCTETS, **options)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def shown(client_of: Any, person: Any, version: Any) -> str:
    answer = client_of(person).get(reverse("resampling:version", args=[version.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_shows_a_set_in_every_state(
    version: Any, client_of: Any, validator: Any, scientist: Any, make_set: Any, work: Any
) -> None:
    assert "Nothing has been cross-validated yet" in shown(client_of, validator, version)
    made = make_set(version, kfold(version), checkpoints=[b"one", b"two", None])
    assert "2 of 3 checkpoints have arrived" in shown(client_of, validator, version)
    services.receive_checkpoint(made, 3, [b"three"], name="", by=scientist)
    made = services.submit(made, by=scientist)
    page = shown(client_of, validator, version)
    assert "0 of 4 checkpoints are measured" in page and "every 2s" in page
    work(made, {2: Answer(None, ended="memory_limit", sentence="It met its memory limit.")})
    page = shown(client_of, validator, version)
    assert "There is no result." in page and "It met its memory limit." in page and "Could not finish" in page
    assert "corrected t" not in page.lower() and "Set 1: combined" not in page
    assert page.count("<strong>90.0 %</strong>") >= 2  # what the others measured is shown, not combined


def test_the_page_says_what_was_measured_and_how(
    version: Any, client_of: Any, validator: Any, scientist: Any, make_set: Any, work: Any
) -> None:
    folds = services.submit(make_set(version, kfold(version)), by=scientist)
    work(folds, {fold.number: answer_of(fold, accuracy=0.9 if fold.number != 2 else 0.7) for fold in folds.folds.all()})
    refits = services.submit(make_set(version, bootstrap(version)), by=scientist)
    work(refits)
    page = shown(client_of, validator, version)
    assert page.index("Set 2: 4 refits, each measured out of bag") < page.index(
        "Set 1: 3 folds, each measured out of fold"
    )  # newest first
    assert "Corrected t, 3 folds" in page and ".632+, 4 refits" in page and "Spread of refits, 4 out of bag" in page
    assert "83.3 %" in page and "95 % interval" in page and "30 rows" in page
    assert "Not combined, because some part has no row that tells: Recall of class two." in page
    assert "it resamples the rows of one checkpoint" in page  # the row bootstrap is named apart
    assert "the version on its training rows" in page
    picture = client_of(validator).get(reverse("resampling:chart", args=[folds.pk, 0, "dark"]))
    assert picture["Content-Type"] == "image/svg+xml" and b"".join(picture).startswith(b"<svg")


def test_a_strangers_page_and_picture_are_not_there(version: Any, client_of: Any, stranger: Any, make_set: Any) -> None:
    made = make_set(version, kfold(version))
    client = client_of(stranger)
    assert client.get(reverse("resampling:version", args=[version.pk])).status_code == 404
    assert client.get(reverse("resampling:chart", args=[made.pk, 0, "light"])).status_code == 404


@pytest.mark.parametrize("pk", ["0" * 36, "01890a5d-ac96-774b-bcce-b302099a8057"])
def test_a_picture_that_is_none_is_not_found(version: Any, client_of: Any, validator: Any, pk: str) -> None:
    assert client_of(validator).get(f"/resamplings/{pk}/0/light.svg").status_code == 404


def test_a_page_with_many_sets_costs_as_many_queries(
    version: Any, client_of: Any, validator: Any, scientist: Any, make_set: Any, work: Any, django_assert_max_num_queries: Any
) -> None:
    work(services.submit(make_set(version, kfold(version)), by=scientist))
    client, address = client_of(validator), reverse("resampling:version", args=[version.pk])
    client.get(address)
    with django_assert_max_num_queries(60) as one:
        client.get(address)
    for _ in range(4):
        work(services.submit(make_set(version, kfold(version)), by=scientist))
    with django_assert_max_num_queries(len(one)):
        client.get(address)
