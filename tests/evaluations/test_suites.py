"""Which checks there are, and what a policy may ask of them: refused when it is published, not when it is too late."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest

from core.errors import InvalidInput
from evaluations.catalogue import EVERY_TASK, UNDECLARED, CheckKind, catalogue
from evaluations.services import verdict_of
from governance import policies, services
from governance.criteria import criteria_of
from governance.models import Policy
from ledger.actors import INSTALLER
from models_registry.models import RegisteredModel, RiskTier
from tests.governance.earlier import earlier_body

pytestmark = pytest.mark.django_db


def test_the_catalogue_is_what_the_engine_has() -> None:
    from evaluations.engine.checks import CHECKS  # noqa: PLC0415 - torch, which only this test needs

    assert set(catalogue()) == set(CHECKS)
    for name, check in CHECKS.items():
        signature = inspect.signature(check).parameters.values()
        assert set(catalogue()[name].parameters) == {one.name for one in signature if one.kind is one.KEYWORD_ONLY}, name
        assert catalogue()[name].tasks == frozenset(getattr(check, "TASKS", UNDECLARED)) <= EVERY_TASK, name
        assert catalogue()[name].others == frozenset(getattr(check, "OTHERS", ())), name
        assert catalogue()[name].says, f"{name} does not say what it measures"


def test_a_check_that_looks_for_more_than_the_data_gets_it() -> None:
    """`evaluations.inputs` lays out what the catalogue names, so a check that is not named there would never run."""
    asked = {name: kind.others for name, kind in catalogue().items() if kind.others}
    assert asked == {
        "comparison": {"production"},
        "overlap": {"training"},
        "prediction_distribution": {"production"},
        "privacy": {"training"},
    }


def body(tier: str = "high", **multiclass: Any) -> dict[str, Any]:
    found = copy.deepcopy(policies.starting_body(tier))
    found["evaluations"]["suites"]["multiclass"] |= multiclass
    return found


def publish(content: dict[str, Any]) -> Policy:
    return policies.publish(by=INSTALLER, body=content | {"name": "mine"})


ON_SLICES = {"check": "nowhere", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.9}


@pytest.mark.parametrize(
    ("multiclass", "code"),
    [
        ({"checks": [{"name": "performence"}]}, "unknown_check"),
        ({"checks": [{"name": "performance", "top": 3}]}, "unknown_parameter"),
        ({"checks": [{"name": "performance"}, {"name": "performance"}]}, "check_twice"),
        ({"checks": []}, "suite_checks"),
        ({"checks": "performance"}, "suite_checks"),
        ({"checks": ["performance"]}, "unknown_check"),
        ({"thresholds": [ON_SLICES]}, "threshold_without_check"),
        ({"thresholds": []}, "policy_thresholds"),
        ({"name": ""}, "suite_name"),
        ({"tolerance": -1}, "tolerance"),
        ({"tolerance": "none"}, "tolerance"),
    ],
)
def test_what_could_not_be_measured_or_judged_is_refused_on_publishing(multiclass: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        publish(body(**multiclass))
    assert refusal.value.code == code and str(refusal.value).endswith(".")
    assert not Policy.objects.filter(name="mine").exists()


@pytest.mark.parametrize(
    ("suites", "code"),
    [({}, "policy_suites"), (None, "policy_suites"), ({"chess": {}}, "policy_task"), ({"binary": 3}, "policy_task")],
)
def test_a_policy_names_suites_by_task(suites: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        publish(body() | {"evaluations": body()["evaluations"] | {"suites": suites}})
    assert refusal.value.code == code


def test_a_check_that_cannot_measure_the_task_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = body(checks=[{"name": "performance"}])
    of_numbers = {"performance": CheckKind("performance", frozenset({"regression"}))}
    monkeypatch.setattr("evaluations.suites.catalogue", lambda: of_numbers)
    with pytest.raises(InvalidInput, match="cannot measure this task"):
        publish(content)


@pytest.mark.parametrize("tier", RiskTier.values)
def test_every_starting_policy_can_be_published_and_a_higher_tier_asks_for_no_less(tier: str) -> None:
    assert publish(policies.starting_body(tier)).state == "published"
    suites = {name: policies.starting_body(name)["evaluations"]["suites"]["multiclass"] for name in RiskTier.values}
    names = {name: {check["name"] for check in suite["checks"]} for name, suite in suites.items()}
    assert names["low"] <= names["medium"] <= names["high"]


def test_the_highest_tier_asks_for_every_check_of_evaluation_and_attacks_its_models() -> None:
    """Binary models can be measured by all of them; `row_losses` is for the combination of folds and judges nothing."""
    asked = {check["name"] for check in policies.starting_body("high")["evaluations"]["suites"]["binary"]["checks"]}
    assert "adversarial" in asked
    assert asked == set(catalogue()) - {"row_losses"}


def test_a_policy_of_the_earlier_shape_is_still_judged(make_draft: Any, inspect: Any, measure: Any, scientist: Any) -> None:
    lines = [{"check": "performance", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.5}]
    old = earlier_body("high") | {"suite": {"name": "classification", "checks": [{"name": "performance"}]}}
    del old["suites"]
    Policy.objects.create(  # as an earlier version published it
        name="old", number=1, risk_tier="high", body=old | {"thresholds": lines}, digest="sha256:" + "0" * 64,
        state="published", published_at="2099-01-01T00:00:00Z",
    )  # fmt: skip
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    (run,) = measure(version)
    assert run.thresholds == lines and run.suite.name == "classification"
    assert verdict_of(run).outcome == "passed"


def test_a_task_of_which_the_policy_says_nothing_is_refused_at_submission(make_draft: Any, scientist: Any) -> None:
    content = body()
    suites = content["evaluations"]["suites"]
    suites["binary"] = suites.pop("multiclass") | {"name": "binary"}
    publish(content)
    version = make_draft()
    with pytest.raises(InvalidInput, match="says nothing about this task") as refusal:
        services.submit(version, by=scientist)
    assert refusal.value.code == "no_suite"
    assert RegisteredModel.objects.get().task == "multiclass"
    assert criteria_of(policies.in_force("high"), "binary").name == "binary"


def test_a_check_that_did_not_run_says_why_in_its_verdict(make_draft: Any, inspect: Any, measure: Any, scientist: Any) -> None:
    from tests.plugins_versions import measured  # noqa: PLC0415 - only here

    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    gap = {"check": "performance", "reason": "The targets are missing."}
    (run,) = measure(version, {**measured(), "metrics": [], "not_run": [gap]})
    verdict = verdict_of(run)
    assert verdict.outcome == "inconclusive" and {check.outcome for check in verdict.checks} == {"not_run"}
    of_it = [check for check in verdict.checks if check.threshold["check"] == "performance"]
    assert of_it and all(check.sentence.endswith("The targets are missing.") for check in of_it)
