"""The document that a policy is: every format is read by one function, and nothing odd is taken or ends in an error of ours."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from governance import policies
from governance.documents import FORMAT, read
from governance.documents.checking import checked
from models_registry.models import RiskTier
from tests.governance.earlier import earlier_body

pytestmark = pytest.mark.django_db  # which environments there are stands in rows


@pytest.mark.parametrize("tier", RiskTier.values)
def test_what_is_kept_says_every_field_and_is_read_back_the_same(tier: str) -> None:
    document = checked(policies.starting_body(tier))
    assert document.body() == policies.starting_body(tier)
    assert read(document.body()) == document == checked(document.body())


def test_what_a_document_leaves_out_it_does_not_give() -> None:
    whole = policies.starting_body("high")
    least = {key: whole[key] for key in ("format", "name", "title", "covers", "evaluations", "steps", "monitoring")}
    found = checked(least)
    assert (found.valid_days, found.review_days, found.escalate_to, found.emergency) == (0, 0, "", None)
    assert not found.conditions.allowed and found.exceptions.roles == () and found.separation.policy_author_days == 0


def test_policies_of_the_earlier_formats_are_read_by_the_same_function() -> None:
    body = earlier_body("high")
    found = read(body, name="standard-high", tier="high")
    assert found.covers.include("high", "staging") and not found.covers.include("low", "staging")
    assert [step.role for step in found.steps_in_order()] == ["validator", "data_protection_officer", "compliance_officer"]
    assert [step.only_with_personal_data for step in found.steps_in_order()] == [False, True, False]
    assert found.valid_days == 365 and found.body()["format"] == FORMAT
    oldest = {key: part for key, part in body.items() if key != "suites"}
    line = {"check": "performance", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.5}
    found = read(oldest | {"suite": {"name": "one", "checks": [{"name": "performance"}]}, "thresholds": [line]}, tier="low")
    for task in ("binary", "regression"):
        criteria = found.evaluations.criteria(task)
        assert criteria is not None and (criteria.name, criteria.thresholds) == ("one", [line])
    assert found.body()["evaluations"]["suites"]["*"]["thresholds"] == [line]


STEP = {"role": "validator", "meaning": "validated"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "countersign-policy/1"}, "“format”"),
        ({"name": "High Risk"}, "“name”"),
        ({"title": ""}, "“title”"),
        ({"purpose": "x" * 2001}, "“purpose”"),
        ({"colour": "red"}, "no field “colour”"),
        ({"covers": {"tiers": ["huge"], "environments": ["staging"]}}, "“covers.tiers”"),
        ({"covers": {"tiers": ["high"], "environments": []}}, "“covers.environments”"),
        ({"covers": {"tiers": ["high", "high"], "environments": ["staging"]}}, "each once"),
        ({"covers": ["high"]}, "“covers”"),
        ({"steps": []}, "at least one signature"),
        ({"steps": [STEP | {"role": "administrator"}]}, "not a role that signs"),
        ({"steps": [STEP, STEP]}, "each role once"),
        ({"steps": [STEP | {"quorum": 0}]}, "“steps 1.quorum”"),
        ({"steps": [STEP | {"quorum": True}]}, "“steps 1.quorum”"),
        ({"steps": [STEP | {"meaning": "rejected"}]}, "“steps 1.meaning”"),
        ({"steps": [STEP | {"when": "monday"}]}, "“steps 1.when”"),
        ({"steps": [STEP | {"when": "pii"}]}, "always needed"),
        ({"steps": [STEP | {"distinct_teams": "yes"}]}, "“steps 1.distinct_teams”"),
        ({"steps": [STEP | {"deputy": "me"}]}, "no field “deputy”"),
        ({"valid_days": -1}, "“valid_days”"),
        ({"valid_days": 1.5}, "“valid_days”"),
        ({"escalate_to": "auditor"}, "“escalate_to”"),
        ({"conditions": {"allowed": True, "most_days": 0}}, "“conditions.most_days”"),
        ({"exceptions": {"roles": ["data_scientist"], "most_days": 1}}, "“exceptions.roles”"),
        ({"emergency": {"roles": [], "valid_days": 1, "review_within_days": 1}}, "“emergency.roles”"),
        ({"emergency": {"roles": ["risk_manager"], "valid_days": 365, "review_within_days": 1}}, "“emergency.valid_days”"),
        ({"separation": {"days": 3}}, "no field “days”"),
        ({"requirements": [{"kind": "astrology"}]}, "names no kind"),
        ({"requirements": ["inspection"]}, "names no kind"),
        ({"requirements": [{"kind": "inspection", "depth": 3}]}, "depth"),
        ({"monitoring": {}}, "“monitoring.minimum_rows”"),
        ({"monitoring": None}, "“monitoring”"),
    ],
)
def test_each_field_is_checked_with_a_sentence_that_names_it(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked(policies.starting_body("high") | change)
    assert says in str(refusal.value) and str(refusal.value).endswith(".")


@pytest.mark.parametrize("odd", [None, [], 3, "text", True, {"a": {1: 2}}, {"a": "\x00"}, {"a": float("nan")}, {"a": 2**60}])
def test_what_is_no_document_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidInput):
        checked(odd)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inner for found in places(part, (*path, key)))]


WHOLE = policies.starting_body("high")
PLACES = places(WHOLE)[1:]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), odd=ANYTHING)
def test_any_value_in_any_place_is_taken_or_refused_and_never_an_error(place: tuple[Any, ...], odd: Any) -> None:
    body = copy.deepcopy(WHOLE)
    inner: Any = body
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    try:
        found = checked(body)
    except InvalidInput as refusal:
        assert str(refusal)
    else:
        assert read(found.body()) == found
