"""`can_sign_off` and its list form agree, over many people, roles, teams, steps and signatures."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.canonical import sha256_of
from core.errors import NotAllowed
from governance import lifecycle
from governance.documents.checking import checked
from governance.models import Delegation, Policy, Review, Step
from governance.permissions import can_sign_off, capacities
from governance.policies import fact_of, starting_body
from ledger.actors import INSTALLER
from ledger.acts import act
from models_registry.models import RegisteredModel

pytestmark = pytest.mark.django_db


def agree(person: Any) -> None:
    listed = set(Review.objects.signable_by(person).values_list("pk", flat=True))
    asked = {review.pk for review in Review.objects.open().with_parts() if capacities(person, review)}
    assert listed == asked, (person.name, listed ^ asked)


@pytest.fixture
def crowd(make_person: Any, make_team: Any, team: Any) -> list[Any]:
    """Two people of each combination of two roles held in the team, elsewhere, or everywhere."""
    places = {"here": team, "elsewhere": make_team("speech"), "everywhere": None}
    roles = ("validator", "compliance_officer")
    people = []
    for number, (first, second) in enumerate(itertools.product([None, *places], [None, *places])):
        held = [(role, places[place]) for role, place in zip(roles, (first, second), strict=True) if place]
        people.append(make_person(f"Person {number} {first} {second}", *held))
    return people


@pytest.mark.parametrize("quorum", [1, 2])
@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("distinct", [True, False])
def test_the_list_agrees_with_the_permission_in_every_combination(
    quorum: int, parallel: bool, distinct: bool, make_review: Any, sign: Any, crowd: list[Any], admin: Any
) -> None:
    review = make_review()
    Step.objects.filter(review=review, role="validator").update(quorum=quorum, distinct_teams=distinct)
    if parallel:
        Step.objects.filter(review=review).update(order=1)
    RegisteredModel.objects.filter(pk=review.version.model_id).update(owner=crowd[5])
    everybody = [*crowd, admin]
    for person in everybody:
        agree(person)
    for person in everybody:
        for role in ("validator", "compliance_officer"):
            review = Review.objects.with_parts().get(pk=review.pk)
            if review.state == "open" and can_sign_off(person, review, role):
                sign(review, role, by=person)
                for other in everybody:
                    agree(other)
    assert Review.objects.get(pk=review.pk).state == "concluded"


def everybody_lends(people: list[Any], team: Any) -> None:
    """Each lends what they hold to the next but two, and one of their roles to one after; some do not hold it (any more)."""
    today = clock.today()
    days = {"starts_on": today, "ends_on": today, "offered_at": clock.now(), "state": "accepted"}
    for place, person in enumerate(people):
        for away, role, where in ((3, "validator", team), (4, "validator", None), (7, "compliance_officer", None)):
            other = people[(place + away) % len(people)]
            Delegation.objects.create(delegator=person, delegate=other, role=role, team=where, **days)


@pytest.mark.parametrize("quorum", [1, 3])
@pytest.mark.parametrize("distinct", [True, False])
def test_the_list_agrees_with_the_permission_where_everybody_lends_their_roles(
    quorum: int, distinct: bool, make_review: Any, sign: Any, crowd: list[Any], admin: Any, team: Any
) -> None:
    review = make_review()
    Step.objects.filter(review=review, role="validator").update(quorum=quorum, distinct_teams=distinct)
    RegisteredModel.objects.filter(pk=review.version.model_id).update(owner=crowd[5])
    Review.objects.filter(pk=review.pk).update(contributors=[*review.contributors, crowd[9].pk])
    type(admin).objects.filter(pk=crowd[10].pk).update(is_active=False)
    everybody = [type(admin).objects.get(pk=one.pk) for one in (*crowd, admin)]
    everybody_lends(everybody, team)
    signed: set[Any] = set()
    lent = 0
    for other in everybody:
        agree(other)
    for person in reversed(everybody):
        review = Review.objects.with_parts().get(pk=review.pk)
        possible = capacities(person, review) if review.state == "open" else []
        if possible:
            mine = possible[-1]
            given = sign(review, mine.role, by=person, delegation=mine.delegation)
            assert not signed & {given.person, given.on_behalf_of}
            signed |= {given.person, given.on_behalf_of} - {None}
            lent += given.on_behalf_of is not None
            for other in everybody:
                agree(other)
    assert lent


def test_two_of_one_team_do_not_fill_a_step_that_asks_for_different_teams(
    make_review: Any, sign: Any, make_person: Any, team: Any
) -> None:
    here, beside = (make_person(name, ("validator", team)) for name in ("Here", "Beside"))
    both = make_person("Both", ("validator", team), ("validator", None))
    house, other_house = (make_person(name, ("validator", None)) for name in ("House", "Other House"))
    review = make_review()
    Step.objects.filter(review=review, role="validator").update(quorum=3, distinct_teams=True)
    sign(review, "validator", by=here)
    for person in (beside, both):  # a role held everywhere does not make a member of the team somebody from outside
        with pytest.raises(NotAllowed, match="through the same team"):
            sign(review, "validator", by=person)
    sign(review, "validator", by=house)
    with pytest.raises(NotAllowed, match="through the same team"):
        sign(review, "validator", by=other_house)


def test_whoever_changed_the_policy_lately_signs_nothing_under_it(
    make_review: Any, sign: Any, validator: Any, frozen_clock: Any
) -> None:
    body = checked(starting_body("high") | {"purpose": "Written lately."}).body()
    policy = Policy.objects.create(
        name=body["name"],
        number=2,
        body=body,
        digest=sha256_of(body),
        authors=[validator.pk],
        authors_sign_from=frozen_clock.now + timedelta(days=30),
    )
    with act(INSTALLER) as this:
        lifecycle.publish(policy, fact_of(policy, None, installed=True), within=this)
    review = make_review()
    assert not Review.objects.signable_by(validator).exists()
    with pytest.raises(NotAllowed, match="You wrote or published the policy, so for 30 days"):
        sign(review, "validator")
    frozen_clock.advance(days=31)
    assert Review.objects.signable_by(validator).get().pk == review.pk
    sign(review, "validator")
