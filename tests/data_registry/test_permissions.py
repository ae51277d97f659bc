"""Who may do what with data, person by person, and that the lists agree with the answers."""

from __future__ import annotations

import pytest

from data_registry.models import Dataset, DatasetVersion
from data_registry.permissions import can_change, can_link, can_record_finding, can_register

KEEPERS = {"scientist", "other_scientist", "validator"}
READERS = KEEPERS | {"officer", "dpo", "risk_manager", "auditor"}
CAST = sorted(READERS | {"admin", "stranger"})


@pytest.fixture(params=CAST)
def person(request):
    someone = request.getfixturevalue(request.param)
    someone.part = request.param
    return someone


def test_keepers_of_data_register_change_and_link_it(person, make_registered, team):
    version = make_registered()
    allowed = person.part in KEEPERS
    assert bool(can_register(person, team)) is allowed
    assert bool(can_change(person, version)) is allowed
    assert bool(can_change(person, version.dataset)) is allowed
    assert bool(can_link(person, version, version)) is allowed


def test_findings_are_recorded_by_those_who_assess(person, make_registered):
    version = make_registered()
    assert bool(can_record_finding(person, version)) is (person.part in KEEPERS | {"officer", "dpo"})
    assert bool(can_record_finding(person, version, review=True)) is (person.part == "dpo")


def test_lists_agree_with_answers(person, make_registered):
    version = make_registered()
    assert DatasetVersion.objects.changeable_by(person).filter(pk=version.pk).exists() is can_change(person, version).allowed
    assert Dataset.objects.changeable_by(person).exists() is can_change(person, version.dataset).allowed


def test_data_is_seen_by_the_team_and_by_those_with_a_role_everywhere(person, make_registered):
    version = make_registered()
    sees = person.part in READERS
    assert DatasetVersion.objects.visible_to(person).filter(pk=version.pk).exists() is sees
    assert Dataset.objects.visible_to(person).exists() is sees


def test_another_team_sees_and_changes_nothing(make_registered, make_team, make_person):
    version, neighbour = make_registered(), make_person("Kim", ("data_scientist", make_team("speech")))
    assert not DatasetVersion.objects.visible_to(neighbour).exists()
    assert not DatasetVersion.objects.changeable_by(neighbour).exists()
    assert not can_change(neighbour, version)


def test_who_has_left_changes_nothing(make_registered, scientist):
    version = make_registered()
    type(scientist).objects.filter(pk=scientist.pk).update(is_active=False)
    scientist.refresh_from_db()
    assert not can_change(scientist, version)
    assert not can_record_finding(scientist, version)
    assert not DatasetVersion.objects.changeable_by(scientist).exists()
    assert not DatasetVersion.objects.visible_to(scientist).exists()


@pytest.mark.parametrize("denied", [can_register, can_change, can_record_finding])
def test_every_denial_says_why(stranger, make_registered, team, denied):
    thing = team if denied is can_register else make_registered()
    assert denied(stranger, thing).reason.endswith(".")
