"""The sandbox's evidence in words: what did not hold is never left out."""

from __future__ import annotations

from models_registry.sandbox_words import words_of


def test_what_the_child_could_not_do_is_said_in_words() -> None:
    words = words_of(
        {"level": "L3", "probes": {"write": "blocked", "secrets": "blocked", "network": "blocked", "fork": "blocked"}}
    )
    assert words is not None
    assert words.held == "network blocked · keys unreadable · new processes blocked · writing elsewhere blocked"
    assert (words.open, words.unchecked) == ("", "")


def test_a_probe_that_got_through_and_one_that_was_not_tried_stand_apart() -> None:
    words = words_of(
        {"level": "L1", "probes": {"network": "blocked", "secrets": "open", "write": "not checked", "novel": "open"}}
    )
    assert words is not None
    assert (words.held, words.open, words.unchecked) == ("network blocked", "keys readable · novel open", "write")


def test_without_evidence_nothing_is_claimed() -> None:
    assert words_of({}) is None and words_of(None) is None
