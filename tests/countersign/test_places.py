"""Data that are registered and stay where they are, from the command line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.places import NoPlace, place_of
from data_registry.models import DatasetVersion
from tests.countersign.conftest import Said
from tests.plugins_versions import PROVENANCE

Command = Callable[..., Said]
DVC_3 = "outs:\n- md5: {md5}\n  size: 12\n  hash: md5\n  path: test.csv\n"
DVC_2 = "outs:\n- md5: {md5}\n  size: 12\n  path: test.csv\n"
IMPORTED = "md5: 00000000000000000000000000000000\ndeps:\n- md5: 11111111111111111111111111111111\n  path: raw\n" + DVC_3
MD5 = hashlib.md5(b"rows", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("form", [DVC_3, DVC_2, IMPORTED])
def test_a_dvc_file_says_which_file_it_is_about(form: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv.dvc").write_text(form.format(md5=MD5))
    assert place_of(str(tmp_path / "test.csv.dvc")) == {"kind": "dvc", "md5": MD5}


@pytest.mark.parametrize(
    "content",
    ["", "outs: []\n", DVC_3.format(md5=MD5 + ".dir"), DVC_3.format(md5="x"), DVC_3.format(md5=MD5) + f"- md5: {MD5}\n"],
)
def test_a_dvc_file_about_something_else_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "it.dvc").write_text(content)
    with pytest.raises(NoPlace):
        place_of(str(tmp_path / "it.dvc"))


def test_places_are_told_apart_by_their_form() -> None:
    assert place_of("s3://data/a/b.csv") == {"kind": "s3", "bucket": "data", "key": "a/b.csv"}
    assert place_of("scans/a.csv") == {"kind": "folder", "path": "scans/a.csv"}
    for text in ("s3://data", "s3:///a", "/absent/file.dvc"):
        with pytest.raises(NoPlace):
            place_of(text)


@pytest.mark.django_db(transaction=True)
def test_only_the_digest_of_what_stays_is_sent(
    site: str, scientist: Any, team: Any, command: Command, key_of: Any, machine: Path, settings: Any, data_dir: Path
) -> None:
    from data_registry.services import register_dataset  # noqa: PLC0415 - plug-ins load before the settings do

    Path(settings.DATA_FOLDER).mkdir()
    dataset = register_dataset(team, by=scientist, name="faces")
    (machine.parent / "key").write_text(key_of(scientist) + "\n")
    assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0
    (machine / "test.csv").write_text("a,b\n1,2\n")
    (machine / "provenance.json").write_text(json.dumps(PROVENANCE))
    words = ("register-data", str(dataset.pk), "test.csv", "--provenance", "provenance.json", "--format", "csv")
    said = command(*words, "--stays", "tables/test.csv")
    assert said.code == 0 and "stays at tables/test.csv" in said.out, said.err
    version = DatasetVersion.objects.get()
    assert (version.state, version.location["path"], version.size) == ("registered", "tables/test.csv", 8)
    assert version.digest == "sha256:" + hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert not (data_dir / "blobs").exists()
    refused = command(*words, "--stays", "../test.csv")
    assert refused.code == 1 and "without “..”" in refused.err
    assert command(*words, "--stays", "s3://data").code == 64
    assert command(*words).code == 0 and DatasetVersion.objects.latest("number").location == {}
