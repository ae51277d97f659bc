"""How the risk tier of a model is found: by a method, with the law's least, by two people, and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import erase_person
from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry.services import record_finding
from governance import services
from governance.assessing import METHOD, result_of
from governance.models import Policy, RiskAssessment
from governance.requirements import Question, kinds
from ledger.models import Event, PrivateValue
from models_registry.models import RegisteredModel
from tests.api.world import ASSESSED, RISK_FACTORS

pytestmark = pytest.mark.django_db
NOTHING = dict.fromkeys(RISK_FACTORS, 0)


@pytest.fixture
def make_model(make_model: Callable[..., Any]) -> Callable[..., Any]:
    """A model whose tier is only stated, whatever the tier."""
    return partial(make_model, assessed=False)


@pytest.fixture
def assess(scientist: Any) -> Callable[..., RiskAssessment]:
    """`assess(model, harm=3)`: answered with ones but for what is given; `uses` by law."""

    def make(model: Any, *, by: Any = None, uses: Any = None, **levels: int) -> RiskAssessment:
        return services.assess_risk(
            model, by=by or scientist, levels=ASSESSED["levels"] | levels, reasons=ASSESSED["reasons"], uses=uses
        )

    return make


def test_the_shipped_method_never_changes_under_its_version() -> None:
    assert (METHOD.version, METHOD.digest) == (1, "sha256:74b54b22f50a22cfebe659f77b49017c91d565bba5be921cfb74ed5fc5a90bce"), (
        "another method has another version"
    )


@pytest.mark.parametrize(
    ("levels", "uses", "categories", "expected"),
    [
        (NOTHING, {}, [], (0, "low", "", "low")),
        (dict.fromkeys(RISK_FACTORS, 1), {}, [], (33, "medium", "", "medium")),
        (dict.fromkeys(RISK_FACTORS, 2), {}, [], (66, "high", "", "high")),
        (NOTHING | {"harm": 3}, {}, [], (22, "high", "", "high")),
        (NOTHING, {"annex_iii": "employment"}, [], (0, "low", "high", "high")),
        (NOTHING, {"kr_high_impact": "evaluation"}, [], (0, "low", "high", "high")),
        (NOTHING, {}, ["health"], (0, "low", "high", "high")),
    ],
)
def test_answers_make_a_score_a_tier_and_the_law_a_least(levels: Any, uses: Any, categories: Any, expected: Any) -> None:
    result = result_of(levels, uses, categories)
    assert (result.score, result.assessed, result.minimum, result.tier) == expected
    assert len(result.because) == 1 + (result.minimum != "") + (levels["harm"] == 3)


@pytest.mark.parametrize(
    ("levels", "uses"),
    [
        ({}, {}),
        (NOTHING | {"harm": 4}, {}),
        (NOTHING | {"harm": True}, {}),
        (NOTHING | {"poetry": 1}, {}),
        (NOTHING, {"annex_iii": "poetry"}),
        (NOTHING, {"poetry": ""}),
    ],
)
def test_answers_that_the_method_does_not_know_are_refused(levels: Any, uses: Any) -> None:
    with pytest.raises(InvalidInput):
        result_of(levels, uses, [])


def test_each_answer_needs_a_reason(make_model: Any, scientist: Any) -> None:
    for missing in ("harm", "annex_iii"):
        with pytest.raises(InvalidInput, match=missing):
            services.assess_risk(
                make_model(f"m-{missing.replace('_', '-')}"), by=scientist, levels=NOTHING,
                reasons=ASSESSED["reasons"] | {missing: " "},
            )  # fmt: skip


def test_an_assessment_says_nothing_before_somebody_else_activates_it(
    make_model: Any, assess: Any, risk_manager: Any, officer: Any, scientist: Any, validator: Any, story: Any
) -> None:
    model = make_model(tier="low")
    before = len(story())
    made = assess(model, by=risk_manager)
    assert story()[before:] == ["risk_assessment.made"] and RegisteredModel.objects.get(pk=model.pk).risk_tier == "low"
    for nobody, why in ((risk_manager, "somebody else"), (scientist, "Only a risk manager"), (validator, "Only a risk manager")):
        with pytest.raises(NotAllowed, match=why):
            services.activate_assessment(made, by=nobody)
    before = len(story())
    active = services.activate_assessment(made, by=officer)
    assert story()[before:] == ["risk_assessment.activated", "model.tier_assessed"]
    assert (active.state, active.tier, RegisteredModel.objects.get(pk=model.pk).risk_tier) == ("active", "medium", "medium")
    with pytest.raises(WrongState, match="active"):
        services.activate_assessment(made, by=officer)


def test_who_neither_builds_nor_answers_for_the_model_does_not_assess(make_model: Any, assess: Any, validator: Any) -> None:
    with pytest.raises(NotAllowed, match="assesses"):
        assess(make_model(), by=validator)


def test_a_later_assessment_archives_the_earlier_and_nothing_is_lost(make_model: Any, assess: Any, officer: Any) -> None:
    model = make_model()
    first = services.activate_assessment(assess(model), by=officer)
    assess(model)
    third = assess(model)
    assert list(model.assessments.order_by("number").values_list("state", flat=True)) == ["active", "archived", "draft"]
    services.activate_assessment(third, by=officer)
    assert list(model.assessments.order_by("number").values_list("state", flat=True)) == ["archived", "archived", "active"]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_riskassessment SET score = 1 WHERE id = %s", [first.pk])


@pytest.mark.parametrize("tier", ["low", "high"])
def test_an_override_goes_both_ways_with_a_reason(make_model: Any, assess: Any, officer: Any, tier: str) -> None:
    model = make_model()
    made = assess(model)
    with pytest.raises(InvalidInput, match="why"):
        services.activate_assessment(made, by=officer, tier=tier)
    active = services.activate_assessment(made, by=officer, tier=tier, reason="Seen in use.")
    assert (active.tier, active.overridden, active.override_reason) == (tier, True, "Seen in use.")
    told = Event.objects.get(type="risk_assessment.activated").data
    assert (told["result"], told["tier"], told["overridden"]) == ("medium", tier, True)


def test_nobody_overrides_the_law(make_model: Any, assess: Any, officer: Any) -> None:
    made = assess(make_model(), uses={"annex_iii": "employment"})
    with pytest.raises(InvalidInput, match="nobody overrides"):
        services.activate_assessment(made, by=officer, tier="medium", reason="It is small.")
    assert RiskAssessment.objects.get(pk=made.pk).state == "draft"


def test_protected_data_that_come_to_reach_the_model_need_a_new_assessment(
    make_draft: Any, make_data: Any, assess: Any, officer: Any, scientist: Any
) -> None:
    data = make_data()
    model = make_draft(data=data).model
    made = assess(model)
    assert made.categories == []
    record_finding(data, by=scientist, category="health", present="yes")
    with pytest.raises(WrongState, match="fill it in anew"):
        services.activate_assessment(made, by=officer)
    again = assess(model)
    assert (again.categories, again.minimum_tier, again.tier) == (["health"], "high", "high")


def test_versions_approved_under_a_policy_for_lower_tiers_are_named(
    make_model: Any, make_review: Any, sign: Any, assess: Any, officer: Any, client_of: Any
) -> None:
    model = make_model(tier="low")
    review = make_review(model=model)
    sign(review, "compliance_officer")
    active = services.activate_assessment(assess(model, harm=3), by=officer)
    told = Event.objects.get(type="version.tier_outgrown")
    assert told.subject_id == str(review.version_id) and told.data["tier"] == "high"
    page = client_of(officer).get(active.get_absolute_url()).content.decode()
    assert "Approved under a policy for a lower tier" in page and str(review.version) in page


def test_the_requirement_is_met_by_an_active_assessment_alone(
    make_draft: Any, assess: Any, officer: Any, frozen_clock: Any
) -> None:
    version = make_draft()
    kind = kinds.get("risk_assessment")
    assert kind is not None

    def ask(**demand: Any) -> tuple[str, str]:
        fresh = type(version).objects.with_parts().get(pk=version.pk)
        policy = Policy.objects.in_force("high", "production")
        assert policy is not None
        [answer] = kind.answer(Question(fresh, policy, "production", [], kind.check({"kind": "risk_assessment", **demand})))
        return answer.outcome.value, answer.sentence

    assert ask()[0] == "not_assessed" and "stated, not assessed" in ask()[1]
    made = assess(version.model)
    assert ask()[0] == "not_assessed", "a draft says nothing"
    services.activate_assessment(made, by=officer)
    assert ask()[0] == ask(max_age_days=3)[0] == "met"
    RegisteredModel.objects.filter(pk=version.model_id).update(risk_tier="low")
    assert ask() == ("not_met", "Risk assessment 1 comes to limited risk, and the model has a lower tier.")
    RegisteredModel.objects.filter(pk=version.model_id).update(risk_tier="high")
    frozen_clock.advance(days=4)
    assert ask(max_age_days=3)[0] == "not_met"
    for wrong in ({"max_age_days": 0}, {"max_age_days": "x"}, {"tier": "low"}):
        with pytest.raises(InvalidInput):
            kind.check({"kind": "risk_assessment", **wrong})


def test_reasons_lie_behind_the_log_and_go_with_their_author(make_model: Any, assess: Any, scientist: Any, admin: Any) -> None:
    made = assess(make_model())
    assert made.reasons["harm"] == "Because."
    assert "Because" not in str(Event.objects.get(type="risk_assessment.made").data)
    erase_person(scientist, by=admin)
    assert RiskAssessment.objects.get(pk=made.pk).reasons == {}
    assert not PrivateValue.objects.filter(value__contains="Because").exists()


def test_the_form_shows_the_result_before_anything_is_kept(make_model: Any, scientist: Any, officer: Any, client_of: Any) -> None:
    model = make_model(tier="low")
    client, address = client_of(scientist), f"/models/{model.pk}/risk/assess/"
    assert "stated, not assessed" in client.get(model.get_absolute_url()).content.decode()
    given = {**ASSESSED["levels"], **{f"{key}_reason": text for key, text in ASSESSED["reasons"].items()}}
    looked = client.post(address, given | {"look": "1"})
    assert looked.status_code == 200 and "33 of 100" in looked.content.decode() and not RiskAssessment.objects.exists()
    refused = client.post(address, given | {"harm_reason": ""})
    assert refused.status_code == 422 and "Because." in refused.content.decode()
    kept = client.post(address, given)
    made = RiskAssessment.objects.get()
    assert (kept.status_code, kept["Location"]) == (303, made.get_absolute_url())
    page = client_of(officer)
    refused = page.post(f"{made.get_absolute_url()}activate/", {"tier": "high", "reason": ""})
    assert refused.status_code == 422 and "Say why" in refused.content.decode()
    assert page.post(f"{made.get_absolute_url()}activate/", {"tier": "high", "reason": "Seen."}).status_code == 303
    assert "Seen." in page.get(made.get_absolute_url()).content.decode()
    assert client.get(f"/models/{model.pk}/risk/").status_code == 200


def test_the_api_assesses_activates_and_tells_the_method(make_model: Any, scientist: Any, officer: Any, api_of: Any) -> None:
    model, api = make_model(), api_of(scientist)
    assert api.get("/api/v1/risk-method/").json()["digest"] == METHOD.digest
    made = api.post(f"/api/v1/models/{model.pk}/risk-assessments/", ASSESSED)
    assert made.status_code == 201, made.content
    address = f"/api/v1/risk-assessments/{made.json()['id']}/"
    assert api.post(f"{address}activation/", {}).status_code == 403
    active = api_of(officer).post(f"{address}activation/", {})
    assert (active.json()["state"], api.get(address).json()["tier"]) == ("active", "medium")
