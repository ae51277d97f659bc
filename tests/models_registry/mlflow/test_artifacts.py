"""Files go in and come out as they are; names are names and never places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import blobs
from tests.models_registry.mlflow.conftest import Speaker

pytestmark = pytest.mark.django_db


def test_a_file_is_kept_listed_and_given_back(speaker: Speaker) -> None:
    run = speaker.start()
    uri, pk = run["info"]["artifact_uri"], run["info"]["run_id"]
    for path, data in {"a.txt": b"alpha", "deep/er/b.bin": b"\x00\xff", "deep/c.txt": b"", "ä 1.txt": b"u"}.items():
        assert speaker.put(uri, path, data).status_code == 200
    assert speaker.files(uri) == [
        {"path": "a.txt", "is_dir": False, "file_size": 5},
        {"path": "deep", "is_dir": True},
        {"path": "ä 1.txt", "is_dir": False, "file_size": 1},
    ]
    assert speaker.files(uri, "deep") == [{"path": "c.txt", "is_dir": False, "file_size": 0}, {"path": "er", "is_dir": True}]
    assert speaker.files(uri, "deep/c.txt") == [] and speaker.files(uri, "none") == []
    assert speaker.fetch(uri, "deep/er/b.bin") == b"\x00\xff" and speaker.fetch(uri, "deep/c.txt") == b""
    listed = speaker.good("GET", "mlflow/artifacts/list", run_id=pk, path="deep")
    assert [one["path"] for one in listed["files"]] == ["deep/c.txt", "deep/er"] and listed["root_uri"] == uri
    assert speaker.put(uri, "a.txt", b"again").status_code == 200 and speaker.fetch(uri, "a.txt") == b"again"


def test_what_comes_back_is_saved_and_never_shown(speaker: Speaker) -> None:
    run = speaker.start()
    speaker.put(run["info"]["artifact_uri"], "page.html", b"<script>alert(1)</script>")
    answer = speaker.client.get(speaker._file(run["info"]["artifact_uri"], "page.html"))
    assert answer["Content-Type"] == "application/octet-stream" and answer["Content-Disposition"] == "attachment"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["..", "../x", "a/../../x", "a//b", "./a", "a\\b", "%2e%2e/x", "a%00b", "x" * 501, "/".join("a" * 31), "%0a"]
)
def test_a_path_that_is_no_name_is_refused(speaker: Speaker, path: str) -> None:
    run = speaker.start()
    answer = speaker.put(run["info"]["artifact_uri"], path, b"x")
    assert answer.status_code in {400, 404} and "error_code" in answer.json()
    assert speaker.files(run["info"]["artifact_uri"]) == []


@pytest.mark.parametrize("address", ["", "x", "a/b/c", "versions/x/y", "a/models/m-1/artifacts/x", "0/0/artifacts/x", "../.."])
def test_an_address_that_names_nothing_is_not_found(speaker: Speaker, address: str) -> None:
    assert speaker("GET", "mlflow-artifacts/artifacts", path=address).refusal == (404, "RESOURCE_DOES_NOT_EXIST")
    if address:
        assert speaker.put("mlflow-artifacts:/", address, b"x").status_code == 404


def test_nothing_is_deleted_and_nothing_sent_in_parts(speaker: Speaker) -> None:
    run = speaker.start()
    speaker.put(run["info"]["artifact_uri"], "a", b"1")
    url = speaker._file(run["info"]["artifact_uri"], "a")
    assert speaker.client.delete(url).json()["error_code"] == "PERMISSION_DENIED"
    assert speaker.fetch(run["info"]["artifact_uri"], "a") == b"1"
    for step in ("create", "complete", "abort"):
        answered = speaker("POST", f"mlflow-artifacts/mpu/{step}/a/b", path="a", num_parts=2)
        assert answered.refusal == (501, "NOT_IMPLEMENTED")
        assert answered.body["message"].startswith("Multipart upload is not supported for the current artifact repository")
    assert speaker("GET", "mlflow-artifacts/presigned/a/b").refusal == (501, "NOT_IMPLEMENTED")


def test_a_file_is_not_a_folder_too(speaker: Speaker) -> None:
    run = speaker.start()
    speaker.put(run["info"]["artifact_uri"], "a", b"1")
    assert speaker.put(run["info"]["artifact_uri"], "a/b", b"1").json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_refused_sender_is_refused_before_the_first_byte(
    speaker: Speaker, speaker_of: Callable[..., Speaker], make_person: Any, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = speaker.start()
    received: list[Any] = []
    monkeypatch.setattr(blobs, "receive", lambda *args, **more: received.append(args))
    risk = speaker_of(make_person("Ria", ("risk_manager", team)), team="vision")
    answer = risk.client.put(f"/teams/vision{speaker._file(run['info']['artifact_uri'], 'a')}", b"x", content_type="text/plain")
    assert (answer.status_code, answer.json()["error_code"], received) == (403, "PERMISSION_DENIED", [])
