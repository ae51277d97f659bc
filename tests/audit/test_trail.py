"""The trail: who sees what of it, in words, filtered, and taken away with its proofs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from audit import jobs, services
from audit.models import IntegrityCheck
from audit.trail import entries_for
from audit.visibility import may_read_private
from core.errors import NotAllowed
from ledger import protection
from ledger.actors import CLOCK
from ledger.merkle import hash_leaf, root_from_inclusion
from ledger.models import Event
from ledger.notes import open_note, read_head, read_vkey
from ledger.services import erase_person, sequence_and_seal
from ledger.signer import verifier_key
from ledger.visibility import entries_seen_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(approved: Any) -> Any:
    """The approved version's past, in a sealed log."""
    sequence_and_seal()
    return approved


def index_of(event_type: str, **more: Any) -> int:
    return Event.objects.filter(type=event_type, **more).order_by("leaf__index").first().leaf.index


# -- sight -----------------------------------------------------------------------------------------------------------------


def test_an_auditor_of_the_whole_site_sees_everything(logged: Any, auditor: Any) -> None:
    assert set(entries_seen_by(auditor)) == set(Event.objects.all())


def test_people_of_a_team_see_what_is_about_its_content(logged: Any, validator: Any, make_team: Any) -> None:
    seen = set(entries_seen_by(validator).values_list("type", flat=True))
    assert seen >= {"version.submitted", "review.opened", "sign_off.given", "dataset_version.registered", "evaluation.completed"}
    assert "policy.published" in seen
    assert not seen & {"person.made", "role.granted", "team.made"}


def test_people_elsewhere_see_nothing_of_it(logged: Any, make_person: Any, make_team: Any, stranger: Any) -> None:
    elsewhere = make_person("Ellis", ("validator", make_team("elsewhere")), ("auditor", make_team("third")))
    assert set(entries_seen_by(elsewhere).values_list("subject_type", flat=True)) == {"policy"}
    assert not entries_seen_by(stranger).exists()


def test_an_administrator_sees_what_is_about_people_and_no_content(logged: Any, admin: Any) -> None:
    from accounts.services import make_person as make  # noqa: PLC0415 - recorded, unlike the cast

    make(by=admin, email="new@example.org", name="New Person", password="correct horse battery staple")
    kinds = set(entries_seen_by(admin).values_list("subject_type", flat=True))
    assert kinds == {"person"}


def test_everybody_sees_what_they_did_themselves(logged: Any, make_person: Any, team: Any, sign: Any) -> None:
    from accounts.models import Membership  # noqa: PLC0415 - only here

    signer = Event.objects.filter(type="sign_off.given").first()
    assert signer is not None
    from accounts.models import Person  # noqa: PLC0415 - only here

    person = Person.objects.get(pk=signer.actor_id)
    Membership.objects.filter(person=person).delete()  # left the team since
    person.forget_roles()
    assert set(entries_seen_by(person).exclude(actor_id=str(person.pk)).values_list("subject_type", flat=True)) <= {"person"}
    assert signer in entries_seen_by(person)


def test_the_page_of_an_entry_is_open_to_those_who_see_it(logged: Any, client_of: Any, validator: Any, stranger: Any) -> None:
    index = index_of("version.submitted")
    assert client_of(validator).get(f"/trail/{index}/").status_code == 200
    assert client_of(validator).get(f"/trail/{index}/proof/").status_code == 200
    for page in (f"/trail/{index}/", f"/trail/{index}/proof/", "/trail/99999/"):
        assert client_of(stranger).get(page).status_code == 404
    assert client_of(None).get("/trail/").status_code == 302
    assert b"No entry yet that you may see" in client_of(stranger).get("/trail/").content


# -- private values --------------------------------------------------------------------------------------------------------


def test_names_and_comments_of_a_teams_content_are_shown_to_the_team(logged: Any, client_of: Any, scientist: Any) -> None:
    page = client_of(scientist).get(f"/trail/{index_of('sign_off.given')}/").content.decode()
    assert "Vera Validator" in page
    assert "Read as validator." in page


def test_an_administrator_reads_no_private_value(admin: Any, auditor: Any, client_of: Any, db: None) -> None:
    from accounts.services import make_person as make  # noqa: PLC0415 - recorded, unlike the cast
    from ledger.actors import INSTALLER  # noqa: PLC0415 - as above

    made = make(by=INSTALLER, email="new@example.org", name="New Person", password="correct horse battery staple")
    sequence_and_seal()
    index = index_of("person.made")
    page = client_of(admin).get(f"/trail/{index}/").content.decode()
    assert "withheld from you" in page
    assert "new@example.org" not in page
    page = client_of(auditor).get(f"/trail/{index}/").content.decode()
    assert "new@example.org" in page
    assert not may_read_private(admin, Event.objects.get(type="person.made"))
    assert made.name == "New Person"


def test_an_erased_value_is_said_to_be_erased(logged: Any, client_of: Any, auditor: Any, validator: Any, admin: Any) -> None:
    erase_person(str(validator.pk), admin)
    validator.name = ""
    validator.save()
    page = client_of(auditor).get(f"/trail/{index_of('sign_off.given')}/").content.decode()
    assert "Vera Validator" not in page
    assert "Read as validator." not in page
    assert page.count("stands for nothing any more") == 2


# -- lists -----------------------------------------------------------------------------------------------------------------


def shown(page: Any) -> list[str]:
    return [line.entry.type for line in page.context["lines"]]


def test_filters_narrow_the_trail_and_stand_above_it_as_chips(logged: Any, client_of: Any, auditor: Any, validator: Any) -> None:
    client = client_of(auditor)
    everything = shown(client.get("/trail/"))
    assert everything[0] == Event.objects.order_by("-leaf__index").first().type
    assert set(shown(client.get(f"/trail/?actor={validator.pk}"))) == {"sign_off.given"}
    assert set(shown(client.get("/trail/?actor=worker"))) <= {"inspection.started", "inspection.completed"} | set(everything)
    assert set(shown(client.get("/trail/?type=sign_off.given"))) == {"sign_off.given"}
    assert set(shown(client.get("/trail/?type=version."))) == {one for one in everything if one.startswith("version.")}
    about_model = set(shown(client.get(f"/trail/?model={logged.model_id}")))
    assert about_model >= {"model.registered", "version.submitted", "review.opened", "evaluation.completed"}
    assert "dataset_version.registered" not in about_model
    assert shown(client.get("/trail/?since=2999-01-01")) == []
    assert shown(client.get("/trail/?until=2999-01-01")) == everything
    about = shown(client.get(f"/trail/?about=version:{logged.pk}"))
    assert set(about) == {one for one in everything if one.startswith("version.")} | {"card.revised"}
    page = client.get(f"/trail/?type=sign_off.given&actor={validator.pk}&after=99999")
    assert [(chip["label"], chip["value"], chip["href"]) for chip in page.context["chips"]] == [
        ("Who", "Vera Validator", "?type=sign_off.given"),
        ("What happened", "Sign off: given", f"?actor={validator.pk}"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        *("type=nonsense", "actor=nonsense", "model=nonsense", "model=%00", "since=nonsense", "about=version", "about=x:y"),
        *("about=version:nonsense", "after=nonsense", "before=-1", "after=" + "9" * 40, "type=%00", "since=0000-00-00"),
    ],
)
def test_a_filter_that_cannot_be_read_is_left_out(query: str, logged: Any, client_of: Any, auditor: Any) -> None:
    page = client_of(auditor).get(f"/trail/?{query}")
    assert page.status_code == 200
    assert page.context["chips"] == []


def test_filters_show_nobody_more_than_they_see(logged: Any, client_of: Any, stranger: Any, validator: Any) -> None:
    for query in ("", f"?actor={validator.pk}", f"?about=version:{logged.pk}", f"?model={logged.model_id}"):
        assert shown(client_of(stranger).get(f"/trail/{query}")) == []


def test_the_trail_costs_the_same_for_few_entries_and_for_many(
    logged: Any, make_review: Any, client_of: Any, auditor: Any, validator: Any
) -> None:
    """A page costs one query for each kind of subject on it, whatever the number of entries."""
    for person in (auditor, validator):
        client = client_of(person)
        client.get("/trail/")
        with CaptureQueriesContext(connection) as few:
            before = len(shown(client.get("/trail/")))
        for _ in range(2):
            make_review()
        sequence_and_seal()
        with CaptureQueriesContext(connection) as many:
            assert len(shown(client.get("/trail/"))) > min(before, 49)
        assert len(many) <= len(few)


# -- proofs ----------------------------------------------------------------------------------------------------------------


def head_of(note: str) -> Any:
    name, public = read_vkey(verifier_key())
    return read_head(open_note(note, name=name, public=public))


def test_the_downloaded_proof_leads_to_the_seal(logged: Any, client_of: Any, auditor: Any) -> None:
    entry = Event.objects.get(type="version.approved")
    answer = client_of(auditor).get(f"/trail/{entry.leaf.index}/proof/")
    assert answer["Content-Disposition"] == f'attachment; filename="entry-{entry.leaf.index}.tlog-proof"'
    first, index, *rest = answer.content.decode().split("\n")
    assert (first, index) == ("c2sp.org/tlog-proof@v1", f"index {entry.leaf.index}")
    hashes, note = rest[: rest.index("")], "\n".join(rest[rest.index("") + 1 :])
    head = head_of(note)
    nodes = [base64.b64decode(one) for one in hashes]
    assert root_from_inclusion(hash_leaf(bytes(entry.body)), entry.leaf.index, head.size, nodes) == head.root


def test_an_auditor_takes_the_filtered_entries_away_with_their_proofs(logged: Any, client_of: Any, auditor: Any) -> None:
    answer = client_of(auditor).get("/trail/export/?type=sign_off.given")
    head, *lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert (head["format"], head["entries"], head["complete"]) == ("countersign-trail/1", 3, True)
    assert head["filters"] == {"type": "sign_off.given"}
    sealed = head_of(head["seal"])
    assert len(lines) == 3
    for line in lines:
        nodes = [base64.b64decode(one) for one in line["proof"]]
        assert root_from_inclusion(hash_leaf(line["body"].encode()), line["index"], sealed.size, nodes) == sealed.root
        assert json.loads(line["body"])["type"] == "sign_off.given"
    assert [line["index"] for line in lines] == sorted(line["index"] for line in lines)


def test_a_long_export_says_that_it_is_not_complete(
    logged: Any, client_of: Any, auditor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit import trail  # noqa: PLC0415 - patched here

    monkeypatch.setattr(trail, "MOST_EXPORTED", 5)
    monkeypatch.setattr(trail, "CHUNK", 2)
    head, *lines = b"".join(client_of(auditor).get("/trail/export/").streaming_content).splitlines()
    assert len(lines) == 5
    assert not json.loads(head)["complete"]


def test_only_auditors_take_entries_away_and_only_what_they_see(
    logged: Any, client_of: Any, officer: Any, make_person: Any, make_team: Any
) -> None:
    refused = client_of(officer).get("/trail/export/")
    assert refused.status_code == 403
    assert b"Only auditors" in refused.content
    elsewhere = make_person("Ellis", ("auditor", make_team("elsewhere")))
    lines = b"".join(client_of(elsewhere).get("/trail/export/").streaming_content).splitlines()[1:]
    assert {json.loads(json.loads(line)["body"])["on"]["type"] for line in lines} == {"policy"}


# -- integrity -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "send_check", lambda check: None)


def test_the_whole_log_is_recomputed_and_the_trail_says_so(
    logged: Any, auditor: Any, client_of: Any, no_messages: None, story: Any
) -> None:
    before = len(story())
    client = client_of(auditor)
    assert b"has not been recomputed yet" in client.get("/trail/").content
    assert client.post("/trail/check/").status_code == 303
    check = IntegrityCheck.objects.get()
    assert b"A worker is recomputing it now" in client.get("/trail/").content
    jobs.check_log(check)
    jobs.check_log(check)  # the message is delivered again
    check.refresh_from_db()
    assert (check.state, check.holds) == ("completed", True)
    assert story()[before:] == ["integrity_check.requested", "integrity_check.started", "integrity_check.completed"]
    assert f"The log holds: {check.size} entries were recomputed.".encode() in client.get("/trail/").content


def test_damage_is_named_above_the_trail(logged: Any, auditor: Any, client_of: Any, no_messages: None) -> None:
    damaged = Event.objects.get(type="version.approved")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with protection.suspended():
            cursor.execute("UPDATE ledger_event SET body = body || ' '::bytea WHERE id = %s", [damaged.pk])
    check = services.request_check(by=auditor)
    jobs.check_log(check)
    check.refresh_from_db()
    assert (check.state, check.holds, check.entry) == ("completed", False, damaged.leaf.index)
    page = client_of(auditor).get("/trail/").content.decode()
    assert "The log does not hold." in page
    assert f"/trail/{damaged.leaf.index}/" in page
    assert "The log holds" not in page


def test_a_check_that_comes_to_no_end_is_never_green(
    logged: Any, auditor: Any, client_of: Any, no_messages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import Unavailable  # noqa: PLC0415 - only here

    def fails() -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(jobs, "fsck", fails)
    jobs.check_log(services.request_check(by=auditor))
    page = client_of(auditor).get("/trail/").content
    assert b"came to no end" in page
    assert b"The log holds" not in page


def test_only_auditors_and_administrators_of_the_site_have_the_log_checked(
    logged: Any, client_of: Any, admin: Any, officer: Any, make_person: Any, team: Any, no_messages: None
) -> None:
    team_auditor = make_person("Tia", ("auditor", team))
    for person in (officer, team_auditor):
        with pytest.raises(NotAllowed):
            services.request_check(by=person)
        assert client_of(person).post("/trail/check/").status_code == 403
        assert b"Check the whole log now" not in client_of(person).get("/trail/").content
    assert client_of(admin).post("/trail/check/").status_code == 303
    assert client_of(admin).get("/trail/check/").status_code == 405


def test_the_clock_has_the_log_checked_once_a_day(logged: Any, frozen_clock: Any, no_messages: None, auditor: Any) -> None:
    services.check_when_due()
    services.check_when_due()
    assert IntegrityCheck.objects.count() == 1
    assert Event.objects.get(type="integrity_check.requested").actor_id == CLOCK.actor_id
    services.request_check(by=auditor)  # one is waiting already
    assert IntegrityCheck.objects.count() == 1
    jobs.check_log(IntegrityCheck.objects.get())
    frozen_clock.advance(hours=23)
    services.check_when_due()
    assert IntegrityCheck.objects.count() == 1
    frozen_clock.advance(hours=2)
    services.check_when_due()
    assert IntegrityCheck.objects.count() == 2


def test_a_young_log_is_checked_again_once_it_has_doubled(
    logged: Any, make_review: Any, frozen_clock: Any, no_messages: None
) -> None:
    services.check_when_due()
    jobs.check_log(IntegrityCheck.objects.get())
    IntegrityCheck.objects.update(size=10)  # as if it had been made early
    services.check_when_due()
    assert IntegrityCheck.objects.count() == 1  # not within the same minute
    frozen_clock.advance(minutes=2)
    services.check_when_due()
    assert IntegrityCheck.objects.count() == 2


def test_the_sweeper_rings_again_for_what_waits(
    approved: Any, ask: Any, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch, auditor: Any
) -> None:
    from audit import tasks  # noqa: PLC0415 - the edge

    rung: list[Any] = []
    monkeypatch.setattr(jobs, "send", lambda report: rung.append(report.pk))
    monkeypatch.setattr(jobs, "send_check", lambda check: rung.append(check.pk))
    report = ask(approved)
    check = services.request_check(by=auditor)
    frozen_clock.advance(minutes=5)
    tasks.sweep()
    assert set(rung) >= {report.pk, check.pk}


# -- the version's page ----------------------------------------------------------------------------------------------------


def test_a_versions_page_offers_the_report_to_those_who_may(approved: Any, client_of: Any, officer: Any, scientist: Any) -> None:
    assert b"Make report" in client_of(officer).get(f"/versions/{approved.pk}/").content
    assert b"Make report" not in client_of(scientist).get(f"/versions/{approved.pk}/").content


def test_reports_belong_to_a_versions_history(approved: Any, ask: Any, client_of: Any, officer: Any) -> None:
    ask(approved)
    sequence_and_seal()
    assert b"Report asked for" in client_of(officer).get(f"/versions/{approved.pk}/history/").content


def test_an_entrys_page_is_open_exactly_where_the_list_shows_it(logged: Any, validator: Any, client_of: Any) -> None:
    everything = entries_for(validator)
    assert everything.filter(~Q(subject_type="policy")).exists()
    client = client_of(validator)
    for index in range(Event.objects.count()):
        seen = everything.filter(leaf__index=index).exists()
        assert client.get(f"/trail/{index}/").status_code == (200 if seen else 404)
