"""Lists and pages: who sees what, and that a longer list costs no more queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import services

pytestmark = pytest.mark.django_db

LISTS = ["/", "/models/", "/api/v1/reviews/", "/api/v1/models/", "/api/v1/releases/", "/api/v1/policies/", "/api/v1/alerts/"]


def queries(client: Any, address: str) -> int:
    client.get(address)  # what is read once for each process is read now
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(address)
    assert answer.status_code == 200, answer.content[:300]
    return len(captured)


@pytest.mark.parametrize("address", LISTS)
def test_a_list_costs_as_many_queries_at_ten_rows_as_at_one(
    address: str, make_approved: Any, make_review: Any, make_model: Any, risk_manager: Any, client_of: Any, validator: Any
) -> None:
    def one_more(number: int) -> None:
        model = make_model(f"model-{number}")
        services.release(make_approved(model=model), environment="production", by=risk_manager)
        make_review(model=model)

    one_more(0)
    client = client_of(validator)
    at_one = queries(client, address)
    for number in range(1, 4):
        one_more(number)
    assert queries(client, address) == at_one


def test_a_stranger_finds_nothing(make_approved: Any, client_of: Any, stranger: Any) -> None:
    version = make_approved()
    review = version.reviews.get()
    client = client_of(stranger)
    for address in (
        f"/models/{version.model_id}/",
        f"/versions/{version.pk}/",
        f"/versions/{version.pk}/checks/",
        f"/versions/{version.pk}/evidence/",
        f"/versions/{version.pk}/history/",
        f"/versions/{version.pk}/monitoring/",
        f"/reviews/{review.pk}/",
        f"/api/v1/versions/{version.pk}/",
        f"/api/v1/versions/{version.pk}/approval/",
        f"/api/v1/versions/{version.pk}/checkpoint/",
        f"/api/v1/reviews/{review.pk}/",
    ):
        assert client.get(address).status_code == 404, address
    assert client.get("/api/v1/models/").json()["results"] == []


def test_a_refused_signature_on_the_page_keeps_what_was_typed_but_the_password(
    make_review: Any, client_of: Any, validator: Any
) -> None:
    review = make_review()
    typed = {"role": "validator", "verdict": "approve", "comment": "Well measured.", "password": "guess", "seen": review.digest}
    answer = client_of(validator).post(f"/reviews/{review.pk}/sign-off/", typed)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "The password is not right." in page and "Well measured." in page and "guess" not in page


def test_the_reason_stands_where_the_form_would_be(make_review: Any, client_of: Any, scientist: Any, officer: Any) -> None:
    review = make_review()
    assert "You submitted this version" in client_of(scientist).get(f"/reviews/{review.pk}/").content.decode()
    assert "First the signature of the validator" in client_of(officer).get(f"/reviews/{review.pk}/").content.decode()
