"""What the gate says now stands on the version's page, with its certificate; and what a question costs."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from evaluations.models import EvaluationRun
from governance import attestations, gate, services
from governance.approvals import approval_of
from governance.documents.checking import checked
from governance.dry_run import dry_run
from governance.models import Attestation, Condition, GateRecord
from governance.policies import starting_body
from governance.services.conditions import Wanted
from models_registry.models import Version

pytestmark = pytest.mark.django_db

MOST = 18  # queries of an allowed answer over the API that is certified already, sign-in by key included


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    return version


def page_of(version: Any, client: Any) -> str:
    return client.get(f"/versions/{version.pk}/").content.decode()


def test_the_page_says_until_when_it_is_certified_and_hands_the_certificate_out(live: Any, client_of: Any, officer: Any) -> None:
    client = client_of(officer)
    assert "It is certified as soon as a deployment asks." in page_of(live, client)
    assert not GateRecord.objects.exists(), "looking is no question"
    given = gate.answer(live.checkpoint_digest, "production", asked_by=officer)
    page = page_of(live, client)
    assert "Certified until" in page
    address = f"/versions/{live.pk}/attestations/production/"
    assert address in page
    answer = client.get(address)
    assert answer.json() == given.attestation.envelope
    assert answer["Content-Disposition"] == 'attachment; filename="digit-reader-v1-production.json"'


def test_the_page_says_each_reason_why_not(make_approved: Any, client_of: Any, officer: Any) -> None:
    version = make_approved()
    assert "It is not released to production." in page_of(version, client_of(officer))


def test_the_certificate_of_what_one_does_not_see_does_not_exist(live: Any, client_of: Any, officer: Any, stranger: Any) -> None:
    gate.answer(live.checkpoint_digest, "production", asked_by=officer)
    assert client_of(stranger).get(f"/versions/{live.pk}/attestations/production/").status_code == 404
    assert client_of(officer).get(f"/versions/{live.pk}/attestations/staging/").status_code == 404


def test_a_certificate_names_the_open_conditions_and_does_not_outlive_their_day(
    make_review: Any, sign: Any, scientist: Any, validator: Any, risk_manager: Any
) -> None:
    review = make_review()
    due = clock.now().date() + timedelta(days=3)
    wanted = [Wanted("Measure dark images.", scientist, due, "A report")]
    sign(review, "validator", "approve_with_conditions", conditions=wanted)
    sign(review, "compliance_officer")
    version = Version.objects.with_parts().get(pk=review.version_id)
    services.release(version, environment="production", by=risk_manager)
    given = gate.answer(version.checkpoint_digest, "production", asked_by=validator).attestation
    predicate = json.loads(base64.b64decode(given.envelope["payload"]))["predicate"]
    condition = Condition.objects.get()
    named = predicate[attestations.name_of("conditions")]
    assert named == [{"condition": f"urn:uuid:{condition.pk}", "due": due.isoformat()}]
    assert given.holds_until.date() == due + timedelta(days=1)
    Condition.objects.update(state="met")
    again = gate.answer(version.checkpoint_digest, "production", asked_by=validator).attestation
    assert again.pk != given.pk, "what it rests on is another"
    assert json.loads(base64.b64decode(again.envelope["payload"]))["predicate"][attestations.name_of("conditions")] == []


def test_an_answer_costs_a_known_number_of_queries_whatever_was_measured_on_the_same_rows(
    live: Any, api_of: Any, officer: Any, make_approved: Any
) -> None:
    api = api_of(officer)
    address = f"/api/v1/gate/?digest={live.checkpoint_digest}&environment=production"
    assert api.get(address).json()["allowed"]
    api.get(address)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(address).json()["allowed"]
        return len(captured)

    assert cost() <= MOST
    before = cost()
    for _ in range(2):
        make_approved(data=EvaluationRun.objects.get(version=live).dataset_version)
    assert cost() == before


def test_a_dry_run_looks_at_approvals_under_conditions_too(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    wanted = [Wanted("Measure dark images.", scientist, clock.now().date() + timedelta(days=3), "A report")]
    sign(review, "validator", "approve_with_conditions", conditions=wanted)
    sign(review, "compliance_officer")
    assert approval_of(Version.objects.with_parts().get(pk=review.version_id), "production").holds
    found = dry_run(checked(starting_body("high")))
    assert (found.looked_at, found.falling) == (1, []), "a signature under conditions is one"
    assert Attestation.objects.count() == 0
