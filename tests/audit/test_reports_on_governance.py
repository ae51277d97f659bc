"""What governance did stands in the report: what the policy asked, exceptions, conditions, reviews of code, emergencies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit.composing import compose
from core import clock
from governance import services
from governance.approvals import approval_of
from governance.services.conditions import Wanted
from models_registry.models import Version
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def governed(make_review: Any, sign: Any, scientist: Any, validator: Any, risk_manager: Any) -> Any:
    """A review whose version has a finding that an exception excuses, code that was reviewed, and a condition."""
    review = make_review()
    version, until = review.version, clock.today() + timedelta(days=20)
    told = {"severity": "critical", "source": "review", "due_on": until, "owner": scientist}
    finding = services.raise_finding(version, title="Zeros become ones", by=validator, **told)
    asked = {"environment": "production", "kind": "findings", "subject": str(finding.pk), "expires_on": until}
    asked |= {"reason": "No time.", "control": "A person looks.", "by": scientist}
    services.approve_exception(services.request_exception(version, **asked), by=risk_manager, password=PASSWORD)
    code = services.receive_code(version, by=scientist, commit=40 * "4", tree=40 * "a", diff="")
    services.record_code_outcome(code, by=validator, verdict="approved", reason="Read.")
    wanted = [Wanted("Measure dark images.", scientist, until)]
    sign(review, "validator", "approve_with_conditions", conditions=wanted)
    return review


def test_requirements_exceptions_and_code_stand_in_the_report(
    governed: Any, sign: Any, make: Callable[..., Any], validator: Any, risk_manager: Any
) -> None:
    sign(governed, "compliance_officer")
    report = make(governed.version)
    content = compose(report).content
    [row] = content["exceptions"]
    assert (row["state"], row["title"], row["decided_by"]["name"]) == ("approved", "Findings", risk_manager.name)
    assert [one["outcome"] for one in content["requirements"] if one["kind"] == "findings"] == ["excepted"]
    [outcome] = content["code_outcomes"]
    assert (outcome["verdict"], outcome["person"]["name"]) == ("approved", validator.name)
    assert [one["number"] for one in content["conditions"]] == [1]
    assert "No time." not in str(content), "what people wrote as their reason is withheld"


def test_a_version_that_is_live_in_an_emergency_is_not_said_to_be_unusable(
    governed: Any, make: Callable[..., Any], risk_manager: Any
) -> None:
    version = Version.objects.with_parts().get(pk=governed.version_id)
    seen = approval_of(version, "production").digest
    services.release_in_emergency(
        version, by=risk_manager, reason="Forms go out tonight.", password=PASSWORD, seen=seen, accept=True
    )
    content = compose(make(version)).content
    said = content["decision"]["sentence"]
    assert said.startswith("Its reviewers have not decided yet. Released to production in an emergency")
    assert "must not be used" not in said
    assert content["releases"][0]["in_emergency"].startswith("Released to production in an emergency")
