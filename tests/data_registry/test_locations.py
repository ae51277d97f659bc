"""Data that stay where they are: a folder, S3, a DVC remote; read digest first, and never outside of what the site was given."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry import locations, services
from data_registry.locations import Unreachable
from data_registry.models import DatasetVersion
from data_registry.scanning import read_content
from ledger.models import Event
from tests.data_registry.conftest import TABLE

DIGEST = "sha256:" + hashlib.sha256(TABLE).hexdigest()
MD5 = hashlib.md5(TABLE, usedforsecurity=False).hexdigest()


@pytest.fixture
def folder(settings: Any) -> Path:
    """The folder that the site may read, with the table in it."""
    root = Path(settings.DATA_FOLDER)
    (root / "tables").mkdir(parents=True)
    (root / "tables" / "annotators.csv").write_bytes(TABLE)
    return root


@pytest.fixture
def locate(make_draft: Any, scientist: Any) -> Callable[..., DatasetVersion]:
    """`locate(kind="folder", path=…)`: a draft whose content stays there, with the table's digest."""

    def place(*, digest: str = DIGEST, size: int = len(TABLE), by: Any = None, **location: Any) -> DatasetVersion:
        draft = make_draft(content=None)
        return services.locate_content(draft, by=by or scientist, location=location, digest=digest, size=size)

    return place


def content_of(version: DatasetVersion, into: Path) -> bytes:
    with locations.local_copy(version, into, "content") as path:
        assert path.stat().st_mode & 0o777 == 0o444
        found = path.read_bytes()
    assert not path.exists()
    return found


# -- a folder --------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_where_it_stays(locate: Any, folder: Path, tmp_path: Path, scientist: Any, data_dir: Path) -> None:
    version = locate(kind="folder", path="tables/annotators.csv")
    registered = services.register_version(version, by=scientist)
    assert content_of(registered, tmp_path) == TABLE
    assert not (data_dir / "blobs").exists(), "nothing of it was taken in"
    told = Event.objects.get(type="dataset_version.content_located").data
    assert told == {"digest": DIGEST, "size": str(len(TABLE)), "place": "tables/annotators.csv"}
    reading = read_content(registered)
    assert reading.result is not None and reading.result.facts["rows"] == 2, reading.refused


def test_where_it_stays_is_part_of_what_registration_fixes(locate: Any, folder: Path) -> None:
    version = locate(kind="folder", path="tables/annotators.csv")
    assert version.facts["location"] == {"kind": "folder", "path": "tables/annotators.csv"}
    version.location = {}
    assert "location" not in version.facts, "versions whose content is held here keep the digest that they had"


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "tables/../../secret", "tables//x", "./x", "a\\b", "tables/", "", "a\nb", "nul\x00", "x" * 1001],
)
def test_no_path_leads_out_of_the_folder(path: str, locate: Any, folder: Path) -> None:
    with pytest.raises(InvalidInput):
        locate(kind="folder", path=path)


def test_no_link_leads_out_of_the_folder(locate: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(TABLE)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.csv")
    (folder / "inner").mkdir()
    for path in ("link.csv", "outside/secret.csv", "pipe.csv", "inner", "absent.csv", "tables/annotators.csv/x"):
        with pytest.raises(Unreachable):
            content_of(locate(kind="folder", path=path), tmp_path)
    assert not (tmp_path / "content").exists()


@pytest.mark.parametrize("changed", [TABLE[:-1] + b"x", TABLE + b"more", TABLE[:-5], b""])
def test_changed_bytes_are_refused(changed: bytes, locate: Any, folder: Path, tmp_path: Path) -> None:
    version = locate(kind="folder", path="tables/annotators.csv")
    (folder / "tables" / "annotators.csv").write_bytes(changed)
    with pytest.raises(Unreachable, match="holds other bytes than were registered") as refusal:
        content_of(version, tmp_path)
    assert refusal.value.code == "content_changed"


def test_a_site_without_a_folder_reads_none(locate: Any, folder: Path, tmp_path: Path, settings: Any) -> None:
    version = locate(kind="folder", path="tables/annotators.csv")
    settings.DATA_FOLDER = ""
    with pytest.raises(Unreachable, match="no folder of data"):
        content_of(version, tmp_path)
    with pytest.raises(InvalidInput, match="COUNTERSIGN_DATA_FOLDER"):
        locate(kind="folder", path="tables/annotators.csv")


# -- S3 --------------------------------------------------------------------------------------------------------------------


class Store(BaseHTTPRequestHandler):
    """As much of S3 as reading asks for: GET /bucket/key."""

    objects: dict[str, bytes] = {}
    cut: bool = False

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        if found is None:
            body = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>absent</Message></Error>'
            self._answer(404, body, len(body))
        else:
            self._answer(200, found[: len(found) // 2] if self.cut else found, len(found))

    def _answer(self, status: int, body: bytes, announced: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[type[Store]]:
    """A store on this machine's loopback, with one object that the site may read and one that it may not."""
    store = type("OwnStore", (Store,), {"objects": {"/data/tables/a.csv": TABLE, "/data/secret.csv": TABLE}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), store)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.DATA_S3 = ["s3://data/tables"]
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield store
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_object_is_read_where_it_stays(locate: Any, s3: Any, tmp_path: Path) -> None:
    assert content_of(locate(kind="s3", bucket="data", key="tables/a.csv"), tmp_path) == TABLE


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("data", "secret.csv"),
        ("other", "tables/a.csv"),
        ("data", "tables/../secret.csv"),
        ("data", "tables-2/a.csv"),
        ("data", "tables"),
    ],
)
def test_only_the_buckets_and_prefixes_that_the_site_was_given_are_read(bucket: str, key: str, locate: Any, s3: Any) -> None:
    with pytest.raises(InvalidInput, match="does not read s3://"):
        locate(kind="s3", bucket=bucket, key=key)


def test_what_a_bucket_no_longer_allows_is_not_read_either(locate: Any, s3: Any, tmp_path: Path, settings: Any) -> None:
    version = locate(kind="s3", bucket="data", key="tables/a.csv")
    settings.DATA_S3 = ["s3://elsewhere"]
    with pytest.raises(Unreachable, match="may not read"):
        content_of(version, tmp_path)


def test_an_object_that_is_gone_cut_or_changed_is_unreachable(locate: Any, s3: Any, tmp_path: Path, monkeypatch: Any) -> None:
    version = locate(kind="s3", bucket="data", key="tables/a.csv")
    s3.cut = True
    with pytest.raises(Unreachable, match="cannot be reached"):
        content_of(version, tmp_path)
    s3.cut = False
    s3.objects["/data/tables/a.csv"] = TABLE[::-1]
    with pytest.raises(Unreachable, match="other bytes"):
        content_of(version, tmp_path)
    del s3.objects["/data/tables/a.csv"]
    with pytest.raises(Unreachable, match="the store says NoSuchKey"):
        content_of(version, tmp_path)
    monkeypatch.setattr("data_registry.locations.s3.TRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"cannot be reached \(EndpointConnectionError\)"):
        content_of(version, tmp_path)


def test_without_boto3_the_sentence_says_what_to_install(locate: Any, s3: Any, tmp_path: Path, monkeypatch: Any) -> None:
    version = locate(kind="s3", bucket="data", key="tables/a.csv")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unreachable, match=r"pip install 'countersign\[s3\]'"):
        content_of(version, tmp_path)


# -- DVC -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["files/md5/", ""])
def test_a_file_of_a_dvc_remote_is_read_in_both_layouts(layout: str, locate: Any, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DVC = str(tmp_path / "remote")
    place = tmp_path / "remote" / layout / MD5[:2]
    place.mkdir(parents=True)
    (place / MD5[2:]).write_bytes(TABLE)
    assert content_of(locate(kind="dvc", md5=MD5), tmp_path) == TABLE
    (place / MD5[2:]).write_bytes(TABLE[::-1])  # md5 only finds it
    with pytest.raises(Unreachable, match="other bytes"):
        content_of(locate(kind="dvc", md5=MD5), tmp_path)
    (place / MD5[2:]).unlink()
    with pytest.raises(Unreachable, match="does not give the file"):
        content_of(locate(kind="dvc", md5=MD5), tmp_path)


def test_a_dvc_remote_may_lie_in_s3(locate: Any, s3: Any, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DVC = "s3://remotes/ours/"
    s3.objects[f"/remotes/ours/files/md5/{MD5[:2]}/{MD5[2:]}"] = TABLE
    assert content_of(locate(kind="dvc", md5=MD5), tmp_path) == TABLE


@pytest.mark.parametrize("md5", [MD5 + ".dir", MD5.upper(), MD5[:-1], "../" + MD5[3:], "zz" * 16])
def test_only_the_md5_of_one_file_names_a_place(md5: str, locate: Any, settings: Any) -> None:
    settings.DATA_DVC = "/nowhere"
    with pytest.raises(InvalidInput):
        locate(kind="dvc", md5=md5)


# -- who and when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ({"kind": "ftp"}, "location_kind"),
        ({"kind": "folder", "path": "x", "bucket": "y"}, "location_field"),
        ({"kind": "folder"}, "location_field"),
        ({"kind": "s3", "bucket": "b"}, "location_field"),
        ({"kind": "folder", "path": 3}, "location_field"),
    ],
)
def test_a_place_of_another_form_is_refused(location: dict[str, Any], code: str, locate: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        locate(**location)
    assert refusal.value.code == code


@pytest.mark.parametrize(("digest", "size"), [("sha256:abc", 9), (DIGEST.upper(), 9), (DIGEST, 0), (DIGEST, 2**60)])
def test_digest_and_size_are_said(digest: str, size: int, locate: Any, folder: Path) -> None:
    with pytest.raises(InvalidInput):
        locate(kind="folder", path="tables/annotators.csv", digest=digest, size=size)


def test_who_may_not_send_content_names_no_place_either(locate: Any, folder: Path, auditor: Any, scientist: Any) -> None:
    with pytest.raises(NotAllowed):
        locate(kind="folder", path="tables/annotators.csv", by=auditor)
    version = services.register_version(locate(kind="folder", path="tables/annotators.csv"), by=scientist)
    with pytest.raises(WrongState, match="never changes"):
        services.locate_content(version, by=scientist, location={"kind": "folder", "path": "x"}, digest=DIGEST, size=9)


def test_content_that_is_sent_replaces_the_place(locate: Any, folder: Path, scientist: Any, tmp_path: Path) -> None:
    version = locate(kind="folder", path="tables/annotators.csv")
    services.receive_content(version, by=scientist, chunks=[b"other"])
    assert version.location == {} and content_of(version, tmp_path) == b"other"


def test_over_the_api_and_on_the_page(make_draft: Any, folder: Path, scientist: Any, api_of: Any, client_of: Any) -> None:
    draft = make_draft(content=None)
    body = {"kind": "folder", "path": "tables/annotators.csv", "digest": DIGEST, "size": len(TABLE)}
    api = api_of(scientist)
    answer = api.put(f"/api/v1/dataset-versions/{draft.pk}/location/", body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["location"] == {"kind": "folder", "path": "tables/annotators.csv"}
    assert api.post(f"/api/v1/dataset-versions/{draft.pk}/registration/", {}).status_code == 201
    draft.refresh_from_db()
    page = client_of(scientist).get(draft.get_absolute_url()).content.decode()
    assert "tables/annotators.csv" in page and "as long as it has this digest" in page
    refused = api.put(f"/api/v1/dataset-versions/{make_draft(content=None).pk}/location/", body | {"path": "../x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "location_path")
