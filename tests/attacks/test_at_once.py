"""Two at the same moment, on real PostgreSQL: whoever comes second is told so, and nobody gets both."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from accounts.models import Membership
from accounts.services import grant_role, revoke_role
from data_registry.services import register_hold_out
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun
from evaluations.resampling import services as resampling
from evaluations.resampling.models import Fold
from evaluations.services import cancel_run, repeat_run
from governance import gate, services
from governance.approvals import approval_of
from governance.models import GateRecord, Release, Review, SignOff
from governance.services import submitting
from ledger.actors import CLOCK
from ledger.models import Event
from models_registry import services as registry
from models_registry.models import Version
from tests.attacks.at_once import refusals
from tests.plugins_versions import CARD, PASSWORD
from tests.resampling.conftest import kfold
from tracking import services as tracking

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policies")]
TRIES = 4  # a race that is lost once in four is seen


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def test_a_draft_is_submitted_once(make_draft: Any, scientist: Any, other_scientist: Any, race: Any) -> None:
    version = make_draft()
    answers = race(*(lambda by=by: services.submit(version, by=by) for by in (scientist, other_scientist, scientist)))
    assert len(refusals(answers)) == 2
    assert Review.objects.filter(version=version).count() == 1


def test_a_run_is_not_taken_up_again_while_its_version_is_submitted(
    make_draft: Any, team: Any, scientist: Any, other_scientist: Any, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission takes its time after it has looked at the run: what is not made to wait comes between, and is fixed."""
    run = tracking.start_run(team, by=scientist, params={"lr": 0.1})
    tracking.end_run(run, by=scientist, state="finished")
    version = make_draft()
    Version.objects.filter(pk=version.pk).update(training_run=run)
    looked, criteria = threading.Event(), submitting.criteria_of

    def slowly(*given: Any) -> Any:
        looked.set()
        time.sleep(0.5)
        return criteria(*given)

    def goes_on() -> None:
        assert looked.wait(10)
        tracking.reopen_run(run, by=other_scientist)

    monkeypatch.setattr(submitting, "criteria_of", slowly)
    assert refusals(race(lambda: services.submit(version, by=scientist), goes_on)) == ["run_fixed"]
    run.refresh_from_db()
    assert run.fixed_at and run.state == "finished"


def test_a_card_revised_while_somebody_signs_is_signed_or_makes_stale(
    make_review: Any, validator: Any, scientist: Any, race: Any
) -> None:
    for turn in range(TRIES):
        review = make_review()
        card = CARD | {"contact": f"Mailbox {turn}"}
        seen = approval_of(fresh(review.version), "production").digest
        answers = race(
            lambda review=review, seen=seen: services.sign_off(
                review, by=validator, role="validator", verdict="approve", password=PASSWORD, seen=seen
            ),
            lambda review=review, card=card: services.revise_card(review.version, card, by=scientist),
        )
        refusals(answers)
        counted = [one for step in approval_of(fresh(review.version), "production").steps for one in step.counted]
        assert not counted  # whichever was first: nobody has signed the card that stands


def test_withdrawing_and_signing_leave_one_outcome(make_review: Any, sign: Any, scientist: Any, race: Any) -> None:
    for _ in range(TRIES):
        review = make_review()
        sign(review, "validator")
        refusals(
            race(
                lambda review=review: sign(review, "compliance_officer"),
                lambda review=review: services.withdraw(review.version, by=scientist),
            )
        )
        version, after = fresh(review.version), Review.objects.get(pk=review.pk)
        assert (version.state, after.state) in {("approved", "concluded"), ("withdrawn", "withdrawn")}


def test_the_same_person_signs_once(make_review: Any, make_person: Any, team: Any, race: Any) -> None:
    both = make_person("Both", ("validator", team), ("data_protection_officer", team))
    review = make_review()
    answers = race(
        *(
            lambda: services.sign_off(review, by=both, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)
            for _ in range(3)
        )
    )
    assert len(refusals(answers)) == 2
    assert SignOff.objects.count() == 1


def test_a_role_revoked_while_somebody_signs_is_revoked_after_the_signature_or_stops_it(
    make_review: Any, make_person: Any, team: Any, admin: Any, race: Any
) -> None:
    for turn in range(TRIES):
        review = make_review()
        person = make_person(f"Vi {turn}", ("validator", team))
        refusals(
            race(
                lambda review=review, person=person: services.sign_off(
                    review, by=person, role="validator", verdict="approve", password=PASSWORD, seen=review.digest
                ),
                lambda person=person: revoke_role(person, by=admin, role="validator", team=team),
            )
        )
        mine = Event.objects.filter(type__in=["sign_off.given", "role.revoked"]).in_order()
        types = [one.type for one in mine if str(person.pk) in {one.actor_id, one.subject_id}]
        assert types in (["role.revoked"], ["sign_off.given", "role.revoked"])


def test_administrator_and_signer_are_not_granted_at_once(make_person: Any, team: Any, admin: Any, race: Any) -> None:
    person = make_person("Nobody Yet")
    answers = race(
        lambda: grant_role(person, by=admin, role="administrator"),
        lambda: grant_role(person, by=admin, role="validator", team=team),
    )
    assert len(refusals(answers)) == 1
    assert Membership.objects.filter(person=person).count() == 1


def test_a_suspended_version_is_not_live_however_close_the_release_was(make_approved: Any, risk_manager: Any, race: Any) -> None:
    for _ in range(TRIES):
        version = make_approved()
        refusals(
            race(
                lambda version=version: services.release(version, environment="production", by=risk_manager),
                lambda version=version: services.suspend(fresh(version), reason="drift", by=CLOCK),
            )
        )
        assert fresh(version).state == "suspended"
        assert not Release.objects.live().filter(version=version).exists()


def test_rolling_back_to_what_is_suspended_at_that_moment_leaves_nothing_suspended_live(
    make_approved: Any, make_model: Any, risk_manager: Any, race: Any
) -> None:
    for turn in range(TRIES):
        model = make_model(f"reader-{turn}")
        one, two = make_approved(model=model), make_approved(model=model)
        for version in (one, two):
            services.release(version, environment="production", by=risk_manager)
        refusals(
            race(
                lambda model=model: services.roll_back(model, environment="production", by=risk_manager, reason="It fails."),
                lambda one=one: services.suspend(fresh(one), reason="drift", by=CLOCK),
            )
        )
        assert not Release.objects.live().filter(version__state="suspended").exists()


def test_two_who_roll_back_take_two_steps_back_and_never_one_forward(make_approved: Any, risk_manager: Any, race: Any) -> None:
    one, two = make_approved(), make_approved()
    for version in (one, two):
        services.release(version, environment="production", by=risk_manager)
    answers = race(
        *(lambda: services.roll_back(one.model, environment="production", by=risk_manager, reason="It fails.") for _ in range(2))
    )
    assert len(refusals(answers)) == 1
    assert Release.objects.live().get().version == one


def test_two_versions_released_at_once_leave_one_live(make_approved: Any, risk_manager: Any, race: Any) -> None:
    one, two = make_approved(), make_approved()
    refusals(race(*(lambda each=each: services.release(each, environment="production", by=risk_manager) for each in (one, two))))
    assert Release.objects.live().count() == 1
    assert Release.objects.count() == 2


def test_bytes_that_arrive_while_the_draft_is_submitted_are_in_it_or_refused(make_draft: Any, scientist: Any, race: Any) -> None:
    for turn in range(TRIES):
        version = make_draft()
        refusals(
            race(
                lambda version=version: services.submit(version, by=scientist),
                lambda version=version, turn=turn: registry.receive_checkpoint(
                    fresh(version), [f"later {turn}".encode()], name="x", by=scientist
                ),
            )
        )
        submitted = Event.objects.get(type="version.submitted", subject_id=str(version.pk))
        assert submitted.data["checkpoint"] == fresh(version).checkpoint_digest


def test_the_gate_that_is_asked_at_once_answers_all_and_records_one(make_approved: Any, risk_manager: Any, race: Any) -> None:
    version = make_approved()
    ask = lambda: gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)  # noqa: E731 - asked four times
    answers = race(ask, ask, ask, ask)
    assert not refusals(answers)
    assert GateRecord.objects.count() == 1


def test_a_run_is_replaced_once_whichever_of_its_dead_runs_is_asked(
    make_draft: Any, inspect: Any, scientist: Any, validator: Any, race: Any
) -> None:
    for _turn in range(TRIES):
        version = make_draft()
        services.submit(version, by=scientist)
        inspect(version)
        first = EvaluationRun.objects.get(version=version)
        cancel_run(first, by=scientist)
        second = repeat_run(first, by=scientist)
        cancel_run(second, by=scientist)
        answers = race(
            lambda one=first: repeat_run(one, by=scientist),
            lambda two=second: repeat_run(two, by=validator),
            lambda one=first: repeat_run(one, by=validator),
        )
        assert len(refusals(answers)) == 2
        assert EvaluationRun.objects.filter(version=version, state="queued").count() == 1


def test_a_run_called_off_while_it_is_recorded_is_either(
    make_draft: Any, inspect: Any, measure: Any, scientist: Any, race: Any
) -> None:
    for _turn in range(TRIES):
        version = make_draft()
        services.submit(version, by=scientist)
        inspect(version)
        run = EvaluationRun.objects.get(version=version)
        answers = race(lambda version=version: measure(version), lambda run=run: cancel_run(run, by=scientist))
        refusals(answers)
        run.refresh_from_db()
        assert run.state in {"completed", "cancelled"}
        assert run.metrics.exists() == (run.state == "completed")
        told = Event.objects.filter(type__in=["evaluation.completed", "evaluation.cancelled"], subject_id=str(run.pk))
        assert told.count() == 1


def test_a_set_is_not_left_waiting_behind_a_version_that_is_withdrawn(
    make_draft: Any, inspect: Any, scientist: Any, race: Any
) -> None:
    for _turn in range(TRIES):
        version = make_draft()
        services.submit(version, by=scientist)
        inspect(version)
        made = resampling.begin(fresh(version), [kfold(version)], by=scientist)
        for number in (1, 2, 3):
            content = f"weights {number} of {made.pk}".encode()
            resampling.receive_checkpoint(made, number, [content], name="fold.safetensors", by=scientist)
        in_review = fresh(version)
        answers = race(
            lambda made=made: resampling.submit(made, by=scientist),
            lambda version=in_review: services.withdraw(version, by=scientist),
            lambda made=made: resampling.receive_checkpoint(made, 1, [b"others"], name="fold.safetensors", by=scientist),
        )
        refusals(answers)
        assert fresh(version).state == "withdrawn"
        assert not Fold.objects.filter(resampling=made, state="queued").exists()
        given = set(made.checkpoints.values_list("digest", flat=True))
        measured = set(Fold.objects.filter(resampling=made, number__gt=0).values_list("checkpoint_digest", flat=True))
        assert measured in (set(), given)


def test_a_hold_out_is_registered_once_while_what_it_measures_is_handed_in(
    make_draft: Any, inspect: Any, measure: Any, scientist: Any, validator: Any, race: Any
) -> None:
    version = make_draft()
    tested = version.data.get(use="testing").dataset_version
    answers = race(
        lambda: services.submit(version, by=scientist),
        lambda: register_hold_out(tested, by=validator),
        lambda: register_hold_out(tested, by=validator),
    )
    assert refusals(answers) == ["already_hold_out"]
    inspect(version)
    (run,) = measure(version)
    assert marks_of([run])[run.pk].verified
