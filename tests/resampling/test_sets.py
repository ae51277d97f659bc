"""A set from its split to its number: complete, without leakage, never silently fewer folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.errors import InvalidInput, NotAllowed, WrongState
from evaluations.recipe import GIVEN, recipe
from evaluations.resampling import jobs, lifecycle, services
from evaluations.resampling.models import Combination, Fold
from evaluations.resampling.tasks import sweep_folds
from governance import services as governance
from ledger.actors import WORKER
from ledger.acts import act
from ledger.leases import claim
from ledger.models import Event
from measures import resampling as measures
from tests.plugins_versions import REFUSED, Answer
from tests.resampling.conftest import ROWS, answer_of, bootstrap, kfold, training_data

pytestmark = pytest.mark.django_db


def number(made: Any, name: str, label: str = "") -> Any:
    return next(one for one in made.combination.metrics if (one["name"], one["label"]) == (name, label))


# -- beginning, handing in, submitting ---------------------------------------------------------------------------------------


def test_a_set_is_begun_filled_and_submitted(version: Any, make_set: Any, scientist: Any, story: Any) -> None:
    before = len(story())
    made = make_set(version, kfold(version))
    assert made.standing == "draft" and made.dataset_version == training_data(version)
    made = services.submit(made, by=scientist)
    told = ["resampling.begun", *["resampling.checkpoint_received"] * 3, "resampling.submitted"]
    assert story()[before:] == told
    assert made.standing == "queued" and made.folds.count() == 4  # three folds, and the version itself
    assert [(one.number, one.rows) for one in made.folds.all()] == [(0, ROWS), (1, 10), (2, 10), (3, 10)]
    assert Event.objects.get(type="resampling.submitted").data["folds"] == [one.digest for one in made.checkpoints.all()]


def test_a_checkpoint_may_be_replaced_until_the_set_is_submitted(version: Any, make_set: Any, scientist: Any) -> None:
    made = make_set(version, kfold(version))
    services.receive_checkpoint(made, 2, [b"better"], name="../2.bin", by=scientist)
    assert made.checkpoints.get(number=2).name == "2.bin" and made.checkpoints.count() == 3
    services.submit(made, by=scientist)
    with pytest.raises(WrongState, match="its checkpoints are fixed"):
        services.receive_checkpoint(made, 2, [b"even better"], name="2.bin", by=scientist)
    with pytest.raises(WrongState, match="its checkpoints are fixed"):
        services.submit(made, by=scientist)


def test_a_missing_part_is_named(version: Any, make_set: Any, scientist: Any) -> None:
    made = make_set(version, kfold(version), checkpoints=[b"one", None, b"three"])
    with pytest.raises(InvalidInput, match="missing for 1 of 3 parts, the first of them fold-2"):
        services.submit(made, by=scientist)
    with pytest.raises(InvalidInput, match="parts 1 to 3"):
        services.receive_checkpoint(made, 4, [b"four"], name="", by=scientist)


def test_a_split_of_other_data_is_refused(version: Any, scientist: Any, make_data: Any) -> None:
    tested_on = version.data.get(use="testing").dataset_version
    with pytest.raises(InvalidInput, match=r"none of the training data of .* \(digits-train v1\)"):
        services.begin(version, [kfold(version, sha256=tested_on.digest)], by=scientist)


def test_a_draft_is_not_cross_validated_nor_is_a_closed_version(make_draft: Any, scientist: Any) -> None:
    draft = make_draft()
    with pytest.raises(WrongState, match="Submit digit-reader v1 first"):
        services.begin(draft, [kfold(draft)], by=scientist)
    governance.submit(draft, by=scientist)
    draft.refresh_from_db()
    governance.withdraw(draft, by=scientist)
    draft.refresh_from_db()
    with pytest.raises(WrongState, match="is closed"):
        services.begin(draft, [kfold(draft)], by=scientist)


@pytest.mark.parametrize("name", ["validator", "officer", "auditor", "stranger"])
def test_only_data_scientists_hand_sets_in(request: Any, version: Any, make_set: Any, story: Any, name: str) -> None:
    person = request.getfixturevalue(name)
    made = make_set(version, kfold(version))
    for attempt in (
        lambda: services.begin(version, [kfold(version)], by=person),
        lambda: services.receive_checkpoint(made, 1, [b"x"], name="", by=person),
        lambda: services.submit(made, by=person),
    ):
        with pytest.raises(NotAllowed, match="Only a data scientist"):
            attempt()
        assert story()[-1] == "attempt.refused"


# -- leakage -----------------------------------------------------------------------------------------------------------------


def test_one_checkpoint_for_all_folds_is_refused_as_leakage(version: Any, make_set: Any, scientist: Any, story: Any) -> None:
    made = make_set(version, kfold(version), checkpoints=[b"the same"] * 3)
    said = "fold-1 and fold-2 are the same checkpoint.*leakage, not cross-validation.*bootstrap of rows"
    with pytest.raises(InvalidInput, match=said) as refusal:
        services.submit(made, by=scientist)
    assert refusal.value.code == "leakage"
    assert "resampling.submitted" not in story() and not Fold.objects.filter(resampling=made).exists()


def test_the_version_itself_is_no_fold(version: Any, make_set: Any, scientist: Any) -> None:
    own = f"weights of {version.pk}".encode()
    made = make_set(version, kfold(version), checkpoints=[b"one", own, b"three"])
    with pytest.raises(InvalidInput, match=r"fold-2 is the checkpoint of digit-reader v1 itself.*leakage"):
        services.submit(made, by=scientist)


@pytest.mark.parametrize(
    ("same", "names"), [((1, 3), "fold-1 and fold-3"), ((0, 2), "the version on its training rows and fold-2")]
)
def test_the_same_weights_in_other_bytes_are_leakage_too(
    version: Any, make_set: Any, scientist: Any, work: Any, same: Any, names: str
) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    weights = "sha256:" + "a" * 64
    made = work(made, {fold.number: answer_of(fold, weights=weights) for fold in made.folds.all() if fold.number in same})
    assert made.standing == "errored" and made.combination.metrics == []
    assert f"{names} hold the same weights" in made.combination.error
    assert Event.objects.get(type="resampling_combination.errored").data["ended"] == "leakage"


# -- measuring and combining -------------------------------------------------------------------------------------------------


def test_each_fold_is_measured_on_the_rows_that_it_holds_out(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    work(services.submit(make_set(version, kfold(version)), by=scientist))
    rows = {number: rows for number, _given, rows in work.seen}
    assert rows == {0: list(range(30)), **{one: list(range(one - 1, 30, 3)) for one in (1, 2, 3)}}
    assert {given["need"].name for _number, given, _rows in work.seen} == {"L1"}
    assert all(given["job"]["checks"] == [{"name": "performance"}] for _number, given, _rows in work.seen)


def test_each_fold_is_measured_by_the_recipe_of_every_run_and_says_so(
    version: Any, make_set: Any, scientist: Any, work: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEVICE = "cuda"
    monkeypatch.setattr(jobs, "device_files", lambda: ["/dev/nvidia0"])
    made = work(services.submit(make_set(version, kfold(version)), by=scientist))
    for _number, given, _rows in work.seen:
        assert {name: given["job"][name] for name in GIVEN} == {name: recipe()[name] for name in GIVEN}
        assert (given["job"]["device"], given["devices"]) == ("cuda", ["/dev/nvidia0"])
    assert all(fold.facts["recipe"] == recipe() for fold in made.folds.all())


def test_a_program_is_measured_in_the_stronger_sandbox_only(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    program = {"verdict": "accepted", "format": "torch-export-pt2", "reasons": [], "facts": {}}
    work(services.submit(make_set(version, kfold(version)), by=scientist), inspected=dict.fromkeys(range(4), program))
    assert {given["need"].name for _number, given, _rows in work.seen} == {"L2"}


def test_folds_are_combined_by_the_corrected_t(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    values = {1: 0.9, 2: 0.8, 3: 0.6}
    made = work(made, {fold.number: answer_of(fold, accuracy=values.get(fold.number, 1.0)) for fold in made.folds.all()})
    assert made.standing == "completed"
    expected = measures.over_folds(
        [measures.Fold(value, 10, max(0, value - 0.1), min(1, value + 0.1)) for value in values.values()],
        train_rows=20,
        test_rows=10,
        least=0,
        greatest=1,
    )
    found = number(made, "accuracy")
    assert (found["check"], found["method"], found["n"]) == ("cross_validation", "corrected t, 3 folds", 30)
    assert (found["value"], found["low"], found["high"]) == pytest.approx((expected.value, expected.low, expected.high))
    assert number(made, "mcc")["low"] >= -1
    assert made.combination.facts["left_out"] == ["Recall of class two"]  # fold 2 has no row of it
    event = Event.objects.get(type="resampling_combination.completed")
    assert event.data["results_digest"] == made.combination.results_digest
    assert made.combination.charts[0]["table"]["rows"][-1][0] == "Combined"


def test_refits_are_combined_by_632_plus(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    made = services.submit(make_set(version, bootstrap(version)), by=scientist)
    chance = np.random.default_rng(3)
    wrong = {fold.number: chance.random(fold.rows) < (0.1 if fold.number == 0 else 0.3) for fold in made.folds.all()}
    made = work(made, {fold.number: answer_of(fold, wrong=wrong[fold.number]) for fold in made.folds.all()})
    plan = jobs.read_split(bootstrap(version))
    oracle = measures.OutOfBag(ROWS)
    for one in (1, 2, 3, 4):
        oracle.add(plan.bag(one), wrong[one])
    true = np.full(3, 10)
    expected = oracle.accuracy(apparent=float(wrong[0].mean()), true=true, predicted=true)
    found = number(made, "accuracy")
    assert (found["check"], found["method"]) == ("bootstrap_refits", ".632+, 4 refits")
    assert (found["value"], found["low"], found["high"]) == pytest.approx((expected.value, expected.low, expected.high))
    assert number(made, "mcc")["method"] == "spread of refits, 4 out of bag"
    assert [rows for number_, _given, rows in work.seen if number_ == 1] == [plan.held_out(1).tolist()]


def test_one_bad_fold_leaves_the_set_without_a_number(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    made = work(made, {2: Answer(None, ended="memory_limit", sentence="The job was stopped at its memory limit of 4 GiB.")})
    assert made.standing == "errored" and made.combination.metrics == []
    assert "1 of 4 parts could not be measured" in made.combination.error and "memory limit" in made.combination.error
    states = {fold.number: fold.state for fold in made.folds.all()}
    assert states == {0: "completed", 1: "completed", 2: "errored", 3: "completed"}
    assert Event.objects.get(type="resampling_fold.errored").data["ended"] == "memory_limit"


@pytest.mark.parametrize(
    ("said", "ended", "error"),
    [
        ({"error": "The model answered otherwise."}, "misfit", "answered otherwise"),
        ({"metrics": "many"}, "garbled", "cannot be read"),
        ({"rows": 9}, "garbled", "cannot be read"),
    ],
)
def test_an_answer_that_is_none_is_not_believed(
    version: Any, make_set: Any, scientist: Any, work: Any, said: Any, ended: str, error: str
) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    made = work(made, {1: {**answer_of(made.folds.get(number=1)), **said}})
    fold = made.folds.get(number=1)
    assert fold.state == "errored" and error in fold.error
    assert Event.objects.get(type="resampling_fold.errored").data["ended"] == ended


@pytest.mark.parametrize(("make", "values"), [(kfold, (1e200, -1e200)), (kfold, (1.7e308,) * 2), (bootstrap, (1.7e308,) * 2)])
def test_numbers_without_a_mean_leave_the_set_without_a_result(
    version: Any, make_set: Any, scientist: Any, work: Any, make: Any, values: Any
) -> None:
    made = services.submit(make_set(version, make(version)), by=scientist)
    answers = {fold.number: answer_of(fold) for fold in made.folds.all()}
    for place, answer in answers.items():
        answer["metrics"][1].update(value=values[place % 2], low=-1.7e308, high=1.7e308, unit="")
    made = work(made, answers)
    assert (made.standing, made.combination.metrics) == ("errored", [])
    assert "too large to be combined" in made.combination.error


@pytest.mark.parametrize("answer", [[], "all right", {}, 7])
def test_an_answer_that_is_no_object_is_not_believed(version: Any, make_set: Any, scientist: Any, work: Any, answer: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    made = work(made, {1: answer}, inspected={2: answer})
    for number_ in (1, 2):
        fold = made.folds.get(number=number_)
        assert fold.state == "errored" and "cannot be read" in fold.error


def test_row_losses_of_another_shape_are_not_believed(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    for spoilt in (
        {"rows": 1},
        {"wrong": "!"},
        {"true": [1, 1, 1]},
        {"predicted": ["x"]},
        {"predicted": [10, 0]},
        {"wrong": "AAAAAAAAAA=="},
    ):
        made = services.submit(make_set(version, bootstrap(version)), by=scientist)
        answer = answer_of(made.folds.get(number=1))
        made = work(made, {1: {**answer, "row_losses": {**answer["row_losses"], **spoilt}}}, combine=False)
        assert made.folds.get(number=1).state == "errored", spoilt


def test_a_refused_checkpoint_is_never_measured(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    made = work(made, inspected={3: REFUSED})
    assert 3 not in [number for number, _given, _rows in work.seen]
    assert "was not accepted. The pickle names posix.system." in made.folds.get(number=3).error
    assert made.standing == "errored"


def test_nothing_is_combined_while_a_fold_is_still_to_come(version: Any, make_set: Any, scientist: Any, work: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    jobs.combine(made.combination)
    assert Combination.objects.get(resampling=made).state == "queued"
    made = work(made)
    jobs.combine(made.combination)  # a second message: the lease is gone
    assert Event.objects.filter(type="resampling_combination.completed").count() == 1


def test_one_fold_after_the_other_is_rung_for_and_then_the_combination(
    version: Any, make_set: Any, scientist: Any, monkeypatch: Any, frozen_clock: Any
) -> None:
    """A set of many parts never stands before what others asked for; and nothing of it is forgotten."""
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr(jobs.current_app, "send_task", lambda name, args, queue: rung.append((name, args[0])))
    first, second = made.folds.all()[:2]
    jobs.send_next(made.pk)
    assert rung == [("evaluations.measure_fold", str(first.pk))]
    sweep_folds()
    assert len(rung) == 1  # it has waited for too short a time
    frozen_clock.advance(seconds=30)
    lease = claim(first)
    sweep_folds()
    assert len(rung) == 1  # one is being measured
    with lease.settle() as this:
        lifecycle.cancel_fold(first, within=this)
    sweep_folds()
    assert rung[1:] == [("evaluations.measure_fold", str(second.pk))]
    with act(WORKER) as this:
        for fold in made.folds.filter(state="queued"):
            lifecycle.cancel_fold(fold, within=this)
    sweep_folds()
    assert rung[2:] == [("evaluations.combine_folds", str(made.combination.pk))]


def test_withdrawing_the_version_calls_the_set_off(version: Any, make_set: Any, scientist: Any, story: Any) -> None:
    made = services.submit(make_set(version, kfold(version)), by=scientist)
    governance.withdraw(version, by=scientist)
    made.combination.refresh_from_db()
    assert made.combination.state == "cancelled"
    assert set(made.folds.values_list("state", flat=True)) == {"cancelled"}
    assert story().count("resampling_fold.cancelled") == 4
