"""Delegations on pages, in the API, in the inbox and in mails; and the signature by one as it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from core import clock
from governance.mail.sending import mail_what_happened
from governance.models import Delegation, SignOff
from ledger.services import sequence_and_seal
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def stand_in(make_person: Any, team: Any) -> Any:
    return make_person("Stan Standin", ("risk_manager", team))


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_role_is_offered_accepted_and_ended_on_pages(client_of: Any, validator: Any, stand_in: Any, team: Any) -> None:
    today = clock.today()
    said = {"held": f"validator:{team.pk}", "to": str(stand_in.pk), "reason": "On leave.", "password": PASSWORD}
    days = {"starts_on": today.isoformat(), "ends_on": (today + timedelta(days=20)).isoformat()}
    page = reverse("governance:delegations")
    late = client_of(validator).post(page, said | days | {"ends_on": (today + timedelta(days=99)).isoformat()})
    assert late.status_code == 422 and "at most 90 days" in text(late)
    assert client_of(validator).post(page, said | days).status_code == 303
    row = Delegation.objects.get()
    inbox = text(client_of(stand_in).get("/"))
    assert "Delegations that wait for your answer" in inbox and row.get_absolute_url() in inbox
    shown = text(client_of(stand_in).get(row.get_absolute_url()))
    assert "you sign reviews as validator on behalf of Vera Validator" in shown and "On leave." in shown
    wrong = client_of(stand_in).post(reverse("governance:delegation_accept", args=[row.pk]), {"password": "no"})
    assert wrong.status_code == 403 and "The password is not right." in text(wrong)
    assert (
        client_of(stand_in).post(reverse("governance:delegation_accept", args=[row.pk]), {"password": PASSWORD}).status_code
        == 303
    )
    assert "In force" in text(client_of(validator).get(page))
    assert client_of(validator).post(reverse("governance:delegation_end", args=[row.pk])).status_code == 303
    again = client_of(validator).post(reverse("governance:delegation_end", args=[row.pk]))
    assert again.status_code == 409
    assert Delegation.objects.get().state == "ended"


def test_others_do_not_see_it_and_auditors_do(
    client_of: Any, lend: Any, validator: Any, stand_in: Any, officer: Any, auditor: Any
) -> None:
    row = lend(validator, stand_in)
    assert client_of(officer).get(row.get_absolute_url()).status_code == 404
    assert row.get_absolute_url() not in text(client_of(officer).get(reverse("governance:delegations")))
    assert "On leave." in text(client_of(auditor).get(row.get_absolute_url()))


def test_the_review_page_says_on_whose_behalf_one_signs_and_then_who_did(
    client_of: Any, make_review: Any, lend: Any, validator: Any, stand_in: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    page = text(client_of(stand_in).get(review.get_absolute_url()))
    assert "You sign as <strong>validator, on behalf of Vera Validator</strong>" in page
    assert f"On behalf of Vera Validator, by delegation of {row.day.isoformat()}: I approve" in page
    said = {"role": "validator", "delegation": str(row.pk), "verdict": "approve", "seen": review.digest, "password": PASSWORD}
    assert client_of(stand_in).post(reverse("governance:sign_off", args=[review.pk]), said).status_code == 303
    assert SignOff.objects.get().delegation == row
    after = text(client_of(validator).get(review.get_absolute_url()))
    assert "on behalf of" in after and f"By delegation of {row.day.isoformat()}." in after
    assert "Somebody has already signed this version on your behalf" in after or "Enough people have already signed" in after
    assert str(review.version) in text(client_of(stand_in).get(row.get_absolute_url()))


def test_a_delegation_that_is_nobodys_is_not_there(
    client_of: Any, make_review: Any, lend: Any, validator: Any, stand_in: Any, officer: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    said = {"role": "validator", "verdict": "approve", "seen": review.digest, "password": PASSWORD}
    for key in (str(row.pk), "nonsense"):
        answer = client_of(officer).post(reverse("governance:sign_off", args=[review.pk]), said | {"delegation": key})
        assert answer.status_code == 404


def test_the_api_offers_accepts_signs_by_it_and_ends_it(
    api_of: Any, make_review: Any, validator: Any, stand_in: Any, team: Any
) -> None:
    review, today = make_review(), clock.today().isoformat()
    offer = {"delegate": str(stand_in.pk), "role": "validator", "team": str(team.pk), "starts_on": today, "ends_on": today}
    made = api_of(validator).post("/api/v1/delegations/", offer | {"reason": "On leave.", "password": PASSWORD}, format="json")
    assert (made.status_code, made.json()["state"]) == (201, "offered")
    key = made.json()["id"]
    taken = api_of(stand_in).post(f"/api/v1/delegations/{key}/acceptance/", {"password": PASSWORD}, format="json")
    assert (taken.status_code, taken.json()["state"]) == (200, "in_force")
    yours = api_of(stand_in).get(f"/api/v1/reviews/{review.pk}/").json()["you_would_sign"]
    assert [(one["role"], one["delegation"], one["on_behalf_of"]) for one in yours] == [("validator", key, str(validator.pk))]
    assert yours[0]["texts"]["approve"].startswith("On behalf of Vera Validator, by delegation of ")
    said = {"role": "validator", "verdict": "approve", "seen": review.digest, "password": PASSWORD, "delegation": key}
    signed = api_of(stand_in).post(f"/api/v1/reviews/{review.pk}/sign-offs/", said, format="json")
    assert (signed.status_code, signed.json()["on_behalf_of"]) == (201, str(validator.pk))
    assert [one["id"] for one in api_of(stand_in).get("/api/v1/delegations/?side=received").json()["results"]] == [key]
    assert api_of(stand_in).get("/api/v1/delegations/?side=given").json()["results"] == []
    assert api_of(stand_in).post(f"/api/v1/delegations/{key}/refusal/", format="json").status_code == 409
    assert api_of(stand_in).post(f"/api/v1/delegations/{key}/end/", format="json").json()["state"] == "ended"


def test_both_sides_are_mailed_of_what_the_other_did(lend: Any, validator: Any, stand_in: Any, settings: Any) -> None:
    settings.MAILS = True
    mail_what_happened()
    lend(validator, stand_in)
    sequence_and_seal()
    mail_what_happened()
    told = [(one.to[0], one.subject) for one in mail.outbox]
    assert told == [
        (stand_in.email, "A delegation waits for your answer"),
        (validator.email, "Your delegation was accepted"),
    ]
    assert "Vera" not in mail.outbox[0].body.replace(stand_in.name, "") and "/delegations/" in mail.outbox[0].body
