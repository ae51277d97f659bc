"""After the approval: people stop a version, have it looked at again, and end its life."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core.errors import NotAllowed, WrongState
from governance import services
from governance.approvals import approval_of
from governance.models import Release, Review
from ledger.actors import CLOCK
from models_registry.models import Version
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db
WHY = {"reason": "It misreads sevens.", "password": PASSWORD}


def fresh(version: Any) -> Version:
    return Version.objects.with_parts().get(pk=version.pk)


def test_an_officer_stops_an_approved_version_with_a_reason(
    make_approved: Any, risk_manager: Any, officer: Any, story: Any
) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    services.order_suspension(version, by=officer, **WHY)
    assert fresh(version).state == "suspended" and not Release.objects.live().exists()
    assert {"version.suspended", "release.revoked", "suspension.ordered"} <= set(story()[-4:])


def test_only_officers_and_risk_managers_suspend_and_only_with_proof(make_approved: Any, officer: Any, scientist: Any) -> None:
    version = make_approved()
    with pytest.raises(NotAllowed, match="suspend"):
        services.order_suspension(version, by=scientist, **WHY)
    with pytest.raises(NotAllowed):
        services.order_suspension(version, by=officer, reason="It is bad.", password="wrong")
    assert fresh(version).state == "approved"


def test_a_suspended_version_comes_back_only_through_a_new_review(
    make_approved: Any, risk_manager: Any, scientist: Any, sign: Any
) -> None:
    version = make_approved()
    services.suspend(version, reason="drift", by=CLOCK)
    review = services.ask_for_new_review(version, by=scientist, environment="production")
    assert fresh(version).state == "in_review" and not approval_of(fresh(version), "production").holds
    with pytest.raises(WrongState):
        services.release(fresh(version), environment="production", by=risk_manager)
    assert Review.objects.filter(version=version, state="expired").count() == 1
    assert review.environment == "production" and review.state == "open"


def test_after_a_suspension_the_approval_for_another_environment_does_not_come_back(make_approved: Any, scientist: Any) -> None:
    version = make_approved()
    services.suspend(version, reason="drift", by=CLOCK)
    services.ask_for_new_review(version, by=scientist, environment="staging")
    assert not approval_of(fresh(version), "production").holds
    assert any("suspended after it" in reason for reason in approval_of(fresh(version), "production").reasons)


def test_an_approved_version_is_reviewed_for_a_further_environment_and_keeps_its_approval(
    make_approved: Any, scientist: Any
) -> None:
    version = make_approved()
    services.ask_for_new_review(version, by=scientist, environment="staging")
    assert approval_of(fresh(version), "production").holds and not approval_of(fresh(version), "staging").holds


@pytest.mark.parametrize("state", ["draft", "submitted", "in_review", "changes_requested", "rejected", "withdrawn", "retired"])
def test_what_was_not_approved_is_neither_suspended_nor_reviewed_again(
    make_approved: Any, officer: Any, scientist: Any, state: str
) -> None:
    version = make_approved()
    Version.objects.filter(pk=version.pk).update(state=state)
    with pytest.raises(WrongState, match="only what is approved or live"):
        services.order_suspension(version, by=officer, **WHY)
    with pytest.raises(WrongState, match="only what was approved"):
        services.ask_for_new_review(version, by=scientist, environment="production")


def test_a_risk_manager_retires_what_is_not_live(make_approved: Any, risk_manager: Any, officer: Any, story: Any) -> None:
    version = make_approved()
    live = services.release(version, environment="production", by=risk_manager)
    with pytest.raises(WrongState, match="is live"):
        services.retire(version, by=risk_manager, reason="A better one is there.")
    Release.objects.filter(pk=live.pk).update(state="superseded")
    with pytest.raises(NotAllowed, match="risk manager"):
        services.retire(version, by=officer, reason="A better one is there.")
    services.retire(version, by=risk_manager, reason="A better one is there.")
    assert fresh(version).state == "retired" and story()[-1] == "version.retired"


def test_the_page_of_a_version_leads_to_what_the_person_may_do(make_approved: Any, client_of: Any, officer: Any) -> None:
    version = make_approved()
    page = client_of(officer).get(version.get_absolute_url()).content.decode()
    url = reverse("governance:suspend", args=[version.pk])
    assert url in page and reverse("governance:retire", args=[version.pk]) not in page
    assert client_of(officer).post(url, WHY).status_code == 303
    assert fresh(version).state == "suspended"
