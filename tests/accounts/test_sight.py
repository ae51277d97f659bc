"""Who sees which teams, people and keys; and that what is seen agrees with what is allowed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import ApiKey, Person, Role, Team
from accounts.permissions import can_list_people, can_revoke_key
from accounts.visibility import keys_visible_to, people_visible_to, teams_listed_for, teams_visible_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def audio(make_team):
    return make_team("audio")


def test_a_team_is_seen_by_its_people_and_by_those_with_a_role_everywhere(
    team, audio, scientist, validator, auditor, dpo, stranger
):
    for person in (scientist, validator):
        assert set(teams_visible_to(person)) == {team}
    for person in (auditor, dpo):
        assert set(teams_visible_to(person)) == {team, audio}
    assert not teams_visible_to(stranger).exists()
    assert not teams_visible_to(AnonymousUser()).exists()


def test_administrators_see_no_team_by_that_role_alone(team, audio, admin, make_person):
    assert not teams_visible_to(admin).exists()
    local = make_person("Local", ("administrator", team))
    assert not teams_visible_to(local).exists()
    assert set(teams_listed_for(local)) == {team}  # its name, to grant roles in it
    assert set(teams_listed_for(admin)) == {team, audio}
    both = make_person("Both", ("administrator", None), ("data_scientist", audio))
    assert set(teams_visible_to(both)) == {audio}


def test_who_is_deactivated_sees_nothing(team, scientist):
    Person.objects.filter(pk=scientist.pk).update(is_active=False)
    scientist.refresh_from_db()
    assert not teams_visible_to(scientist).exists()
    assert not people_visible_to(scientist).exists()


def test_sight_of_a_team_agrees_with_the_roles_held_in_it(make_person, make_team):
    teams = [make_team(f"team-{number}") for number in range(3)]
    people = [make_person(f"{role} {place}", (role, place)) for role in Role.values for place in (*teams, None)]
    for person in people:
        seen = set(teams_visible_to(person))
        for each in teams:
            assert (each in seen) == bool(person.roles_in(each) - {Role.ADMINISTRATOR}), (person, each)


def test_with_role_agrees_with_holds(make_person, make_team):
    teams = [make_team(f"team-{number}") for number in range(2)]
    for role in Role.values:
        for place in (*teams, None):
            make_person(f"{role} {place}", (role, place))
            make_person(f"gone {role} {place}", (role, place), is_active=False)
    for role in Role.values:
        for place in (*teams, None):
            expected = {person.pk for person in Person.objects.all() if person.holds(role, place)}
            assert {person.pk for person in Person.objects.with_role(role, place)} == expected


def test_people_see_those_they_work_with(team, audio, scientist, validator, dpo, admin, stranger, make_person):
    far = make_person("Far", ("data_scientist", audio))
    assert set(people_visible_to(scientist)) == {scientist, validator, dpo, admin}
    assert set(Person.objects.visible_to(far)) == {far, dpo, admin}
    assert set(people_visible_to(stranger)) == {stranger, dpo, admin}
    assert set(people_visible_to(admin)) == set(Person.objects.all())
    assert can_list_people(admin)
    assert not can_list_people(scientist)


def test_sight_of_keys_agrees_with_revoking_them(key_of, scientist, other_scientist, admin, make_person, team):
    local = make_person("Local", ("administrator", team))
    for owner in (scientist, other_scientist, admin):
        key_of(owner)
    for person in (scientist, other_scientist, admin, local):
        allowed = {key.pk for key in ApiKey.objects.all() if can_revoke_key(person, key)}
        assert {key.pk for key in keys_visible_to(person)} == allowed


def test_a_zone_that_no_longer_exists_is_utc(make_person):
    assert str(make_person("Old", time_zone="Nowhere/Atlantis").zone) == "UTC"
    assert str(make_person("Seoul", time_zone="Asia/Seoul").zone) == "Asia/Seoul"


def test_questions_about_roles_cost_one_query(validator, team, django_assert_num_queries):
    person = Person.objects.get(pk=validator.pk)
    with django_assert_num_queries(1):
        for role in Role.values:
            person.holds(role, team)
            person.holds(role)
    assert Team.objects.count() == 1
