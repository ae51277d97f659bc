"""Every event says in the trail what happened: one sentence without a full stop, an icon that exists, a tone."""

from __future__ import annotations

import string
from dataclasses import fields
from typing import Any

import pytest
from django.utils.module_loading import autodiscover_modules
from lucide import IconDoesNotExist
from lucide.templatetags.lucide import lucide  # as the pages do

from ledger.events import Event, registered
from ledger.models import Entry
from ledger.sentences import look_of, sentence_of

OURS = {"thing", "job"}  # the tests' own
autodiscover_modules("events")  # a context may not have needed its events yet
SHAPES = [(name, shape) for name, _version, shape in registered() if name.partition(".")[0] not in OURS]


def sentences(shape: type[Event]) -> list[str]:
    """All that a class can say: where it chooses, what it answers to the values that it tells apart."""
    names = [field.name for field in fields(shape)]
    told = [dict.fromkeys(names, value) for value in (None, "", "x", True, False, "fired", "quiet")]
    return [str(shape.saying(data)) for data in told]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=[name for name, _shape in SHAPES])
def test_every_event_says_itself_with_its_own_fields_an_icon_and_a_tone(name: str, shape: type[Event]) -> None:
    known = {field.name: "x" for field in fields(shape)}
    for sentence in sentences(shape):
        assert sentence, f"{name} says nothing"
        assert sentence % known  # a misspelt field is a KeyError
        assert sentence[0] in string.ascii_uppercase + "%"  # or begins with what was recorded
        assert not sentence.endswith(".")
    icon, tone = shape.look
    assert icon != "dot", f"{name} has no look"
    try:
        lucide(icon)
    except IconDoesNotExist:
        pytest.fail(f"There is no icon {icon}.")
    assert tone in {"ok", "bad", "warn", "info", "idle"}


def entry(kind: str, data: dict[str, Any], version: int = 1) -> Entry:
    import json  # noqa: PLC0415 - only here

    return Entry(type=kind, body=json.dumps({"v": version, "data": data}).encode())


def test_a_class_chooses_its_sentence_by_what_was_recorded() -> None:
    told = {"environment": "production", "checkpoint": "", "reasons": []}
    assert sentence_of(entry("gate.answered", told | {"allowed": True})) == "The gate, asked for production, answered: allowed"
    assert (
        sentence_of(entry("gate.answered", told | {"allowed": False})) == "The gate, asked for production, answered: not allowed"
    )


def test_what_was_recorded_before_a_field_existed_still_has_its_sentence() -> None:
    assert "submitted with checkpoint c" in sentence_of(entry("version.submitted", {"checkpoint": "c"}))


def test_a_long_value_is_cut_between_words_and_a_long_word_anywhere() -> None:
    said = sentence_of(entry("attempt.refused", {"reason": "word " * 60}))
    assert said.endswith(" word…")
    assert len(said) < 175
    assert len(sentence_of(entry("attempt.refused", {"reason": "x" * 5000}))) < 175


def test_a_day_is_told_as_people_write_it() -> None:
    assert sentence_of(entry("attempt.refused", {"reason": "2026-12-30"})).endswith("30 Dec 2026")
    assert sentence_of(entry("attempt.refused", {"reason": "2026-13-30"})).endswith("2026-13-30")


def test_a_type_that_is_no_longer_known_is_named_and_quiet() -> None:
    lost = entry("some_thing.lost", {}, version=9)
    assert sentence_of(lost) == "some thing lost"
    assert look_of(lost) == ("dot", "idle")
