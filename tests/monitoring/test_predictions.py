"""Observations, the scheduled check, alerts, and the approval that is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import InvalidInput, NotAllowed, WrongState
from governance import gate
from governance import services as governance
from ledger.models import Event
from models_registry.models import Version
from monitoring import services, views
from monitoring.models import Alert, ObservationBatch
from monitoring.permissions import can_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved()
    governance.release(version, environment="production", by=risk_manager)
    return Version.objects.with_parts().get(pk=version.pk)


def observe(version: Any, by: Any, *, share: tuple[float, float, float] = (0.34, 0.33, 0.33), n: int = 400) -> Any:
    """`n` rows whose softmax vector is always `share`."""
    sums = [n * part for part in share]
    squares = [n * part * part for part in share]
    predicted = [0, 0, 0]
    predicted[max(range(3), key=share.__getitem__)] = n
    return services.receive_observations(
        version, environment="production", n=n, sums=sums, sums_of_squares=squares, predicted=predicted, by=by
    )


def test_quiet_predictions_are_checked_once_and_change_nothing(live: Any, scientist: Any, story: Any) -> None:
    before = len(story())
    observe(live, scientist)
    assert services.check_waiting_predictions() == 1
    assert services.check_waiting_predictions() == 0
    assert story()[before:] == ["observations.received", "predictions.checked"]
    batch = ObservationBatch.objects.get()
    assert batch.checked_at and not batch.outcome["fired"]
    assert Version.objects.get(pk=live.pk).state == "approved"


def test_a_class_below_the_minimum_mean_raises_an_alert_and_suspends(
    live: Any, scientist: Any, risk_manager: Any, story: Any
) -> None:
    before = len(story())
    observe(live, scientist, share=(0.60, 0.37, 0.03))
    services.check_waiting_predictions()
    assert story()[before:] == [
        "observations.received",
        "predictions.checked",
        "alert.opened",
        "version.suspended",
        "release.revoked",
    ]
    alert = Alert.objects.get()
    assert alert.facts["source"]["fired"] and alert.facts["interval"]["fired"]
    assert "“two” (0.030)" in alert.sentence
    assert not gate.answer(live.checkpoint_digest, "production", asked_by=risk_manager).allowed


def test_a_mean_that_leaves_its_reference_interval_suspends_though_no_class_is_rare(live: Any, scientist: Any) -> None:
    observe(live, scientist, share=(0.50, 0.30, 0.20))
    services.check_waiting_predictions()
    facts = Alert.objects.get().facts
    assert (facts["source"]["fired"], facts["interval"]["fired"]) == (False, True)
    assert Version.objects.get(pk=live.pk).state == "suspended"


def test_too_few_rows_wait_for_more(live: Any, scientist: Any) -> None:
    observe(live, scientist, share=(0.9, 0.05, 0.05), n=100)
    assert services.check_waiting_predictions() == 0
    observe(live, scientist, share=(0.9, 0.05, 0.05), n=250)
    assert services.check_waiting_predictions() == 1
    assert Alert.objects.get().facts["n"] == 350


def test_a_second_breach_opens_no_second_alert(live: Any, scientist: Any) -> None:
    for _ in range(2):
        observe(live, scientist, share=(0.9, 0.05, 0.05))
        services.check_waiting_predictions()
    assert Alert.objects.count() == 1
    assert Event.objects.filter(type="version.suspended").count() == 1


def test_what_are_no_probabilities_is_refused(live: Any, scientist: Any) -> None:
    with pytest.raises(InvalidInput, match="softmax"):
        observe(live, scientist, share=(0.9, 0.9, 0.9))
    with pytest.raises(InvalidInput, match="counts"):
        services.receive_observations(
            live,
            environment="production",
            n=3,
            sums=[1, 1, 1],
            sums_of_squares=[0.5, 0.5, 0.5],
            predicted=[1, 1, 0],
            by=scientist,
        )
    assert not ObservationBatch.objects.exists()


def test_a_version_that_was_never_released_has_nothing_to_report(make_approved: Any, scientist: Any) -> None:
    with pytest.raises(WrongState, match="never released"):
        observe(make_approved(), scientist)


def test_only_the_teams_data_scientists_and_risk_managers_report(live: Any, auditor: Any) -> None:
    with pytest.raises(NotAllowed, match="report observations"):
        observe(live, auditor)
    assert Event.objects.get(type="attempt.refused").data["attempt"] == "receive_observations"


def test_the_list_of_alerts_agrees_with_the_permission(
    live: Any, scientist: Any, risk_manager: Any, officer: Any, auditor: Any, admin: Any, stranger: Any
) -> None:
    observe(live, scientist, share=(0.9, 0.05, 0.05))
    services.check_waiting_predictions()
    alert = Alert.objects.get()
    for person in (scientist, risk_manager, officer, auditor, admin, stranger):
        assert Alert.objects.answerable_by(person).exists() == bool(can_answer(person, alert)), person


def test_a_risk_manager_answers_an_alert_and_says_why_it_is_over(
    live: Any, scientist: Any, risk_manager: Any, officer: Any
) -> None:
    observe(live, scientist, share=(0.9, 0.05, 0.05))
    services.check_waiting_predictions()
    alert = Alert.objects.get()
    with pytest.raises(NotAllowed, match="Only a risk manager"):
        services.acknowledge(alert, by=officer)
    services.acknowledge(alert, by=risk_manager)
    with pytest.raises(InvalidInput, match="Say why"):
        services.close(alert, by=risk_manager, why="")
    services.close(alert, by=risk_manager, why="The camera was turned back.")
    assert Alert.objects.get().state == "closed"
    closed = Event.objects.get(type="alert.closed")
    assert closed.private_values.get(path="why").value == "The camera was turned back."


# -- the page --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def alert(live: Any, scientist: Any) -> Alert:
    observe(live, scientist, share=(0.9, 0.05, 0.05))
    services.check_waiting_predictions()
    return Alert.objects.get()


def test_who_may_not_answer_an_alert_reads_why(alert: Alert, client_of: Any, officer: Any, risk_manager: Any) -> None:
    page = f"/versions/{alert.version_id}/monitoring/"
    assert "Only a risk manager of this team acknowledges and closes its alerts." in client_of(officer).get(page).content.decode()
    shown = client_of(risk_manager).get(page).content.decode()
    assert "Only a risk manager" not in shown
    assert f'action="/alerts/{alert.pk}/close/"' in shown


@pytest.mark.parametrize(
    ("why", "said"),
    [("", "Say why"), ("   ", "Say why"), ("x" * 2001, "at most 2000 characters"), ("a\x00b", "Null characters are not allowed")],
)
def test_an_alert_is_not_closed_with_a_reason_that_cannot_be_kept(
    alert: Alert, client_of: Any, risk_manager: Any, why: str, said: str
) -> None:
    answer = client_of(risk_manager).post(f"/alerts/{alert.pk}/close/", {"why": why}, follow=True)
    assert said in answer.content.decode()
    assert Alert.objects.get().state == "open"


def test_a_closed_alert_stays_on_the_page_and_asks_nothing(alert: Alert, client_of: Any, risk_manager: Any) -> None:
    client = client_of(risk_manager)
    page = client.post(f"/alerts/{alert.pk}/close/", {"why": "The camera was turned back."}, follow=True).content.decode()
    assert "Closed alerts" in page
    assert "/close/" not in page
    # closed twice, as from a second tab: a sentence, and nothing changes
    assert client.post(f"/alerts/{alert.pk}/close/", {"why": "Again."}, follow=True).status_code == 200
    assert Event.objects.filter(type="alert.closed").count() == 1


def test_a_long_list_of_alerts_says_that_it_is_cut(
    alert: Alert, client_of: Any, risk_manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST", 1)
    assert "latest are shown" not in client_of(risk_manager).get("/").content.decode()
    Alert.objects.create(
        version=alert.version, environment="staging", rule=alert.rule, sentence="Another.", facts={}, opened_at=alert.opened_at
    )
    assert "The 1 latest are shown" in client_of(risk_manager).get("/").content.decode()
