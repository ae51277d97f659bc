"""Findings about personal data: who may say what, and what takes a yes back."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput, NotAllowed
from data_registry import lineage, services
from data_registry.models import PiiFinding
from ledger.models import Event, PrivateValue


@pytest.fixture
def say(scientist, frozen_clock):
    """Each thing is said a second after the one before."""

    def record(version, present, *, by=None, **more):
        frozen_clock.advance(seconds=1)
        about = {"category": "contact", "column": "email"} | more
        return services.record_finding(version, by=by or scientist, present=present, **about)

    return record


def columns_flagged(version) -> list[str]:
    return [flag.column for flag in lineage.pii_of([version])]


def test_a_finding_is_recorded_and_told(make_registered, say, story):
    version = make_registered("digits")
    before = len(story())
    finding = say(version, "yes", note="seen by eye")
    assert (finding.present, finding.basis, finding.note, finding.matched) == ("yes", "declared", "seen by eye", None)
    assert story()[before:] == ["pii_finding.recorded"]
    assert columns_flagged(version) == ["email"]


def test_the_note_is_private_and_can_be_erased_while_the_finding_stands(make_registered, say):
    version = make_registered("digits")
    finding = say(version, "yes", note="Ask Kim Minsu")
    told = Event.objects.about(version).get(type="pii_finding.recorded")
    assert "Kim" not in told.body.decode()
    assert told.data["note"]["commitment"].startswith("sha256:")
    PrivateValue.objects.filter(event=told).delete()
    assert PiiFinding.objects.get(pk=finding.pk).note == ""
    assert columns_flagged(version) == ["email"]


def test_whoever_declared_yes_cannot_take_it_back(make_registered, say, other_scientist, officer):
    version = make_registered("digits")
    say(version, "yes")
    for person in (None, other_scientist, officer):
        say(version, "no", by=person)
        assert columns_flagged(version) == ["email"]


def test_a_review_by_data_protection_takes_a_yes_back(make_registered, say, dpo, story):
    version = make_registered("digits")
    say(version, "yes")
    say(version, "no", by=dpo, review=True, note="These are product numbers.")
    assert columns_flagged(version) == []
    assert story()[-1] == "pii_finding.recorded"


def test_a_review_speaks_for_its_column_and_category_only(make_registered, say, dpo):
    version = make_registered("digits")
    say(version, "yes")
    say(version, "yes", column="phone")
    say(version, "yes", category="health")
    say(version, "no", by=dpo, review=True, note="No addresses.")
    assert sorted((flag.column, flag.category) for flag in lineage.pii_of([version])) == [
        ("email", "health"),
        ("phone", "contact"),
    ]


def test_what_is_found_after_a_review_counts_again_and_the_last_review_counts(make_registered, say, dpo):
    version = make_registered("digits")
    say(version, "no", by=dpo, review=True, note="Looked at all of it.")
    say(version, "yes")
    assert columns_flagged(version) == ["email"]
    say(version, "no", by=dpo, review=True, note="Looked again.")
    assert columns_flagged(version) == []
    say(version, "yes", by=dpo, review=True, note="It is there after all.")
    assert columns_flagged(version) == ["email"]


def test_a_review_settles_what_was_unknown(make_registered, say, dpo):
    version = make_registered("digits")
    say(version, "unknown")
    assert len(lineage.assess([version]).unknown) == 1
    say(version, "no", by=dpo, review=True, note="Looked.")
    assert lineage.assess([version]).unknown == []


@pytest.mark.parametrize("part", ["scientist", "officer", "validator"])
def test_only_data_protection_reviews(make_registered, say, story, request, part):
    version = make_registered("digits")
    with pytest.raises(NotAllowed, match="Only a data protection officer may review"):
        say(version, "no", by=request.getfixturevalue(part), review=True, note="Trust me.")
    assert story()[-1] == "attempt.refused"
    assert not PiiFinding.objects.exists()


def test_a_review_says_what_it_rests_on(make_registered, say, dpo):
    with pytest.raises(InvalidInput, match="needs a note"):
        say(make_registered("digits"), "no", by=dpo, review=True, note="  ")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"category": "gossip"}, "gossip is not a category"),
        ({"column": "x" * 201}, "at most 200"),
        ({"note": "x" * 2_001}, "at most 2,000"),
        ({"column": "a\x00"}, "cannot be stored"),
        ({"note": "\ud800"}, "cannot be stored"),
    ],
)
def test_what_cannot_be_kept_is_refused(make_registered, say, more, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        say(make_registered("digits"), "yes", **more)


def test_present_is_yes_no_or_unknown(make_registered, say):
    with pytest.raises(InvalidInput, match="yes, no or unknown"):
        say(make_registered("digits"), "perhaps")


def test_the_same_thing_declared_and_found_is_one_flag(make_registered, say, dpo):
    version = make_registered(columns=[{"name": "email", "category": "contact"}])
    say(version, "yes", by=dpo, review=True, note="Confirmed.")
    (flag,) = lineage.pii_of([version])
    assert flag.bases == ("reviewed",)  # the review stands for what was said before
    say(version, "yes")
    assert [flag.bases for flag in lineage.pii_of([version])] == [("declared", "reviewed")]
