"""Whose turn it is: nobody who asks for fifty measurements makes another wait for them; and runs that are called off."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from core.errors import NotAllowed, WrongState
from core.logs import request_id
from evaluations import jobs, tasks
from evaluations.models import EvaluationRun
from evaluations.services import ask_for_run, cancel_run
from evaluations.suites import suite_of
from governance import services
from ledger import leases
from ledger.acts import act
from ledger.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(make_draft: Any, inspect: Any, scientist: Any) -> Any:
    found = make_draft()
    services.submit(found, by=scientist)
    return inspect(found)


@pytest.fixture
def ask(version: Any) -> Any:
    """`ask(person)`: one more run of the version stands in the queue, asked for by that person."""

    def one_more(person: Any) -> EvaluationRun:
        with act(person) as this:
            return ask_for_run(
                version,
                dataset_version=version.data.get(use="testing").dataset_version,
                suite=suite_of("mine", [{"name": "performance"}]),
                thresholds=[],
                policy_ref={},
                needed_level="L1",
                within=this,
                asked_by=person,
            )

    return one_more


def test_fifty_runs_of_one_person_do_not_starve_another(version: Any, ask: Any, scientist: Any, validator: Any) -> None:
    EvaluationRun.objects.filter(version=version).delete()
    for _ in range(50):
        ask(scientist)
    ask(validator), ask(validator)
    order = []
    while (run := jobs.next_run()) is not None:
        assert leases.claim(run) is not None
        order.append(run.asked_by)
        cancel_run(run, by=scientist)  # it is over, whatever it came to
    assert len(order) == 52
    assert {order[0], order[1]} == {order[2], order[3]} == {scientist, validator}, "they take turns"
    assert set(order[4:]) == {scientist}


def test_of_one_person_the_oldest_is_served_first(version: Any, ask: Any, scientist: Any) -> None:
    EvaluationRun.objects.filter(version=version).delete()
    asked = [ask(scientist) for _ in range(4)]
    served = []
    while (run := jobs.next_run()) is not None:
        leases.claim(run)
        served.append(run.pk)
    assert served == [one.pk for one in asked]


def test_who_has_nothing_running_comes_before_who_has(version: Any, ask: Any, scientist: Any, validator: Any) -> None:
    EvaluationRun.objects.filter(version=version).delete()
    leases.claim(ask(validator))
    served_later = ask(scientist)
    leases.claim(served_later)
    cancel_run(served_later, by=scientist)
    ask(validator), ask(scientist)
    turn = jobs.next_run()
    assert turn is not None and turn.asked_by == scientist, "although the other one was served longer ago"


def test_a_bell_serves_whose_turn_it_is_and_says_who_asked(
    version: Any, ask: Any, scientist: Any, validator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    EvaluationRun.objects.filter(version=version).delete()
    first, second = ask(scientist), ask(scientist)
    EvaluationRun.objects.filter(pk=first.pk).update(request_id="of-the-first")
    measured: list[tuple[Any, str]] = []
    monkeypatch.setattr(jobs, "measure", lambda run: bool(measured.append((run.pk, request_id.get())) or True))
    tasks.measure(str(second.pk))
    assert measured == [(first.pk, "of-the-first")]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_take_different_runs(make_draft: Any, inspect: Any, scientist: Any, validator: Any, race: Any) -> None:
    """On real PostgreSQL: six workers, six runs of two people; every run is claimed once, three of each."""
    found = make_draft()
    services.submit(found, by=scientist)
    inspect(found)
    first = EvaluationRun.objects.get(version=found)
    EvaluationRun.objects.bulk_create(
        EvaluationRun(
            **{name: getattr(first, name) for name in ("version", "suite", "dataset_version", "thresholds", "checkpoint_digest")},
            dataset_digest=first.dataset_digest,
            asked_by=validator if number >= 4 else scientist,
        )
        for number in range(9)
    )

    def worker() -> Any:
        while (run := jobs.next_run()) is not None:
            if leases.claim(run) is not None:
                return run.pk, run.asked_by_id
        return None

    claimed = race(*[worker] * 6)
    assert all(isinstance(one, tuple) for one in claimed), claimed
    assert len({pk for pk, _person in claimed}) == 6
    assert Counter(person for _pk, person in claimed)[validator.pk] >= 2, "both had turns"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM evaluations_evaluationrun WHERE state = 'running'")
        assert cursor.fetchone() == (6,)


# -- called off ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(version: Any) -> EvaluationRun:
    return EvaluationRun.objects.get(version=version)


def test_a_waiting_run_is_called_off_and_nobody_measures_it(run: Any, scientist: Any, measure: Any, story: Any) -> None:
    before = len(story())
    cancel_run(run, by=scientist)
    assert story()[before:][0] == "evaluation.cancelled"
    (found,) = measure(run.version)
    assert (found.state, found.error) == ("cancelled", "It was called off.")
    assert Event.objects.get(type="evaluation.cancelled").data["version_id"] == str(run.version_id)


def test_a_running_run_that_is_called_off_records_nothing(run: Any, validator: Any, monkeypatch: Any, measure: Any) -> None:
    from evaluations import progress  # noqa: PLC0415 - only here
    from tests.plugins_versions import Answer  # noqa: PLC0415 - only here

    looked: list[bool] = []

    def sandbox(*_: Any, look: Any, **__: Any) -> Any:
        looked.append(look(progress.Path("/nonexistent")))
        cancel_run(run, by=validator)
        look._next = 0.0
        looked.append(look(progress.Path("/nonexistent")))
        return _Ended(Answer(result=None, ended="called_off"))

    class _Ended:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def __enter__(self) -> Any:
            return self.answer

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(jobs, "run", sandbox)
    assert jobs.measure(EvaluationRun.objects.select_related("version__inspection", "version__model", "suite").get(pk=run.pk))
    assert looked == [True, False], "the worker notices"
    run.refresh_from_db()
    assert run.state == "cancelled" and not run.metrics.exists()


@pytest.mark.parametrize("who", ["officer", "auditor", "stranger", "admin", "risk_manager"])
def test_only_who_works_on_it_calls_it_off(who: str, run: Any, request: pytest.FixtureRequest, story: Any) -> None:
    with pytest.raises(NotAllowed, match="call a measurement off"):
        cancel_run(run, by=request.getfixturevalue(who))
    run.refresh_from_db()
    assert run.state == "queued" and story()[-1] == "attempt.refused"


def test_what_is_over_is_not_called_off(run: Any, measure: Any, scientist: Any) -> None:
    measure(run.version)
    with pytest.raises(WrongState, match="completed"):
        cancel_run(run, by=scientist)
