"""Registering data: what happens, what is told of it, what is refused, and that it then stands for ever."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError

from core import blobs
from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry import services
from data_registry.models import Dataset, DatasetVersion, Link, PiiFinding, Profile
from ledger.models import Event
from tests.data_registry.conftest import COMPLETE, TABLE

DIGEST = "sha256:" + hashlib.sha256(TABLE).hexdigest()


def test_a_dataset_is_registered_in_a_team(scientist, team, story):
    dataset = services.register_dataset(team, by=scientist, name="  digits ", description="Handwritten.")
    assert (dataset.name, dataset.team, dataset.created_by) == ("digits", team, scientist)
    assert story() == ["dataset.registered"]


def test_a_name_is_taken_once_in_a_team(scientist, team, make_team, make_person, story):
    services.register_dataset(team, by=scientist, name="digits")
    with pytest.raises(InvalidInput, match="already has a dataset named “digits”") as refusal:
        services.register_dataset(team, by=scientist, name="digits")
    assert refusal.value.code == "name_taken"
    assert story() == ["dataset.registered"]
    other = make_team("speech")
    assert services.register_dataset(other, by=make_person("Kim", ("data_scientist", other)), name="digits").team == other


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "nul\x00"])
def test_a_dataset_needs_a_name_that_can_be_kept(scientist, team, name, story):
    with pytest.raises(InvalidInput):
        services.register_dataset(team, by=scientist, name=name)
    assert story() == []


def test_who_does_not_keep_data_is_refused_and_the_attempt_is_recorded(auditor, team, story):
    with pytest.raises(NotAllowed, match="Only a data scientist or a validator of the team"):
        services.register_dataset(team, by=auditor, name="digits")
    assert not Dataset.objects.exists()
    assert story() == ["attempt.refused"]


def test_versions_are_numbered_and_begin_as_drafts(make_dataset, scientist, provenance, story):
    dataset = make_dataset()
    first, second = (services.draft_version(dataset, by=scientist, provenance=provenance, format="csv") for _ in range(2))
    assert [str(first), str(second)] == ["annotators v1", "annotators v2"]
    assert (first.state, first.digest, first.size) == ("draft", "", None)
    assert story() == ["dataset.registered", "dataset_version.drafted", "dataset_version.drafted"]


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        ({"format": "pickle"}, "pickle is not a known format"),
        ({"rows": -1}, "number of rows"),
        ({"rows": 2**60}, "number of rows"),
        ({"media_type": "text/\x00"}, "cannot be stored"),
        ({"columns": [{"dtype": "string"}]}, "Column 1 needs a name"),
        ({"columns": [{"name": "a"}, {"name": "a"}]}, "“a” is declared twice"),
        ({"columns": [{"name": "a", "category": "secret"}]}, "secret is not a category"),
        ({"columns": [{"name": "a", "present": "yes"}]}, "needs a category"),
        ({"columns": [{"name": "a", "category": "contact", "present": "maybe"}]}, "yes, no or unknown"),
        ({"columns": [{"name": "a", "size": "3"}]}, "must be an object"),
        ({"columns": [{"name": 3}]}, "must be an object"),
        ({"columns": ["a"]}, "must be an object"),
        ({"columns": [{"name": str(place)} for place in range(2_001)]}, "at most 2000"),
        ({"provenance": {}}, "source.title is missing"),
    ],
)
def test_a_draft_that_cannot_stand_is_refused_with_the_reason(make_dataset, scientist, described, sentence, story):
    dataset = make_dataset()
    with pytest.raises(InvalidInput, match=sentence):
        services.draft_version(dataset, by=scientist, **{"provenance": COMPLETE, "format": "csv"} | described)
    assert not DatasetVersion.objects.exists()
    assert story() == ["dataset.registered"]


def test_content_is_received_as_a_stream_and_named_by_its_digest(make_draft, scientist, story):
    version = make_draft(content=None)
    services.receive_content(version, by=scientist, chunks=iter([TABLE[:10], TABLE[10:]]), expected=DIGEST)
    version.refresh_from_db()
    assert (version.state, version.digest, version.size) == ("draft", DIGEST, len(TABLE))
    assert blobs.read(version.digest) == TABLE
    assert story()[-1] == "dataset_version.content_received"


def test_a_drafts_content_can_be_sent_again(make_draft, scientist):
    version = make_draft()
    services.receive_content(version, by=scientist, chunks=[b"name\nAda\n"])
    version.refresh_from_db()
    assert version.size == 9


@pytest.fixture
def empty_draft(make_draft, settings):
    settings.UPLOAD_LIMIT = 100
    return make_draft(content=None)


@pytest.mark.parametrize(
    ("chunks", "expected", "code"),
    [
        ([], None, "empty"),
        ([b"", b""], None, "empty"),
        ([TABLE], "sha256:" + 64 * "0", "digest_mismatch"),
        ([b"x" * 101], None, "too_large"),
        ([b"x" * 60, b"x" * 60], None, "too_large"),
    ],
)
def test_empty_altered_and_oversized_content_is_refused(empty_draft, data_dir, chunks, expected, code):
    with pytest.raises(InvalidInput) as refusal:
        services.receive_content(empty_draft, by=empty_draft.created_by, chunks=chunks, expected=expected)
    empty_draft.refresh_from_db()
    assert (refusal.value.code, empty_draft.digest) == (code, "")
    assert not Event.objects.filter(type="dataset_version.content_received").exists()
    assert not list((data_dir / "incoming").glob("*"))


def test_a_refusal_comes_before_the_first_byte_is_read(make_draft, auditor, story):
    version = make_draft(content=None)

    def body():
        raise AssertionError("read")
        yield b""

    with pytest.raises(NotAllowed):
        services.receive_content(version, by=auditor, chunks=body())
    assert story()[-1] == "attempt.refused"


def test_registration_fixes_the_version_and_queues_its_profile(make_draft, scientist, story):
    version = make_draft(columns=[{"name": "email", "dtype": "string", "category": "contact"}, {"name": "images"}])
    services.register_version(version, by=scientist, digest=DIGEST)
    version.refresh_from_db()
    assert version.state == "registered"
    assert version.profile.state == "queued"
    finding = version.pii_findings.get()
    assert (finding.column, finding.category, finding.present, finding.basis) == ("email", "contact", "yes", "declared")
    assert story() == [
        "dataset.registered",
        "dataset_version.drafted",
        "dataset_version.content_received",
        "dataset_version.registered",
        "pii_finding.recorded",
        "profile.queued",
    ]


def test_the_event_names_content_and_facts_by_digest(make_registered):
    version = make_registered()
    told = Event.objects.about(version).get(type="dataset_version.registered").data
    assert told == {"digest": DIGEST, "facts_digest": version.facts_digest}
    version.provenance["source"]["title"] = "Other"
    assert told["facts_digest"] != version.facts_digest


def test_nothing_reads_other_formats_so_no_profile_is_queued(make_registered, story):
    version = make_registered(format="other")
    assert not Profile.objects.filter(dataset_version=version).exists()
    assert "profile.queued" not in story()


def test_a_version_without_content_is_not_registered(make_draft, scientist, story):
    version = make_draft(content=None)
    with pytest.raises(WrongState, match="no content yet"):
        services.register_version(version, by=scientist)
    assert story()[-1] == "dataset_version.drafted"


def test_other_content_than_meant_is_not_registered(make_draft, scientist):
    version = make_draft()
    with pytest.raises(WrongState, match="look again before you register"):
        services.register_version(version, by=scientist, digest="sha256:" + 64 * "0")
    assert DatasetVersion.objects.get().state == "draft"


def test_a_registered_version_takes_no_other_content(make_registered, scientist, story):
    version = make_registered()
    before = story()
    for change in (
        lambda: services.receive_content(version, by=scientist, chunks=[b"other"]),
        lambda: services.register_version(version, by=scientist),
    ):
        with pytest.raises(WrongState, match="annotators v1 is registered and never changes: correct it by a new version"):
            change()
    version.refresh_from_db()
    assert (version.digest, story()) == (DIGEST, before)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE data_registry_datasetversion SET digest = 'sha256:0'",
        "UPDATE data_registry_datasetversion SET provenance = '{}'",
        "UPDATE data_registry_datasetversion SET state = 'draft'",
        "DELETE FROM data_registry_datasetversion",
        "TRUNCATE data_registry_datasetversion CASCADE",
        "UPDATE data_registry_piifinding SET present = 'no'",
        "DELETE FROM data_registry_piifinding",
        "UPDATE data_registry_link SET kind = 'split_from'",
        "DELETE FROM data_registry_link",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_registered(make_registered, scientist, statement):
    annotators = make_registered("annotators", columns=[{"name": "email", "category": "contact"}])
    digits = make_registered("digits")
    services.link_versions(digits, by=scientist, kind="labelled_by", to_version=annotators)
    refused = pytest.raises((InternalError, IntegrityError), match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE fails for what this transaction has pending
        cursor.execute(statement)
    assert (PiiFinding.objects.get().present, Link.objects.get().kind) == ("yes", "labelled_by")


def test_a_registered_version_without_content_cannot_be_written(make_draft):
    version = make_draft(content=None)
    with pytest.raises(IntegrityError, match="registered_dataset_version_has_content"), transaction.atomic():
        DatasetVersion.objects.filter(pk=version.pk).update(state="registered")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_register_at_once_one_wins(make_draft, scientist, story):
    version = make_draft()

    def register(_: int) -> str:
        try:
            services.register_version(DatasetVersion.objects.get(pk=version.pk), by=scientist)
            return "registered"
        except WrongState:
            return "too late"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(register, range(4))) == ["registered", "too late", "too late", "too late"]
    assert story().count("dataset_version.registered") == 1
    assert Profile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_drafts_made_at_once_get_different_numbers(make_dataset, scientist):
    dataset = make_dataset()

    def draft(_: int) -> int:
        try:
            return services.draft_version(dataset, by=scientist, provenance=COMPLETE, format="csv").number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(draft, range(4))) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_what_is_registered_is_what_was_looked_at(make_draft, scientist, monkeypatch):
    """Other content arrives between the look at the draft and its registration: it waits, and then comes too late."""
    version, outcome = make_draft(), []

    def send() -> None:
        try:
            services.receive_content(DatasetVersion.objects.get(pk=version.pk), by=scientist, chunks=[b"other"])
        except WrongState:
            outcome.append("too late")
        finally:
            connection.close()

    sender = Thread(target=send)

    def meanwhile(_provenance: object) -> None:
        sender.start()
        sender.join(timeout=1)  # long enough to get in, were the draft not locked

    monkeypatch.setattr("data_registry.services.datasets.require_complete", meanwhile)
    services.register_version(version, by=scientist)
    sender.join()
    told = Event.objects.about(version).get(type="dataset_version.registered").data
    assert (outcome, DatasetVersion.objects.get().digest, told["digest"]) == (["too late"], DIGEST, DIGEST)


@pytest.mark.django_db(transaction=True)
def test_content_that_arrives_during_registration_does_not_slip_in(make_draft, scientist):
    version = make_draft()

    def body():
        yield b"name\n"
        services.register_version(DatasetVersion.objects.get(pk=version.pk), by=scientist)
        yield b"Mallory\n"

    with pytest.raises(WrongState, match="registered and never changes"):
        services.receive_content(version, by=scientist, chunks=body())
    assert DatasetVersion.objects.get().digest == DIGEST


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200b", "\x07", "\n", "\u061c"])
def test_a_name_holds_nothing_that_nobody_sees(team, scientist, mark):
    """Turned around by a mark, "digits (contact)" in a sentence about personal data could read as something else."""
    with pytest.raises(InvalidInput, match=r"a character that nobody sees \(U\+"):
        services.register_dataset(team, by=scientist, name=f"digits{mark}train")
    assert services.register_dataset(team, by=scientist, name="숫자 – données (α)").name == "숫자 – données (α)"
