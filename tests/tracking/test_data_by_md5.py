"""Data that a run names by DVC's md5 are the registered version whose bytes lie in the remote under it."""

from __future__ import annotations

import pytest

from data_registry import services as registering
from data_registry.models import DatasetVersion
from tests.plugins_versions import PROVENANCE
from tracking import services

MD5 = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def in_dvc(team, scientist):
    """A registered version of the team that lies in the DVC remote."""
    dataset = registering.register_dataset(team, by=scientist, name="digits")
    draft = registering.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="other")
    registering.receive_content(draft, by=scientist, chunks=[b"1,2,3"])
    DatasetVersion.objects.filter(pk=draft.pk).update(location={"kind": "dvc", "md5": MD5})  # as a worker that read it leaves it
    return registering.register_version(DatasetVersion.objects.get(pk=draft.pk), by=scientist)


def test_the_md5_of_dvc_finds_the_registered_version(in_dvc, team, scientist, client_of, auditor):
    data = [
        {"name": "sdk", "digest": f"md5:{MD5}"},
        {"name": "bare", "digest": MD5},
        {"name": "by content", "digest": in_dvc.digest},
        {"name": "another", "digest": f"md5:{MD5[::-1]}"},
        {"name": "folder", "digest": f"md5:{MD5}.dir"},
    ]
    run = services.log(services.start_run(team, by=scientist, name="digits cnn"), by=scientist, data=data)
    found = {one.name: one.dataset_version for one in run.data.all()}
    assert found == {"sdk": in_dvc, "bare": in_dvc, "by content": in_dvc, "another": None, "folder": None}
    shown = client_of(auditor).get(run.get_absolute_url()).content.decode()
    assert shown.count("found by its DVC md5") == 2 and in_dvc.get_absolute_url() in shown


def test_the_data_of_another_team_are_found_by_nobody(in_dvc, make_team, make_person):
    other = make_team("other")
    theirs = make_person("Otto", ("data_scientist", other))
    run = services.start_run(other, by=theirs, name="theirs")
    services.log(run, by=theirs, data=[{"name": "sdk", "digest": f"md5:{MD5}"}])
    assert run.data.get().dataset_version is None
