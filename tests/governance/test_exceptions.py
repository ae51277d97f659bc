"""Exceptions: who lets a requirement stay unmet, for how long, and what ends when they end."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.services import erase_person
from core.clock import now
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import services
from governance.approvals import approval_of
from governance.models import Finding, RequirementException
from governance.tasks import fall_due
from models_registry.models import Version
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db


def again(version: Any) -> Any:
    return Version.objects.with_parts().get(pk=version.pk)


@pytest.fixture
def finding(make_review: Any, validator: Any, scientist: Any) -> Finding:
    """A critical finding about a version under review, which the scientist owns."""
    given = {"title": "Zeros", "severity": "critical", "source": "review", "due_on": date(2027, 1, 31), "owner": scientist}
    return services.raise_finding(make_review().version, by=validator, **given)


@pytest.fixture
def ask(finding: Finding, scientist: Any) -> Any:
    """`ask()`: the scientist asks that the risk of the finding be accepted for ten days."""

    def make(**more: Any) -> RequirementException:
        given = {"by": scientist, "environment": "production", "kind": "findings", "subject": str(finding.pk)}
        given |= {"reason": "No more zeros this year.", "control": "A person reads each zero."}
        return services.request_exception(
            again(finding.version), expires_on=more.pop("expires_on", now().date() + timedelta(days=10)), **given | more
        )

    return make


def approve(row: RequirementException, by: Any, **more: Any) -> RequirementException:
    return services.approve_exception(row, by=by, **{"password": PASSWORD} | more)


def outcomes(finding: Finding) -> list[str]:
    answers = approval_of(again(finding.version), "production").answers
    return [one.outcome.value for one in answers if one.subject == str(finding.pk)]


def test_exceptions_leave_as_a_file_as_the_page_shows_them(
    finding: Finding, ask: Any, officer: Any, client_of: Any, scientist: Any
) -> None:
    row = ask(reason="=1+1")
    client = client_of(officer)
    text = b"".join(client.get("/exceptions/export/?state=requested").streaming_content).decode("utf-8-sig")
    [found] = csv.DictReader(io.StringIO(text, newline=""))
    assert (found["id"], found["state"], found["requirement"], found["reason"]) == (str(row.pk), "requested", "findings", "'=1+1")
    assert (found["requested_by"], found["decided_by"], found["policy"]) == (scientist.name, "", str(row.policy))
    assert (found["version"], found["expires_on"]) == (str(row.version.number), row.expires_on.isoformat())
    assert len(b"".join(client.get("/exceptions/export/?state=approved").streaming_content).splitlines()) == 1
    page = client.get("/exceptions/?state=requested").content.decode()
    assert "/exceptions/export/?state=requested&amp;as=csv" in page


def test_an_exception_stands_in_for_exactly_its_answer_and_accepts_the_finding(
    ask: Any, finding: Finding, risk_manager: Any, sign: Any, story: Any
) -> None:
    row = ask()
    assert outcomes(finding) == ["not_met"]  # asked is not given
    before = len(story())
    approve(row, risk_manager)
    assert story()[before:] == ["exception.approved", "finding.accepted", "review.pins_changed"]
    assert outcomes(finding) == ["excepted"]
    [answer] = [one for one in approval_of(again(finding.version), "production").answers if one.kind == "findings"]
    assert "Excepted until" in answer.sentence and "risk manager" in answer.sentence
    assert answer.href == row.get_absolute_url()
    review = finding.version.reviews.get()
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert again(finding.version).state == "approved"


def test_what_ran_out_blocks_at_once_and_the_clock_records_it(
    ask: Any, finding: Finding, risk_manager: Any, sign: Any, frozen_clock: Any, story: Any
) -> None:
    approve(ask(), risk_manager)
    review = finding.version.reviews.get()
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert approval_of(again(finding.version), "production").holds
    frozen_clock.advance(days=11)
    assert not approval_of(again(finding.version), "production").holds  # computed, before anybody recorded it
    fall_due()
    row = RequirementException.objects.get()
    finding.refresh_from_db()
    assert (row.state, finding.state) == ("expired", "open")
    told = story()
    fall_due()
    assert story() == told  # found nothing to do
    assert [one for one in told if one in {"exception.expired", "finding.reopened"}] == ["exception.expired", "finding.reopened"]


def test_an_exception_is_part_of_what_is_signed(ask: Any, finding: Finding, risk_manager: Any, sign: Any) -> None:
    row = approve(ask(), risk_manager)
    sign(finding.version.reviews.get(), "validator")
    services.revoke_exception(row, by=risk_manager, reason="It costs too much.")
    [(_signed, changed)] = approval_of(again(finding.version), "production").stale
    assert set(changed) == {"findings", "exceptions"}
    assert outcomes(finding) == ["not_met"]


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("officer", "the risk manager decides"),
        ("validator", "the risk manager decides"),
        ("admin", "Administrators"),
        ("scientist", "You asked"),
    ],
)
def test_only_the_role_that_the_policy_names_decides(who: str, why: str, ask: Any, finding: Finding, request: Any) -> None:
    row = ask()
    with pytest.raises(NotAllowed, match=why):
        approve(row, request.getfixturevalue(who))
    assert RequirementException.objects.get().state == "requested"
    assert outcomes(finding) == ["not_met"]


def test_whoever_asked_never_decides_whatever_their_roles(ask: Any, risk_manager: Any) -> None:
    row = ask(by=risk_manager)
    with pytest.raises(NotAllowed, match="You asked for this exception"):
        approve(row, risk_manager)


def test_whoever_made_the_version_or_owns_the_finding_never_decides(
    make_review: Any, make_person: Any, team: Any, validator: Any, scientist: Any, risk_manager: Any
) -> None:
    both = make_person("Bo Both", ("data_scientist", team), ("risk_manager", team))
    version = make_review(by=both).version
    for owner, by, why in ((scientist, both, "contributed"), (risk_manager, risk_manager, "own the finding")):
        given = {"title": "Zeros", "severity": "critical", "source": "review", "due_on": date(2027, 1, 31)}
        found = services.raise_finding(again(version), by=validator, owner=owner, **given)
        row = services.request_exception(
            again(version),
            by=validator,
            environment="production",
            kind="findings",
            subject=str(found.pk),
            reason="Why",
            control="What",
            expires_on=now().date(),
        )
        with pytest.raises(NotAllowed, match=why):
            approve(row, by)


def test_an_exception_needs_fresh_proof_of_identity(ask: Any, risk_manager: Any) -> None:
    row = ask()
    with pytest.raises(NotAllowed, match="password"):
        approve(row, risk_manager, password="wrong")
    assert RequirementException.objects.get().state == "requested"


def test_an_exception_stands_no_longer_than_the_policy_lets(ask: Any) -> None:
    for day in (now().date() + timedelta(days=91), now().date() - timedelta(days=1)):
        with pytest.raises(InvalidInput, match="at most 90 days"):
            ask(expires_on=day)
    assert ask(expires_on=now().date() + timedelta(days=90)).state == "requested"


def test_nothing_stands_in_for_the_inspection(ask: Any) -> None:
    with pytest.raises(InvalidInput, match="must be met"):
        ask(kind="inspection", subject="")


def test_what_does_not_stand_against_approval_needs_no_exception(ask: Any) -> None:
    with pytest.raises(WrongState, match="does not stand against"):
        ask(subject="another")


def test_a_refused_exception_stands_in_for_nothing(ask: Any, finding: Finding, risk_manager: Any, story: Any) -> None:
    row = ask()
    services.refuse_exception(row, by=risk_manager, decision="Train again.")
    assert (story()[-1], outcomes(finding)) == ("exception.refused", ["not_met"])
    with pytest.raises(WrongState):
        approve(row, risk_manager)


def test_the_words_of_an_exception_go_with_their_authors(ask: Any, risk_manager: Any, scientist: Any, admin: Any) -> None:
    approve(ask(), risk_manager, decision="Kim says so.")
    for person in (scientist, risk_manager):
        erase_person(person, by=admin)
    row = RequirementException.objects.get()
    assert [row.reason, row.control, row.decision] == [""] * 3


def test_an_exception_goes_its_way_on_its_pages(
    finding: Finding, client_of: Any, scientist: Any, risk_manager: Any, officer: Any, stranger: Any
) -> None:
    version = finding.version
    address = f"/versions/{version.pk}/exception/"
    assert "Ask for an exception" in client_of(scientist).get(f"/versions/{version.pk}/").content.decode()
    assert client_of(stranger).get(address).status_code == 404
    until = (now().date() + timedelta(days=9)).isoformat()
    given = {"answer": "0", "reason": "No zeros left", "control": "A person looks", "expires_on": until}
    wrong = client_of(scientist).post(address, given | {"expires_on": "2099-01-01"})
    assert wrong.status_code == 422 and "No zeros left" in wrong.content.decode()
    assert client_of(scientist).post(address, given).status_code == 303
    row = RequirementException.objects.get()
    at = row.get_absolute_url()
    assert "wait for your decision" in client_of(risk_manager).get("/").content.decode()
    assert finding.title in client_of(risk_manager).get(at).content.decode(), "whoever decides reads what stays unmet"
    assert "the risk manager decides" in client_of(officer).get(at).content.decode()
    assert client_of(officer).post(f"{at}approve/", {"password": PASSWORD}).status_code == 403
    assert client_of(risk_manager).post(f"{at}approve/", {"password": "wrong"}).status_code == 403
    assert client_of(risk_manager).post(f"{at}approve/", {"password": PASSWORD}).status_code == 303
    assert "Exception for" in client_of(officer).get("/exceptions/?state=approved").content.decode()
    assert "Exception for" in client_of(officer).get(f"/versions/{version.pk}/").content.decode()
    assert "No exception here" in client_of(stranger).get("/exceptions/").content.decode()
    assert client_of(risk_manager).post(f"{at}revoke/", {"reason": "Too long"}).status_code == 303
    assert "Revoked" in client_of(risk_manager).get(at).content.decode()
