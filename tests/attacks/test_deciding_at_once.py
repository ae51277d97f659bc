"""Deciding at the same moment as somebody else, on real PostgreSQL: one decision counts, and the other one is told why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from core import clock
from core.errors import DomainError
from governance import gate, services
from governance import policies as standing_policies
from governance.approvals import approval_of, approval_sought
from governance.code_sets import standing_outcomes
from governance.models import (
    Attestation,
    CodeOutcome,
    ConditionAnswer,
    Delivery,
    Finding,
    Policy,
    Release,
    RequirementException,
    Review,
    Webhook,
)
from governance.services import looking_anew, signing
from governance.services.conditions import Wanted
from governance.webhooks import delivering
from governance.webhooks.sending import Sent
from ledger.actors import CLOCK
from ledger.models import Event
from ledger.services import sequence_and_seal
from models_registry.models import Version
from tests.attacks.at_once import refusals
from tests.plugins_versions import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policies")]
TRIES = 3


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def slowly(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> threading.Event:
    """`place.name` takes its time from now on; the event says that somebody is in it, and others come meanwhile."""
    entered, deed = threading.Event(), getattr(place, name)

    def slow(*given: Any, **more: Any) -> Any:
        entered.set()
        time.sleep(0.5)
        return deed(*given, **more)

    monkeypatch.setattr(place, name, slow)
    return entered


def after(entered: threading.Event, deed: Callable[[], Any]) -> Callable[[], Any]:
    def then() -> Any:
        assert entered.wait(20)
        return deed()

    return then


# -- the gate ----------------------------------------------------------------------------------------------------------------


def test_nothing_says_passed_about_a_version_that_is_suspended_while_the_gate_attests(
    make_approved: Any, risk_manager: Any, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate takes its time between its decision and the attestation: a suspension waits, and takes it back."""
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    entered = slowly(monkeypatch, gate, "_note")
    given, suspended = race(
        lambda: gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager),
        after(entered, lambda: services.suspend(fresh(version), reason="drift", by=CLOCK)),
    )
    assert (refusals([given, suspended]), given.allowed) == ([], True)
    assert fresh(version).state == "suspended"
    assert list(Attestation.objects.order_by("number").values_list("result", flat=True)) == ["PASSED", "FAILED"]


def test_however_close_a_suspension_comes_nothing_that_passed_outlives_it(
    make_approved: Any, make_model: Any, risk_manager: Any, race: Any
) -> None:
    for turn in range(TRIES):
        version = make_approved(model=make_model(f"reader-{turn}"))
        services.release(version, environment="production", by=risk_manager)
        ask = lambda version=version: gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)  # noqa: E731 - twice
        refusals(race(ask, lambda version=version: services.suspend(fresh(version), reason="drift", by=CLOCK), ask))
        last = Attestation.objects.latest_of(version.pk, "production")
        assert fresh(version).state == "suspended"
        assert last is None or last.result == "FAILED"


def test_rolling_back_while_its_target_is_suspended_leaves_nothing_suspended_live(
    make_approved: Any, risk_manager: Any, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roll-back takes its time after it has found that the approval holds: the suspension waits, and revokes the release."""
    from governance.services import releasing  # noqa: PLC0415 - its own name for what is slowed down

    one, two = make_approved(), make_approved()
    for version in (one, two):
        services.release(version, environment="production", by=risk_manager)
    entered = slowly(monkeypatch, releasing, "make_release")
    answers = race(
        lambda: services.roll_back(one.model, environment="production", by=risk_manager, reason="It fails."),
        after(entered, lambda: services.suspend(fresh(one), reason="drift", by=CLOCK)),
    )
    assert refusals(answers) == []
    assert fresh(one).state == "suspended"
    assert not Release.objects.live().exists()


# -- policies ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft_of(make_person: Any) -> Callable[[int], Policy]:
    writer = make_person("Wanda Writer", ("compliance_officer", None))
    return lambda days: services.draft_policy(by=writer, body=standing_policies.starting_body("high") | {"valid_days": days})


def test_a_draft_that_two_publish_at_once_is_published_once(draft_of: Any, make_person: Any, race: Any) -> None:
    people = [make_person(f"Publisher {number}", ("risk_manager", None)) for number in range(2)]
    draft = draft_of(90)
    answers = race(*(lambda by=by: services.publish_policy(draft, by=by, password=PASSWORD, reason="Shorter.") for by in people))
    assert refusals(answers) == ["no_draft"]
    (said,) = [str(one) for one in answers if isinstance(one, DomainError)]
    assert said == "high-risk 2 is published, so it can no longer be changed. Make a new draft of it."
    assert Event.objects.filter(type="policy.published", subject_id=str(draft.pk)).count() == 1


def test_two_drafts_of_a_name_published_at_once_get_a_number_each(
    draft_of: Any, make_person: Any, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes its time between the number that it found and the publication: the other one waits."""
    from governance.services import policies as publishing  # noqa: PLC0415 - its own name for what is slowed down

    slowly(monkeypatch, publishing, "_statement")
    people = [make_person(f"Publisher {number}", ("risk_manager", None)) for number in range(2)]
    drafts = [draft_of(90), draft_of(80)]
    answers = race(
        *(
            lambda by=by, draft=draft: services.publish_policy(draft, by=by, password=PASSWORD, reason="Shorter.")
            for by, draft in zip(people, drafts, strict=True)
        )
    )
    assert refusals(answers) == []
    assert sorted(one.number for one in answers) == [2, 3]
    assert standing_policies.in_force("high") == max(answers, key=lambda one: one.number)


# -- code, exceptions, conditions --------------------------------------------------------------------------------------------


def test_of_two_outcomes_of_one_reader_at_once_the_last_in_the_log_counts(
    make_review: Any, scientist: Any, validator: Any, race: Any
) -> None:
    for _ in range(TRIES):
        review = make_review()
        sent = services.receive_code(review.version, by=scientist, commit=40 * "2", tree=40 * "a", diff="")
        answers = race(
            *(
                lambda sent=sent, verdict=verdict: services.record_code_outcome(
                    sent, by=validator, verdict=verdict, reason="Read."
                )
                for verdict in CodeOutcome.Verdict.values
            )
        )
        assert refusals(answers) == []
        told = Event.objects.filter(type="code_review.recorded", subject_id=str(review.version_id)).in_order()
        (counts,) = standing_outcomes(review.version, sent.digest)
        assert str(counts.pk) == list(told)[-1].data["outcome"]
        assert Review.objects.get(pk=review.pk).digest == approval_of(fresh(review.version), "production").digest


@pytest.fixture
def finding(make_review: Any, validator: Any, scientist: Any) -> Finding:
    given = {"title": "Zeros", "severity": "critical", "source": "review", "due_on": date(2027, 1, 31), "owner": scientist}
    return services.raise_finding(make_review().version, by=validator, **given)


def ask_for(finding: Finding, by: Any) -> RequirementException:
    given = {
        "environment": "production",
        "kind": "findings",
        "subject": str(finding.pk),
        "reason": "None come.",
        "control": "Eyes.",
    }
    until = clock.today() + timedelta(days=10)
    return services.request_exception(fresh(finding.version), by=by, expires_on=until, **given)


def grant(row: RequirementException, by: Any) -> Callable[[], Any]:
    return lambda: services.approve_exception(row, by=by, password=PASSWORD)


def test_an_exception_is_decided_once(finding: Finding, scientist: Any, make_person: Any, team: Any, race: Any) -> None:
    people = [make_person(f"Manager {number}", ("risk_manager", team)) for number in range(3)]
    row = ask_for(finding, scientist)
    refuse = lambda: services.refuse_exception(row, by=people[2], decision="It must be met.")  # noqa: E731 - beside the others
    assert len(refusals(race(grant(row, people[0]), grant(row, people[1]), refuse))) == 2
    row.refresh_from_db()
    finding.refresh_from_db()
    assert (row.state, finding.state) in (("approved", "accepted"), ("refused", "open"))
    decided = Event.objects.filter(type__in=["exception.approved", "exception.refused"], subject_id=str(row.pk))
    assert decided.count() == 1


def test_of_two_exceptions_for_one_finding_granted_at_once_one_that_ends_leaves_the_other(
    finding: Finding, scientist: Any, risk_manager: Any, race: Any
) -> None:
    rows = [ask_for(finding, scientist) for _ in range(2)]
    assert refusals(race(*(grant(row, risk_manager) for row in rows))) == []
    assert Event.objects.filter(type="finding.accepted").count() == 1
    services.revoke_exception(rows[0], by=risk_manager, reason="One is enough.")
    finding.refresh_from_db()
    assert finding.state == "accepted"
    refusals(race(lambda: services.revoke_exception(rows[1], by=risk_manager, reason="Over."), lambda: fresh(finding.version)))
    finding.refresh_from_db()
    assert finding.state == "open"


def test_a_finding_that_is_closed_while_its_risk_is_accepted_is_one_of_both(
    finding: Finding, scientist: Any, validator: Any, risk_manager: Any, race: Any
) -> None:
    row = ask_for(finding, scientist)
    services.plan_finding(finding, by=scientist, plan="Take others.")
    services.finding_is_mended(finding, by=scientist, done="Others are taken.")
    told = refusals(
        race(
            grant(row, risk_manager),
            lambda: services.retest_finding(finding, by=validator, passed=True, reason="None came."),
        )
    )
    finding.refresh_from_db()
    row.refresh_from_db()
    assert row.state == "approved"
    assert (finding.state, len(told)) in (("closed", 0), ("accepted", 1))
    assert Review.objects.get(version=finding.version).digest == approval_of(fresh(finding.version), "production").digest


def test_a_condition_that_two_answer_at_once_has_one_answer(
    make_review: Any, sign: Any, make_person: Any, team: Any, scientist: Any, race: Any
) -> None:
    people = [make_person(f"Validator {number}", ("validator", team)) for number in range(2)]
    for _ in range(TRIES):
        review = make_review()
        wanted = [Wanted("Measure dark images.", scientist, clock.today() + timedelta(days=5))]
        sign(review, "validator", "approve_with_conditions", conditions=wanted)
        sign(review, "compliance_officer")
        condition = services.report_condition(review.conditions.get(), by=scientist, report="Done.")
        answers = race(
            *(
                lambda by=by, met=met, condition=condition: services.answer_condition(
                    condition, by=by, met=met, password=PASSWORD, reason="Too few."
                )
                for by, met in zip(people, (True, False), strict=True)
            )
        )
        assert len(refusals(answers)) == 1
        answer = ConditionAnswer.objects.get(condition=condition)
        condition.refresh_from_db()
        state = fresh(review.version).state
        assert (answer.accepted, condition.state, state) in (
            (True, "met", "approved"),
            (False, "open", "approved_with_conditions"),
        )


# -- webhooks ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def told(
    make_approved: Any, risk_manager: Any, team: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str], Sent]], None]:
    """`told(send)`: two webhooks have one thing to be told, and `send` answers for their receivers, by address."""
    settings.WEBHOOK_HOSTS = ["127.0.0.1:9"]
    version = make_approved()
    sequence_and_seal()
    for name in ("one", "two"):
        services.make_webhook(team=team, url=f"http://127.0.0.1:9/{name}", kinds=["release_made"], by=risk_manager)
    services.release(version, environment="production", by=risk_manager)
    sequence_and_seal()
    return lambda send: monkeypatch.setattr(delivering, "send", lambda url, _data, _headers: send(url))


def test_two_workers_at_once_tell_each_webhook_once(told: Any, race: Any) -> None:
    sent: list[str] = []

    def send(url: str) -> Sent:
        sent.append(url)
        time.sleep(0.3)
        return Sent(status=200, milliseconds=300, error="")

    told(send)
    refusals(race(delivering.deliver_what_waits, delivering.deliver_what_waits, delivering.deliver_what_waits))
    assert sorted(sent) == ["http://127.0.0.1:9/one", "http://127.0.0.1:9/two"]
    assert sorted(Delivery.objects.values_list("webhook__url", "attempt", "outcome")) == [
        (url, 1, "delivered") for url in sorted(sent)
    ]


def test_a_worker_that_read_the_list_before_another_tried_does_not_try_again_at_once(told: Any, race: Any) -> None:
    """While one tells the first webhook, another fails with the second: its wait has begun, and the first worker keeps to it."""
    sent: list[str] = []

    def send(url: str) -> Sent:
        sent.append(url)
        if len(sent) == 1:
            assert refusals(race(delivering.deliver_what_waits)) == []
        return Sent(status=500, milliseconds=1, error="It failed.")

    told(send)
    delivering.deliver_what_waits()
    assert len(sent) == len(set(sent)) == 2
    assert sorted(Webhook.objects.values_list("attempts", "leased_until")) == [(1, None), (1, None)]


# -- looked at anew ----------------------------------------------------------------------------------------------------------


def test_a_rejection_beside_an_approval_takes_the_same_bytes_along_while_a_finding_comes_in(
    make_approved: Any, risk_manager: Any, validator: Any, scientist: Any, race: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rejection takes its time before it suspends: a finding about the whole model waits with nothing in its hands."""
    one = make_approved(content=b"the same")
    two = make_approved(model=one.model, content=b"the same")
    assert one.checkpoint_digest == two.checkpoint_digest and one.pk < two.pk
    services.release(fresh(two), environment="production", by=risk_manager)
    review = looking_anew.open_anew(two.reviews.get(), cause="periodic")
    shown = approval_sought(Review.objects.with_parts().get(pk=review.pk)).digest
    entered = slowly(monkeypatch, signing, "suspend_within")
    told = {"title": "Zeros", "severity": "medium", "source": "review", "due_on": date(2030, 1, 1), "owner": scientist}
    answers = race(
        lambda: services.sign_off(
            review, by=validator, role="validator", verdict="reject", comment="No.", password=PASSWORD, seen=shown
        ),
        after(entered, lambda: services.raise_finding(one.model, by=validator, **told)),
    )
    assert refusals(answers) == []
    assert {fresh(one).state, fresh(two).state} == {"suspended"}
