"""Findings: who raises them, what they stop, who mends them, and who says that they are gone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from accounts.models import Person
from accounts.services import erase_person
from core.clock import now
from core.errors import DomainError, InvalidInput, NotAllowed, WrongState
from governance import gate, services
from governance.approvals import approval_of
from governance.models import Finding, Release
from governance.permissions.findings import can_retest, can_work
from governance.requirements.findings import check
from models_registry.models import Version

pytestmark = pytest.mark.django_db


@pytest.fixture
def find(validator: Any, scientist: Any) -> Any:
    """`find(thing)`: the validator raises a finding about it, which the scientist owns."""

    def make(thing: Any, severity: str = "medium", **more: Any) -> Finding:
        given = {"title": "Zeros become ones", "source": "review", "due_on": date(2027, 1, 31), "owner": scientist}
        return services.raise_finding(thing, severity=severity, **{"by": validator} | given | more)

    return make


def ready(finding: Finding, owner: Any) -> Finding:
    services.plan_finding(finding, by=owner, plan="Train on more zeros.")
    return services.finding_is_mended(finding, by=owner, done="Trained on 400 more zeros.")


def again(version: Any) -> Any:
    return Version.objects.with_parts().get(pk=version.pk)


# -- raising -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["validator", "officer", "dpo", "risk_manager", "auditor"])
def test_whoever_reviews_raises_findings(who: str, request: Any, make_approved: Any, find: Any, story: Any) -> None:
    version = make_approved()
    before = len(story())
    found = find(version, by=request.getfixturevalue(who))
    assert (found.state, found.team, found.model) == ("open", version.model.team, version.model)
    assert story()[before:] == ["finding.raised"]


@pytest.mark.parametrize("who", ["scientist", "admin"])
def test_nobody_else_raises_findings(who: str, request: Any, make_approved: Any, find: Any) -> None:
    version = make_approved()
    with pytest.raises(NotAllowed):
        find(version, by=request.getfixturevalue(who))
    assert not Finding.objects.exists()


def test_the_owner_is_somebody_with_a_role_in_the_team(make_approved: Any, find: Any, stranger: Any) -> None:
    version = make_approved()
    with pytest.raises(InvalidInput, match="role in this team"):
        find(version, owner=stranger)


def test_a_reference_names_one_finding_of_a_team(make_approved: Any, find: Any) -> None:
    version = make_approved()
    find(version, reference="JIRA-7")
    with pytest.raises(WrongState, match="JIRA-7"):
        find(version, reference="JIRA-7")


# -- what a finding stops ----------------------------------------------------------------------------------------------------


def test_a_critical_finding_suspends_the_approval_and_closes_the_gate_in_the_same_act(
    make_approved: Any, find: Any, risk_manager: Any, auditor: Any, story: Any
) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    before = len(story())
    find(again(version), "critical")
    assert story()[before:] == ["finding.raised", "version.suspended", "release.revoked"]
    assert again(version).state == "suspended"
    assert not Release.objects.live().exists()
    answer = gate.answer(version.checkpoint_digest, "production", asked_by=auditor)
    assert not answer.allowed
    assert any("critical finding" in reason for reason in answer.reasons)


def test_a_critical_finding_about_the_model_or_its_data_suspends_too(make_approved: Any, make_data: Any, find: Any) -> None:
    data = make_data()
    first = make_approved(data=data)
    find(first.model, "critical")
    assert again(first).state == "suspended"
    closed = ready(Finding.objects.get(), Finding.objects.get().owner)
    services.retest_finding(closed, by=Person.objects.get(name="Carla Officer"), passed=True, reason="Measured again.")
    second = make_approved(data=data)
    find(data, "critical")
    assert again(second).state == "suspended"


def test_a_critical_finding_that_is_open_keeps_everybody_from_approving(make_review: Any, find: Any, sign: Any) -> None:
    review = make_review()
    find(review.version, "critical")
    with pytest.raises(WrongState, match="critical finding"):
        sign(review, "validator")


def test_a_high_finding_blocks_only_where_the_policy_says_so(make_review: Any, find: Any, sign: Any) -> None:
    review = make_review()
    find(review.version, "high")
    with patch("governance.requirements.demands_of", lambda policy: []):
        approval = approval_of(review.version, "production")
    assert not [one for one in approval.answers if one.kind == "findings" and one.blocks]
    with patch("governance.requirements.demands_of", lambda policy: [{"kind": "findings", "blocks": "high"}]):
        blocked = [one for one in approval_of(review.version, "production").answers if one.kind == "findings" and one.blocks]
    assert [one.sentence.split(" about")[0] for one in blocked] == ["A high finding"]


def test_a_policy_names_a_severity_that_there_is() -> None:
    assert check({"blocks": "high"}) == {"blocks": "high"}
    with pytest.raises(InvalidInput, match="critical, high"):
        check({"blocks": "severe"})


def test_a_new_finding_makes_signatures_stale_and_work_on_it_does_not(
    make_review: Any, find: Any, sign: Any, scientist: Any
) -> None:
    review = make_review()
    old = find(review.version, "low")
    sign(review, "validator")
    services.plan_finding(old, by=scientist, plan="Look into it.")
    assert not approval_of(again(review.version), "production").stale
    find(review.version, "low", title="Another")
    [(_signed, changed)] = approval_of(again(review.version), "production").stale
    assert changed == ["findings"]
    review.refresh_from_db()
    assert review.digest == approval_of(again(review.version), "production").digest  # lists of who may sign follow


def test_the_sentence_about_a_finding_holds_none_of_its_words(make_review: Any, find: Any) -> None:
    """It goes into the log with the gate's answers, where nobody could erase it."""
    review = make_review()
    find(review.version, "critical", title="Kim was careless")
    assert "Kim" not in " ".join(approval_of(again(review.version), "production").reasons)


# -- the work ----------------------------------------------------------------------------------------------------------------


def test_the_owner_mends_and_somebody_else_closes(
    make_approved: Any, find: Any, scientist: Any, officer: Any, story: Any
) -> None:
    finding = find(make_approved())
    before = len(story())
    finding = ready(finding, scientist)
    assert finding.state == "ready_for_retest"
    finding = services.retest_finding(finding, by=officer, passed=True, reason="Measured again: 0.99.")
    assert finding.state == "closed"
    assert story()[before:] == ["finding.started", "finding.ready", "finding.closed"]


def test_a_failed_retest_opens_the_finding_again(make_approved: Any, find: Any, scientist: Any, officer: Any, story: Any) -> None:
    finding = ready(find(make_approved()), scientist)
    finding = services.retest_finding(finding, by=officer, passed=False, reason="Still 0.4.")
    assert (finding.state, story()[-1]) == ("open", "finding.reopened")


def test_nothing_is_closed_that_nobody_called_mended(make_approved: Any, find: Any, officer: Any) -> None:
    with pytest.raises(WrongState):
        services.retest_finding(find(make_approved()), by=officer, passed=True, reason="Looks fine.")


def test_only_the_owner_plans(make_approved: Any, find: Any, other_scientist: Any) -> None:
    with pytest.raises(NotAllowed, match="owner"):
        services.plan_finding(find(make_approved()), by=other_scientist, plan="Let us see.")


def test_the_owner_never_closes_their_own_finding(make_approved: Any, find: Any, validator: Any) -> None:
    finding = ready(find(make_approved(), owner=validator), validator)
    with pytest.raises(NotAllowed, match="own this finding"):
        services.retest_finding(finding, by=validator, passed=True, reason="Trust me.")


def test_whoever_made_the_version_never_closes_a_finding_about_it(
    make_approved: Any, find: Any, make_person: Any, team: Any, scientist: Any
) -> None:
    both = make_person("Bo Both", ("data_scientist", team), ("validator", team))
    finding = ready(find(make_approved(by=both)), scientist)
    with pytest.raises(NotAllowed, match="made what this finding is about"):
        services.retest_finding(finding, by=both, passed=True, reason="It is gone.")
    with pytest.raises(NotAllowed):
        services.revise_finding(finding, by=both, severity="low", due_on=finding.due_on)


def test_the_lists_of_what_waits_agree_with_the_permissions(
    make_approved: Any, find: Any, make_person: Any, team: Any, scientist: Any, request: Any
) -> None:
    both = make_person("Bo Both", ("data_scientist", team), ("validator", team))
    version = make_approved(by=both)
    find(version)
    ready(find(version, title="Mended"), scientist)
    cast = ("scientist", "validator", "officer", "dpo", "risk_manager", "auditor", "admin", "stranger")
    for person in [both, *(request.getfixturevalue(name) for name in cast)]:
        for finding in Finding.objects.with_parts():
            works = bool(can_work(person, finding)) and finding.state in {"open", "in_progress"}
            tests = bool(can_retest(person, finding)) and finding.state == "ready_for_retest"
            assert Finding.objects.owned_by(person).filter(pk=finding.pk).exists() == works, person
            assert Finding.objects.retestable_by(person).filter(pk=finding.pk).exists() == tests, person


def test_what_becomes_critical_suspends(make_approved: Any, find: Any, officer: Any) -> None:
    version = make_approved()
    finding = find(version, "high")
    services.revise_finding(finding, by=officer, severity="critical", due_on=finding.due_on)
    assert again(version).state == "suspended"


def test_overdue_is_what_is_not_settled_and_past_its_date(
    make_approved: Any, find: Any, frozen_clock: Any, scientist: Any, officer: Any
) -> None:
    version = make_approved()
    due = now().date() + timedelta(days=2)
    late, closed = find(version, due_on=due), find(version, due_on=due)
    services.retest_finding(ready(closed, scientist), by=officer, passed=True, reason="Gone.")
    assert list(Finding.objects.overdue()) == []
    frozen_clock.advance(days=3)
    assert list(Finding.objects.overdue()) == [late]
    late.refresh_from_db()
    closed.refresh_from_db()
    assert (late.is_overdue, closed.is_overdue) == (True, False)


def test_the_words_of_a_finding_go_with_their_author_and_the_finding_stays(
    make_approved: Any, find: Any, validator: Any, officer: Any, scientist: Any, admin: Any
) -> None:
    finding = ready(find(make_approved(), description="Ask Kim."), scientist)
    services.retest_finding(finding, by=officer, passed=True, reason="Kim says so.")
    pinned = Finding.objects.get().pinned
    for person in (validator, officer, scientist):
        erase_person(person, by=admin)
    kept = Finding.objects.get()
    assert [kept.title, kept.description, kept.plan, kept.done, kept.retest_reason] == [""] * 5
    assert (kept.pinned, str(kept)) == (pinned, "A finding whose text was erased")


# -- pages -------------------------------------------------------------------------------------------------------------------


def test_the_register_is_narrowed_and_says_who_is_late(
    make_approved: Any, find: Any, client_of: Any, officer: Any, scientist: Any, stranger: Any
) -> None:
    version = make_approved()
    find(version, "low", title="Small thing", due_on=date(2020, 1, 1))
    find(version.model, "high", title="Grave thing")
    client = client_of(officer)
    everything = client.get("/findings/").content.decode()
    assert "Small thing" in everything and "Grave thing" in everything and "Overdue" in everything
    for query, shown in {
        "severity=low": "Small thing",
        "overdue=yes": "Small thing",
        f"version={version.pk}": "Small thing",
        "severity=high": "Grave thing",
    }.items():
        page = client.get(f"/findings/?{query}").content.decode()
        other = "Grave thing" if shown == "Small thing" else "Small thing"
        assert shown in page and other not in page, query
    assert "No finding fits" in client.get("/findings/?owner=me").content.decode()
    assert "Small thing" in client_of(scientist).get("/findings/?owner=me").content.decode()
    assert "Small thing" not in client_of(stranger).get("/findings/").content.decode()
    assert client.get("/findings/?owner=%00&team=x&model=%00").status_code == 200


def test_a_finding_goes_its_way_on_its_page(
    make_approved: Any, client_of: Any, validator: Any, officer: Any, scientist: Any, risk_manager: Any
) -> None:
    version = make_approved()
    given = {"title": "Zeros", "severity": "low", "source": "audit", "owner": str(scientist.pk), "due_on": "2027-02-01"}
    address = f"/findings/raise/?version={version.pk}"
    wrong = client_of(validator).post(address, given | {"due_on": "soon"})
    assert wrong.status_code == 422 and "Zeros" in wrong.content.decode()
    assert client_of(scientist).get(address).status_code == 403
    assert client_of(validator).get("/findings/raise/").status_code == 404
    assert client_of(validator).post(address, given).status_code == 303
    finding = Finding.objects.get()
    at = finding.get_absolute_url()
    assert "Zeros" in client_of(scientist).get("/").content.decode()  # the inbox
    assert "Only the owner" in client_of(risk_manager).get(at).content.decode()
    assert client_of(risk_manager).post(f"{at}plan/", {"plan": "Mine"}).status_code == 403
    assert client_of(scientist).post(f"{at}plan/", {"plan": "More zeros"}).status_code == 303
    assert client_of(scientist).post(f"{at}mended/", {"done": "Done"}).status_code == 303
    assert client_of(scientist).post(f"{at}mended/", {"done": "Done"}).status_code == 409
    assert "test it again" in client_of(officer).get("/").content.decode()
    assert client_of(officer).post(f"{at}retest/", {"outcome": "passed", "reason": "Gone"}).status_code == 303
    page = client_of(officer).get(at).content.decode()
    assert "Nothing: it was tested again" in page and "the retest by the compliance officer passed" in page
    assert "No finding is open" in client_of(officer).get(f"/versions/{version.pk}/").content.decode()


def test_the_pages_of_version_model_and_data_show_their_findings(
    make_approved: Any, make_data: Any, find: Any, client_of: Any, officer: Any
) -> None:
    data = make_data()
    version = make_approved(data=data)
    find(version, title="Of the version")
    find(version.model, title="Of the model")
    find(data, title="Of the data")
    client = client_of(officer)
    on_version = client.get(f"/versions/{version.pk}/").content.decode()
    assert all(f"Of the {what}" in on_version for what in ("version", "model", "data"))
    assert "Of the model" in client.get(version.model.get_absolute_url()).content.decode()
    assert "Of the data" in client.get(data.get_absolute_url()).content.decode()


# -- at once -----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_critical_finding_and_the_last_signature_at_once_leave_no_approval(
    race: Any, make_review: Any, find: Any, sign: Any
) -> None:
    review = make_review()
    sign(review, "validator")
    for outcome in race(lambda: sign(review, "compliance_officer"), lambda: find(again(review.version), "critical")):
        assert outcome is None or isinstance(outcome, DomainError | Finding) or outcome.verdict == "approve", outcome
    assert again(review.version).state in {"suspended", "in_review"}
    assert not approval_of(again(review.version), "production").holds


@pytest.mark.django_db(transaction=True)
def test_two_findings_of_one_reference_at_once_are_one(race: Any, make_approved: Any, find: Any) -> None:
    version = make_approved()
    outcomes = race(*[lambda: find(version, reference="X-1")] * 3)
    assert sorted(type(one).__name__ for one in outcomes) == ["Finding", "WrongState", "WrongState"], outcomes
