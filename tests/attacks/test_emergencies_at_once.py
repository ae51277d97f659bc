"""A release in an emergency at the same moment as what forbids it, on real PostgreSQL: nothing rejected or stopped is live."""

from __future__ import annotations

from typing import Any

import pytest

from governance import services
from governance.models import EmergencyApproval, Release
from models_registry.models import Version
from tests.attacks.at_once import refusals
from tests.plugins_versions import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policies")]
WHY = {"reason": "It cannot wait.", "password": PASSWORD}
TRIES = 3


def release_at_once(review: Any, by: Any) -> Release:
    return services.release_in_emergency(review.version, by=by, seen=review.digest, **WHY)


def test_a_rejection_at_the_same_moment_leaves_nothing_live(make_review: Any, risk_manager: Any, sign: Any, race: Any) -> None:
    for _ in range(TRIES):
        review = make_review()
        refusals(
            race(
                lambda review=review: release_at_once(review, risk_manager),
                lambda review=review: sign(review, "validator", "reject"),
            )
        )
        assert Version.objects.get(pk=review.version_id).state == "rejected"
        assert not Release.objects.live().filter(version=review.version_id).exists()


def test_two_emergencies_at_once_are_one(make_review: Any, risk_manager: Any, make_person: Any, team: Any, race: Any) -> None:
    other = make_person("Other", ("risk_manager", team))
    review = make_review()
    told = refusals(race(*(lambda by=by: release_at_once(review, by) for by in (risk_manager, other))))
    assert told == ["emergency_used"] and EmergencyApproval.objects.count() == Release.objects.live().count() == 1


def test_a_suspension_at_the_same_moment_stops_what_is_live_or_comes_too_early(
    make_review: Any, risk_manager: Any, officer: Any, race: Any
) -> None:
    for _ in range(TRIES):
        review = make_review()
        told = refusals(
            race(
                lambda review=review: release_at_once(review, risk_manager),
                lambda review=review: services.order_suspension(review.version, by=officer, **WHY),
            )
        )
        live = Release.objects.live().filter(version=review.version_id).exists()
        state = Version.objects.get(pk=review.version_id).state
        assert (state, live, told) in (("suspended", False, []), ("in_review", True, ["not_approved"]))
