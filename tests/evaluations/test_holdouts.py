"""Hold-outs: who registers them, that every look at them is counted, and when a number is verified."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry import services as data
from data_registry.models import HoldOut
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun
from evaluations.services import repeat_run
from governance import policies, services
from governance.approvals import approval_of
from ledger.actors import INSTALLER
from models_registry import services as registry
from models_registry.models import VersionData
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db


@pytest.fixture
def tested_on(make_data: Any) -> Any:
    return make_data("kept apart")


@pytest.fixture
def held(tested_on: Any, validator: Any) -> Any:
    data.register_hold_out(tested_on, by=validator)
    return tested_on


@pytest.fixture
def measured_with(make_model: Any, make_data: Any, scientist: Any, inspect: Any, measure: Any) -> Any:
    """`measured_with(("testing", data), …)`: the run of a version that names these data; trained on others unless said."""
    from models_registry.models import RegisteredModel  # noqa: PLC0415 - plug-ins load before the settings do

    def make(*links: tuple[str, Any], trained_on: Any = None) -> EvaluationRun:
        model = RegisteredModel.objects.first() or make_model()
        learned = trained_on or make_data("others", content=b"training rows")
        version = registry.draft_version(model, by=scientist, card=CARD, data=[("training", learned), *links])
        registry.receive_checkpoint(version, [str(version.pk).encode()], name="m", by=scientist)
        services.submit(version, by=scientist)
        inspect(version)
        (run,) = measure(version)
        return run

    return make


def mark_of(run: EvaluationRun) -> Any:
    return marks_of([EvaluationRun.objects.with_results().get(pk=run.pk)])[run.pk]


def test_a_validator_registers_a_hold_out_and_it_stays_one(tested_on: Any, validator: Any, story: Any) -> None:
    made = data.register_hold_out(tested_on, by=validator)
    assert (made.registered_by, story()[-1]) == (validator, "hold_out.registered")
    with pytest.raises(WrongState, match="already"):
        data.register_hold_out(tested_on, by=validator)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM data_registry_holdout")
    assert HoldOut.objects.count() == 1


@pytest.mark.parametrize("who", ["scientist", "officer", "risk_manager", "auditor", "admin", "stranger"])
def test_nobody_else_registers_one(who: str, tested_on: Any, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed, match="Only a validator"):
        data.register_hold_out(tested_on, by=request.getfixturevalue(who))


def test_who_trains_there_keeps_nothing_apart(tested_on: Any, make_person: Any, team: Any) -> None:
    both = make_person("Bo Both", ("validator", team), ("data_scientist", team))
    with pytest.raises(NotAllowed, match="You also train"):
        data.register_hold_out(tested_on, by=both)


def test_what_a_model_learned_from_is_no_hold_out(make_review: Any, validator: Any) -> None:
    learned = make_review().version.data.get(use="training").dataset_version
    with pytest.raises(WrongState, match=r"digit-reader v1 learned from these bytes"):
        data.register_hold_out(learned, by=validator)


def test_a_draft_is_no_hold_out(make_data: Any, scientist: Any, validator: Any) -> None:
    from tests.plugins_versions import PROVENANCE  # noqa: PLC0415 - only here

    draft = data.draft_version(make_data().dataset, by=scientist, provenance=PROVENANCE)
    with pytest.raises(WrongState, match="register it first"):
        data.register_hold_out(draft, by=validator)


def test_measured_on_a_hold_out_the_numbers_are_verified(held: Any, measured_with: Any) -> None:
    mark = mark_of(measured_with(("testing", held)))
    assert (mark.verified, mark.reasons, mark.nth, mark.measured) == (True, [], 1, 1)


def test_the_same_bytes_under_another_number_are_the_same_hold_out(held: Any, measured_with: Any, scientist: Any) -> None:
    from tests.plugins_versions import PROVENANCE  # noqa: PLC0415 - only here

    again = data.draft_version(held.dataset, by=scientist, provenance=PROVENANCE)
    data.receive_content(again, by=scientist, chunks=[b"rows1"])
    again = data.register_version(again, by=scientist)
    assert (again.digest, again.pk != held.pk) == (held.digest, True)
    assert mark_of(measured_with(("testing", again))).verified


def test_without_a_hold_out_or_with_a_late_one_they_are_not(tested_on: Any, measured_with: Any, validator: Any) -> None:
    run = measured_with(("testing", tested_on))
    assert not mark_of(run).verified and "not registered as a hold-out" in mark_of(run).reasons[0]
    data.register_hold_out(tested_on, by=validator)
    assert not mark_of(run).verified and "only after this measurement" in mark_of(run).reasons[0]
    assert not mark_of(run).contaminated


@pytest.mark.parametrize(("use", "said"), [("validation", "was tuned on"), ("stopping", "was stopped where")])
def test_what_the_model_was_tuned_or_stopped_on_bars_the_mark(use: str, said: str, held: Any, measured_with: Any) -> None:
    run = measured_with(("testing", held))
    VersionData.objects.create(version=run.version, dataset_version=held, use=use)
    mark = mark_of(run)
    assert (mark.verified, mark.contaminated, len(mark.reasons)) == (False, True, 1)
    assert said in mark.reasons[0]


@pytest.mark.parametrize("kind", ["derived_from", "split_from"])
def test_what_was_made_from_the_hold_out_bars_it_too(
    kind: str, held: Any, make_data: Any, scientist: Any, measured_with: Any
) -> None:
    middle, stopped_on = make_data("middle", content=b"middle"), make_data("made of it", content=b"made of it")
    data.link_versions(middle, by=scientist, kind=kind, to_version=held)
    data.link_versions(stopped_on, by=scientist, kind="derived_from", to_version=middle)
    mark = mark_of(measured_with(("testing", held), ("stopping", stopped_on)))
    assert mark.contaminated and "which was made from" in mark.reasons[0]


def test_a_hold_out_taken_out_of_the_training_data_bars_it(held: Any, make_data: Any, scientist: Any, measured_with: Any) -> None:
    whole = make_data("whole", content=b"all rows")
    data.link_versions(held, by=scientist, kind="split_from", to_version=whole)
    mark = mark_of(measured_with(("testing", held), trained_on=whole))
    assert mark.contaminated and "was taken out of" in mark.reasons[0]


def test_two_parts_of_one_whole_do_not_overlap(held: Any, make_data: Any, scientist: Any, measured_with: Any) -> None:
    whole, part, labels = (make_data(name, content=name.encode()) for name in ("whole", "part", "labels"))
    for one in (held, part):
        data.link_versions(one, by=scientist, kind="split_from", to_version=whole)
        data.link_versions(one, by=scientist, kind="labelled_by", to_version=labels)
    assert mark_of(measured_with(("testing", held), ("stopping", labels), trained_on=part)).verified, "labels gave no rows"


def test_test_data_that_are_the_training_data_are_refused(held: Any, make_model: Any, scientist: Any) -> None:
    version = registry.draft_version(make_model(), by=scientist, card=CARD, data=[("training", held), ("testing", held)])
    registry.receive_checkpoint(version, [b"weights"], name="m", by=scientist)
    with pytest.raises(InvalidInput, match="the very bytes that the model learned from"):
        services.submit(version, by=scientist)


def test_every_look_is_counted_and_shown(
    held: Any, measured_with: Any, validator: Any, measure: Any, client_of: Any, api_of: Any, make_team: Any, make_person: Any
) -> None:
    first, second = measured_with(("testing", held)), measured_with(("testing", held))
    again = repeat_run(first, by=validator)
    waiting = mark_of(again)
    assert (waiting.nth, waiting.measured) == (0, 2), "what has not begun has not looked"
    measure(first.version)
    assert [(mark_of(run).nth, mark_of(run).measured) for run in (first, second, again)] == [(1, 3), (2, 3), (3, 3)]
    page = client_of(validator).get(held.get_absolute_url()).content.decode()
    assert "3 measurements so far, of 2 versions" in page and "Vera Validator" in page
    assert page.count("asked for by") == 3
    answer = api_of(validator).get(f"/api/v1/evaluations/{again.pk}/").json()["verified"]
    assert answer == {"verified": True, "contaminated": False, "reasons": [], "nth": 3, "measured": 3}
    checks = client_of(validator).get(f"/versions/{first.version_id}/checks/").content.decode()
    assert "Measurement 1 of 3 on these bytes so far" in checks


def test_the_page_offers_it_to_a_validator_alone(tested_on: Any, validator: Any, scientist: Any, client_of: Any) -> None:
    address = tested_on.get_absolute_url()
    assert "Register it as a hold-out" not in client_of(scientist).get(address).content.decode()
    client = client_of(validator)
    assert "Register it as a hold-out" in client.get(address).content.decode()
    answer = client.post(f"/dataset-versions/{tested_on.pk}/hold-out/", follow=True)
    assert "kept apart to test on" in answer.content.decode()
    again = client.post(f"/dataset-versions/{tested_on.pk}/hold-out/", follow=True)
    assert "is a hold-out already" in again.content.decode()
    assert client_of(scientist).post(f"/dataset-versions/{tested_on.pk}/hold-out/").status_code == 403


def test_a_policy_may_ask_for_verified_numbers(tested_on: Any, held: Any, measured_with: Any) -> None:
    body = policies.starting_body("high")
    policies.publish(by=INSTALLER, body=body | {"evaluations": body["evaluations"] | {"verified": True}})
    run = measured_with(("testing", held))
    assert approval_of(run.version, "production").evidence_reasons == []
    other = measured_with(("testing", held), ("stopping", held))
    assert any("stopped where" in reason for reason in approval_of(other.version, "production").evidence_reasons)
    with pytest.raises(InvalidInput, match="yes or no"):
        policies.publish(by=INSTALLER, body=body | {"evaluations": body["evaluations"] | {"verified": "maybe"}})


def test_marks_cost_the_same_for_many_runs(held: Any, measured_with: Any) -> None:
    def cost(runs: list[Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            marks_of(runs)
        return len(queries)

    one = list(EvaluationRun.objects.with_results().filter(pk=measured_with(("testing", held)).pk))
    few = cost(one)
    measured_with(("testing", held), ("stopping", held)), measured_with(("testing", held))
    assert cost(list(EvaluationRun.objects.with_results())) == few
