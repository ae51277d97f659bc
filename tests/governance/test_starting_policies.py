"""What the policies that a new site begins with ask for, and how they read to the officer who answers for them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from evaluations.catalogue import catalogue
from governance import policies, policy_lines
from governance.approvals import approval_of
from governance.documents.checking import checked
from governance.requirements import kinds
from ledger.actors import INSTALLER
from models_registry.models import RiskTier
from tests.plugins_versions import CARD, measured

pytestmark = pytest.mark.django_db


def requirements_of(tier: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in policies.starting_body(tier)["requirements"]}


def test_a_higher_tier_asks_for_all_that_a_lower_one_asks_for() -> None:
    low, medium, high = (requirements_of(tier) for tier in ("low", "medium", "high"))
    assert set(low) < set(medium) < set(high)
    for name, parameter in (("card_sections", "sections"), ("provenance", "fields")):
        for less, more in ((low, medium), (medium, high)):
            assert set(less.get(name, {}).get(parameter, [])) <= set(more[name][parameter])


def test_no_limit_stands_on_what_a_first_version_or_plain_data_cannot_give() -> None:
    """Not measured is not passed: such a limit would stand against every version."""
    for tier in RiskTier.values:
        for suite in policies.starting_body(tier)["evaluations"]["suites"].values():
            asked = {line["check"] for line in suite["thresholds"]}
            assert asked <= {"performance", "calibration"}
            assert not any(catalogue()[name].others for name in asked)


def test_nobody_is_let_past_the_signatures_of_a_minimal_risk_model() -> None:
    assert policies.starting_body("low")["emergency"] is None
    for tier in ("medium", "high"):
        short = policies.starting_body(tier)["emergency"]
        assert short == {"roles": ["risk_manager"], "valid_days": 7, "review_within_days": 14}


def test_a_high_risk_version_that_brings_everything_is_approvable(make_review: Any) -> None:
    approval = approval_of(make_review().version, "production")
    assert approval.evidence_reasons == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("ethical_considerations", "The card says nothing under “Ethical considerations”: revise it."),
        ("monitoring", "The card does not say how the version is watched in production: write it under “Monitoring”."),
    ],
)
def test_a_high_risk_version_whose_card_leaves_something_out_is_blocked(make_review: Any, field: str, says: str) -> None:
    card = {key: text for key, text in CARD.items() if key != field}
    assert approval_of(make_review(card=card).version, "production").evidence_reasons == [says]


def test_a_high_risk_model_whose_risk_nobody_assessed_is_blocked(make_model: Any, make_review: Any) -> None:
    review = make_review(model=make_model(assessed=False))
    (reason,) = approval_of(review.version, "production").evidence_reasons
    assert reason.startswith("The risk tier of the model is stated, not assessed")


def test_a_high_risk_version_on_data_that_nobody_looked_at_is_blocked(make_data: Any, make_review: Any) -> None:
    (reason,) = approval_of(make_review(data=make_data(assessed=False)).version, "production").evidence_reasons
    assert reason == "Nobody has said what is personal in digits v1, and no scan of it was completed."


def test_a_high_risk_model_whose_probabilities_mislead_is_blocked_however_often_it_is_right(make_review: Any) -> None:
    result = copy.deepcopy(measured())
    for row in result["metrics"]:
        if row["check"] == "calibration":
            row |= {"value": 0.15, "low": 0.12, "high": 0.18}
    (reason,) = approval_of(make_review(result=result).version, "production").evidence_reasons
    assert reason.startswith("Expected calibration error") and "misses the maximum of 10" in reason


def test_a_limited_risk_version_needs_no_assessment_and_no_plan(make_model: Any, make_review: Any) -> None:
    card = {key: text for key, text in CARD.items() if key not in {"ethical_considerations", "monitoring"}}
    review = make_review(model=make_model(tier="medium"), card=card)
    assert approval_of(review.version, "production").evidence_reasons == []


def test_each_requirement_is_a_sentence_to_whoever_reads_the_policy(stranger: Any, client_of: Any) -> None:
    page = client_of(stranger).get(policies.in_force("high").get_absolute_url()).content.decode()
    for said in (
        "The card says something under: Overview, Intended use, Out of scope, Limitations, Ethical considerations,",
        "Every dataset version that it names says: Issuer, Date, How it was made, Intended purpose, Licence.",
        "The risk of the model was assessed, and a second person put the assessment into force.",
        "No finding about it, its model or its data is open whose severity is: critical or high.",
        "Expected calibration error, at most 10",
    ):
        assert said in page
    for code in ("pii_states", "use.license", "intended_use", "card_sections"):
        assert code not in page


def test_every_kind_that_a_policy_can_name_is_said_in_a_sentence() -> None:
    """A kind without words would show its parameters instead, as their programs call them."""
    demands = {
        "card_sections": {"sections": ["overview"]},
        "provenance": {"fields": ["use.license"]},
        "uploaded_evidence": {"evidence": ["dpia"]},
        "risk_assessment": {"max_age_days": 365},
        "code_review": {"reviewers": 2},
        "findings": {"blocks": "medium"},
    }
    named = [name for name in kinds.names() if name not in {"inspection", "thresholds", "verified", "repeats"}]
    body = policies.starting_body("low") | {"requirements": [{"kind": name, **demands.get(name, {})} for name in named]}
    for _title, said in policy_lines.requirements(checked(body)):
        assert said.endswith(".") and "_" not in said, said


def test_sites_that_published_a_policy_keep_it() -> None:
    body = policies.starting_body("high") | {"name": "house", "requirements": []}
    kept = policies.publish(by=INSTALLER, body=body)
    policies.install()
    assert policies.in_force("high") == kept


def test_the_list_of_policies_names_what_each_tier_asks_for(stranger: Any, client_of: Any) -> None:
    page = client_of(stranger).get("/policies/").content.decode()
    low, high = page[page.index("policy-low") : page.index("policy-medium")], page[page.index("policy-high") :]
    assert "Model card" in low and "Risk assessment" not in low
    for what in ("Risk assessment", "Provenance of the data", "Personal data", "Monitoring", "Findings"):
        assert what in high
