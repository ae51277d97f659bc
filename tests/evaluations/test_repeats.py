"""The same measurement once more: beside the first, judged by a tolerance; and what a repetition needs is kept."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import save_file

from core.errors import NotAllowed, WrongState
from evaluations.models import EvaluationRun, Metric
from evaluations.recipe import code_digest
from evaluations.repeats import agreement_of
from evaluations.services import cancel_run, repeat_run
from governance import services
from governance.approvals import approval_of
from ledger.models import Event
from tests.plugins_versions import measured

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(make_review: Any) -> EvaluationRun:
    return EvaluationRun.objects.with_results().get(version=make_review().version)


@pytest.fixture
def again(first: Any, validator: Any, measure: Any) -> Any:
    """`again(result)`: the repeat of the first run by a validator, measured with this result."""

    def repeat(result: Any = None) -> EvaluationRun:
        run = repeat_run(first, by=validator)
        measure(first.version, result)
        return EvaluationRun.objects.with_results().get(pk=run.pk)

    return repeat


def moved(by: float) -> dict[str, Any]:
    """The first result with the accuracy moved."""
    found = copy.deepcopy(measured())
    found["metrics"][0]["value"] += by
    return found


def test_a_repeat_stands_beside_the_first_and_changes_nothing_that_was_signed(first: Any, again: Any, validator: Any) -> None:
    before = approval_of(first.version, "production")
    run = again()
    assert (run.repeats, run.asked_by, run.thresholds, run.suite) == (first, validator, first.thresholds, first.suite)
    assert run.results_digest == first.results_digest
    agreement = agreement_of(first, run)
    assert (agreement.outcome, agreement.differences, agreement.compared) == ("same", [], 5)
    after = approval_of(first.version, "production")
    assert (after.digest, after.reasons) == (before.digest, before.reasons)
    assert [one for one, _verdict in after.verdicts] == [first]
    told = Event.objects.get(type="evaluation.repeat_asked").data
    assert (told["again"], told["results_digest"]) == (str(run.pk), first.results_digest)


@pytest.mark.parametrize(("by", "outcome"), [(0.0009, "within"), (-0.001, "within"), (0.0011, "beyond"), (-0.02, "beyond")])
def test_differences_are_judged_by_the_tolerance(by: float, outcome: str, first: Any, again: Any) -> None:
    run = again(moved(by))
    agreement = agreement_of(first, run)
    assert (agreement.outcome, len(agreement.differences)) == (outcome, 1)
    assert agreement.differences[0].title == "Accuracy" and agreement.differences[0].first == 0.98
    assert run.results_digest != first.results_digest
    blocked = [
        reason for reason in approval_of(first.version, "production").evidence_reasons if "came to other numbers" in reason
    ]
    assert bool(blocked) == (outcome == "beyond")


def test_a_tolerance_is_of_large_numbers_relative() -> None:
    def run(value: float) -> Any:
        class Run:
            tolerance, results_digest, recipe, sandbox, facts = 0.001, str(value), {}, {}, {}

            class metrics:
                @staticmethod
                def all() -> list[Metric]:
                    return [Metric(check_name="performance", name="rmse", value=value, n=10)]

        return Run

    assert agreement_of(run(5000.0), run(5004.9)).outcome == "within"
    assert agreement_of(run(5000.0), run(5005.1)).outcome == "beyond"


def test_a_number_that_only_one_of_them_has_is_a_difference(first: Any, again: Any) -> None:
    fewer = measured()
    fewer["metrics"].pop()
    agreement = agreement_of(first, again(fewer))
    assert (agreement.outcome, agreement.differences[0].second) == ("beyond", None)


def test_times_are_not_compared(first: Any, again: Any) -> None:
    timed = measured()
    timed["metrics"].append({"check": "resources", "name": "latency_p50", "value": 0.1, "n": 20, "label": "", "unit": "seconds"})
    run = again(timed)
    assert agreement_of(first, run).outcome == "same" and run.results_digest == first.results_digest


def test_what_was_not_the_same_around_it_is_named(first: Any, again: Any) -> None:
    run = again({**measured(), "versions": {"torch": "2.99"}})
    run.recipe = run.recipe | {"threads": 2}
    assert agreement_of(first, run).conditions == [("threads", "1", "2"), ("torch", "2", "2.99")]


def test_everything_that_a_repetition_needs_is_kept(first: Any) -> None:
    assert first.recipe["code"] == code_digest() and code_digest().startswith("sha256:")
    assert {"seed", "threads", "batch", "device"} <= set(first.recipe)
    assert first.suite.digest and first.checkpoint_digest and first.dataset_digest and first.facts["versions"]
    assert first.sandbox["level"] == "L3" and first.limits["memory"]


@pytest.mark.parametrize("who", ["scientist", "officer", "auditor", "stranger", "admin"])
def test_a_completed_run_is_repeated_only_by_a_validator(who: str, first: Any, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed, match="Only a validator"):
        repeat_run(first, by=request.getfixturevalue(who))


def test_what_waits_is_not_asked_for_twice(first: Any, validator: Any) -> None:
    waiting = repeat_run(first, by=validator)
    with pytest.raises(WrongState, match="already waits"):
        repeat_run(first, by=validator)
    with pytest.raises(WrongState, match="not over"):
        repeat_run(waiting, by=validator)


def test_a_run_that_was_not_finished_is_replaced(
    make_draft: Any, inspect: Any, measure: Any, scientist: Any, officer: Any
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    cancel_run(EvaluationRun.objects.get(version=version), by=scientist)
    assert any("called off" in reason for reason in approval_of(version, "production").reasons)
    stopped = EvaluationRun.objects.get(version=version)
    with pytest.raises(NotAllowed):
        repeat_run(stopped, by=officer)
    replaced = repeat_run(stopped, by=scientist)
    assert replaced.repeats is None
    measure(version)
    assert approval_of(version, "production").evidence_reasons == []


def test_what_was_measured_since_is_not_replaced(
    make_draft: Any, inspect: Any, measure: Any, scientist: Any, validator: Any
) -> None:
    """Or else the first run that was called off would be asked for again until its numbers please."""
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    stopped = EvaluationRun.objects.get(version=version)
    cancel_run(stopped, by=scientist)
    counts = repeat_run(stopped, by=scientist)
    measure(version, measured(accuracy=(0.5, 0.45, 0.55)))
    for person in (scientist, validator):
        with pytest.raises(WrongState, match="that result counts"):
            repeat_run(stopped, by=person)
    assert [run for run, _verdict in approval_of(version, "production").verdicts] == [counts]
    assert repeat_run(counts, by=validator).repeats == counts


def test_a_repeat_is_in_the_hands_of_validators(first: Any, scientist: Any, validator: Any, measure: Any) -> None:
    """Whose work a repeat checks neither calls it off nor asks for it until it agrees."""
    repeat = repeat_run(first, by=validator)
    with pytest.raises(NotAllowed, match="Only a validator"):
        cancel_run(repeat, by=scientist)
    cancel_run(repeat, by=validator)
    with pytest.raises(NotAllowed, match="Only a validator"):
        repeat_run(repeat, by=scientist)
    assert repeat_run(repeat, by=validator).repeats == first


def test_a_validator_does_not_repeat_their_own_version(make_review: Any, make_person: Any, team: Any) -> None:
    both = make_person("Bo Both", ("data_scientist", team), ("validator", team))
    run = EvaluationRun.objects.get(version=make_review(by=both).version)
    with pytest.raises(NotAllowed, match="your own version"):
        repeat_run(run, by=both)


def test_a_repeat_of_a_repeat_is_laid_beside_the_first(first: Any, again: Any, validator: Any) -> None:
    assert repeat_run(again(), by=validator).repeats == first


def test_the_predictions_are_kept_and_given_to_who_may_have_them(
    first: Any, again: Any, tmp_path: Path, validator: Any, measure: Any, api_of: Any, officer: Any, client_of: Any
) -> None:
    import numpy as np  # noqa: PLC0415 - only here

    save_file({"predicted": np.arange(600)}, tmp_path / "predictions.safetensors")
    repeat_run(first, by=validator)
    measure(first.version, None, folder=tmp_path)
    run = EvaluationRun.objects.get(repeats=first)
    content = (tmp_path / "predictions.safetensors").read_bytes()
    assert run.predictions_size == len(content) and run.predictions_digest.startswith("sha256:")
    answer = api_of(validator).get(f"/api/v1/evaluations/{run.pk}/predictions/")
    assert b"".join(answer.streaming_content) == content and answer["X-Content-SHA256"] == run.predictions_digest
    refused = api_of(officer).get(f"/api/v1/evaluations/{run.pk}/predictions/")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_role")
    assert api_of(validator).get(f"/api/v1/evaluations/{first.pk}/predictions/").status_code == 404
    page = client_of(officer).get(f"/versions/{first.version_id}/checks/").content.decode()
    assert "download predictions" in page and f"/evaluations/{run.pk}/predictions/" not in page


def test_the_page_shows_the_repeat_beside_the_first(first: Any, again: Any, validator: Any, client_of: Any) -> None:
    again(moved(-0.02))
    page = client_of(validator).get(f"/versions/{first.version_id}/checks/").content.decode()
    assert "differ by more than the tolerance of 0.001" in page and "Their results digests differ." in page
    assert page.index(f'id="run-{first.pk}"') < page.index("Stands beside")


def test_the_page_says_why_a_run_cannot_be_asked_for_again(first: Any, validator: Any, client_of: Any) -> None:
    client = client_of(validator)
    assert client.post(f"/evaluations/{first.pk}/repeats/").status_code == 303
    answer = client.post(f"/evaluations/{first.pk}/repeats/", follow=True)
    assert "already waits or runs" in answer.content.decode()
