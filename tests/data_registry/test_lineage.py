"""Lineage: links, refused cycles, and the personal data that reaches a version, with the way that explains it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry import lineage, services
from data_registry.models import DatasetVersion, Link

EMAIL = [{"name": "email", "category": "contact"}]


@pytest.fixture
def link(scientist):
    def make(from_version, kind, to_version, *, by=None):
        return services.link_versions(from_version, by=by or scientist, kind=kind, to_version=to_version)

    return make


def test_a_link_is_told_of_on_the_version_that_comes_from_another(make_registered, link, story):
    annotators, digits = make_registered("annotators"), make_registered("digits")
    before = len(story())
    link(digits, "labelled_by", annotators)
    assert Link.objects.get().to_version == annotators
    assert story()[before:] == ["dataset_version.linked"]


def test_a_flag_travels_along_a_link_with_the_way_that_explains_it(make_registered, link):
    annotators = make_registered("annotators", columns=EMAIL)
    make_registered("digits")
    digits = make_registered("digits")
    assert lineage.pii_of([digits]) == []
    link(digits, "labelled_by", annotators)
    (flag,) = lineage.pii_of([digits])
    assert (flag.category, flag.column, flag.dataset_version.pk, flag.bases) == ("contact", "email", annotators.pk, ("declared",))
    assert flag.path == "annotators v1 (email) ← labelled_by ← digits v2"


@pytest.mark.parametrize("kind", ["derived_from", "labelled_by", "split_from"])
def test_every_kind_of_link_carries_flags(make_registered, link, kind):
    people, digits = make_registered("people", columns=EMAIL), make_registered("digits")
    link(digits, kind, people)
    assert [flag.path for flag in lineage.pii_of([digits])] == [f"people v1 (email) ← {kind} ← digits v1"]


def test_flags_do_not_travel_downwards(make_registered, link):
    people, digits = make_registered("people"), make_registered("digits", columns=EMAIL)
    link(digits, "derived_from", people)
    assert lineage.pii_of([people]) == []


def test_a_flag_of_the_version_itself_needs_no_way(make_registered):
    version = make_registered("annotators", columns=EMAIL)
    assert [flag.path for flag in lineage.pii_of([version])] == ["annotators v1 (email)"]


def test_a_flag_that_lies_far_up_and_is_reached_twice_is_told_once_by_the_shortest_way(make_registered, link):
    top = make_registered("top", columns=EMAIL)
    middle, side, bottom = make_registered("middle"), make_registered("side"), make_registered("bottom")
    link(side, "derived_from", top)
    link(middle, "split_from", side)
    link(bottom, "derived_from", middle)
    link(bottom, "labelled_by", side)
    assert [flag.path for flag in lineage.pii_of([bottom])] == [
        "top v1 (email) ← derived_from ← side v1 ← labelled_by ← bottom v1"
    ]
    assert [flag.path for flag in lineage.pii_of([bottom, side])] == ["top v1 (email) ← derived_from ← side v1"]


@pytest.mark.parametrize(("short", "long"), [("derived_from", "split_from"), ("split_from", "derived_from")])
def test_the_way_that_is_told_is_the_one_with_fewest_links(make_registered, link, short, long):
    top = make_registered("top", columns=EMAIL)
    near, far, farther, bottom = (make_registered(name) for name in ("near", "far", "farther", "bottom"))
    link(near, "derived_from", top)
    link(farther, "derived_from", top)
    link(far, "derived_from", farther)
    link(bottom, short, near)
    link(bottom, long, far)
    assert [flag.path for flag in lineage.pii_of([bottom])] == [f"top v1 (email) ← derived_from ← near v1 ← {short} ← bottom v1"]


def test_all_flags_are_one_query_however_long_the_lineage(make_registered, link, django_assert_num_queries):
    versions = [make_registered(f"set {place}", columns=EMAIL) for place in range(10)]
    for here, up in zip(versions[1:], versions, strict=False):
        link(here, "derived_from", up)
    for few in (1, 10):
        with django_assert_num_queries(1):
            assert len(lineage.pii_of([versions[few - 1]])) == few
    with django_assert_num_queries(0):
        assert lineage.pii_of([]) == []


def test_many_ways_between_two_versions_cost_no_more_than_their_edges(make_registered, link):
    """Thirty diamonds in a row hold 2**30 ways: a walk over ways would not end."""
    low = make_registered("start", columns=EMAIL, format="other")
    for place in range(15):
        left, right, join = (make_registered(f"{side} {place}", format="other") for side in ("left", "right", "join"))
        for one in (left, right):
            link(one, "derived_from", low)
            link(join, "derived_from", one)
            link(join, "labelled_by", one)
        low = join
    assert len(lineage.pii_of([low])) == 1
    assert lineage.upstream(low)


def test_a_cycle_is_refused_with_a_sentence(make_registered, link):
    first, second, third = (make_registered(name) for name in ("first", "second", "third"))
    link(second, "derived_from", first)
    link(third, "derived_from", second)
    with pytest.raises(InvalidInput, match="third v1 already comes from first v1, so first v1 cannot come from it") as refusal:
        link(first, "labelled_by", third)
    assert refusal.value.code == "cycle"
    with pytest.raises(InvalidInput, match="first v1 cannot come from itself"):
        link(first, "derived_from", first)
    assert Link.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_edges_of_one_ring_that_are_added_at_once_never_close_it(make_registered, scientist):
    ring = [make_registered(f"set {place}", format="other") for place in range(4)]

    def add(place: int) -> bool:
        try:
            here, there = (DatasetVersion.objects.get(pk=ring[(place + step) % 4].pk) for step in (0, 1))
            services.link_versions(here, by=type(scientist).objects.get(pk=scientist.pk), kind="derived_from", to_version=there)
            return True
        except InvalidInput:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(add, range(4))) == [False, True, True, True]


def test_the_same_link_is_made_once(make_registered, link):
    digits, annotators = make_registered("digits"), make_registered("annotators")
    link(digits, "labelled_by", annotators)
    with pytest.raises(WrongState, match="already linked"):
        link(digits, "labelled_by", annotators)
    link(digits, "derived_from", annotators)
    assert Link.objects.count() == 2


def test_a_draft_cannot_be_linked_to_but_may_say_where_it_comes_from(make_draft, make_registered, link):
    draft, digits = make_draft("draft"), make_registered("digits")
    with pytest.raises(WrongState, match="draft v1 is still a draft"):
        link(digits, "derived_from", draft)
    assert link(draft, "derived_from", digits)


def test_an_unknown_kind_is_refused(make_registered, link):
    with pytest.raises(InvalidInput, match="inspired_by is not a kind of link"):
        link(make_registered("a"), "inspired_by", make_registered("b"))


def test_nobody_links_to_data_that_they_may_not_see(make_registered, make_team, make_person, link, story):
    other = make_team("speech")
    theirs = make_registered("voices", by=make_person("Kim", ("data_scientist", other)), in_team=other)
    ours = make_registered("digits")
    with pytest.raises(NotAllowed, match="may not see"):
        link(ours, "derived_from", theirs)
    assert story()[-1] == "attempt.refused"


def test_who_keeps_no_data_links_none(make_registered, link, auditor, story):
    with pytest.raises(NotAllowed):
        link(make_registered("a"), "derived_from", make_registered("b"), by=auditor)
    assert story()[-1] == "attempt.refused"


def test_steps_up_and_down_are_told_nearest_first(make_registered, link, django_assert_num_queries):
    first, second, third = (make_registered(name) for name in ("first", "second", "third"))
    link(second, "derived_from", first)
    link(third, "split_from", second)
    with django_assert_num_queries(2):
        up, down = lineage.upstream(third), lineage.downstream(first)
    assert [(str(step.version), step.kind, step.depth) for step in up] == [
        ("second v1", "split_from", 1),
        ("first v1", "derived_from", 2),
    ]
    assert [(str(step.version), step.kind, step.depth) for step in down] == [
        ("second v1", "derived_from", 1),
        ("third v1", "split_from", 2),
    ]


def test_what_nobody_assessed_is_never_left_out(make_registered, make_draft, link):
    digits, annotators = make_registered("digits"), make_registered("annotators", columns=EMAIL)
    link(digits, "labelled_by", annotators)
    assessment = lineage.assess([digits])
    assert [str(name) for name in assessment.not_assessed] == ["digits v1"]
    assert [flag.column for flag in assessment.present] == ["email"]


def test_unknown_stays_unknown(make_registered):
    version = make_registered(columns=[{"name": "free", "category": "health", "present": "unknown"}])
    assessment = lineage.assess([version])
    assert (assessment.present, [flag.category for flag in assessment.unknown]) == ([], ["health"])


def test_a_declared_no_is_no_flag(make_registered):
    version = make_registered(columns=[{"name": "free", "category": "health", "present": "no"}])
    assessment = lineage.assess([version])
    assert (assessment.present, assessment.unknown, assessment.not_assessed) == ([], [], [])
