"""Provenance by the Data Provenance Standards 1.0.0: what is missing or ill-formed is named, element by element."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput
from data_registry.provenance import CODES, ELEMENTS, LABELS, REQUIRED, require_complete


def elements_of(provenance) -> list[str]:
    with pytest.raises(InvalidInput) as refusal:
        require_complete(provenance)
    return [problem["element"] for problem in refusal.value.facts["elements"]]


def test_complete_provenance_is_accepted(provenance):
    require_complete(provenance)


@pytest.mark.parametrize("path", REQUIRED)
@pytest.mark.parametrize("empty", [None, "", [], {}, "removed"])
def test_each_required_element_is_named_when_it_is_missing(provenance, path, empty):
    group, name = path.split(".")
    if empty == "removed":
        del provenance[group][name]
    else:
        provenance[group][name] = empty
    assert elements_of(provenance) == [path]


def test_all_that_is_missing_is_named_at_once():
    with pytest.raises(InvalidInput, match=r"source\.title is missing\. source\.issuer is missing\.") as refusal:
        require_complete({})
    assert [problem["element"] for problem in refusal.value.facts["elements"]] == list(REQUIRED)
    assert refusal.value.code == "provenance"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("source.title", 3, "must be text"),
        ("source.issuer", {"name": "x"}, "must be a list"),
        ("source.issuer", [{"title": "x"}], "must name an organization"),
        ("source.location", "not an address", "must be an address"),
        ("provenance.origin-geography", [{"country": "Korea"}], "ISO 3166"),
        ("provenance.origin-geography", ["KR"], "ISO 3166"),
        ("provenance.date", "31.1.2026", "must be a date"),
        ("provenance.date", 20260131, "must be a date"),
        ("provenance.generation-method", [{"code": "by-hand"}], "Method list"),
        ("provenance.generation-method", [{"code": ["other-na"]}], "Method list"),
        ("provenance.generation-period", {"start": "2026-01-01"}, "must be a period"),
        ("provenance.format", ["csv"], "must be a media type"),
        ("use.intended-purpose", [{"code": "ai-evaluation"}], "must say in a description"),
        ("use.intended-purpose", [{"code": "fun", "description": "x"}], "Use list"),
        ("use.license", [""], "must be text"),
        ("use.classification", [{"regulation": "pii"}], "whether it was evaluated"),
        ("use.classification", [{"regulation": "gdpr", "evaluated": True}], "Regulations list"),
        ("use.privacy-enhancing", [{"tool-category": "magic"}], "PET list"),
        ("use.purpose", "x", "is not an element of the standard"),
    ],
)
def test_an_ill_formed_element_is_named_with_what_is_expected(provenance, path, value, sentence):
    group, name = path.split(".")
    provenance[group][name] = value
    with pytest.raises(InvalidInput, match=sentence):
        require_complete(provenance)
    assert elements_of(provenance) == [path]


@pytest.mark.parametrize("given", [None, "text", [], 3, {"source": []}, {"source": "x"}])
def test_what_is_no_provenance_at_all_is_refused_in_words(given):
    with pytest.raises(InvalidInput):
        require_complete(given)


def test_unknown_groups_are_named(provenance):
    provenance["sources"] = {}
    assert elements_of(provenance) == ["sources"]


def test_codes_stand_as_the_standard_prints_them(provenance):
    assert "soensor-and-iot-output-vehicle-transportation" in CODES["Method"]["codes"]  # misspelt in the standard
    assert CODES["Regulations"]["uri"] == "https://dataandtrustalliance.org/DSP/CodeSystem/Regulations"  # DSP, as printed
    assert "CC BY-SA 4.0" in CODES["attribution"]
    assert {system: len(CODES[system]["codes"]) for system in ("Method", "Use", "PET", "Regulations")} == {
        "Method": 56, "Use": 9, "PET": 14, "Regulations": 6,
    }  # fmt: skip
    provenance["provenance"]["generation-method"] = [{"code": "soensor-and-iot-output-vehicle-transportation"}]
    require_complete(provenance)


def test_every_optional_element_can_be_given(provenance):
    provenance["source"] |= {"version": "1", "id": "urn:x:1", "location": "https://example.org/d", "description": "Digits."}
    provenance["provenance"] |= {
        "source": "https://example.org/meta",
        "origin": {"name": "UCI"},
        "previous-date": "2025-01-31",
        "generation-period": {"start": "1996-01-01", "end": "1998-07-01"},
        "sub-provenance": [{"source": "x"}],
    }
    provenance["use"] |= {
        "classification": [{"regulation": {"code": "pii"}, "evaluated": True, "tool": "by eye"}],
        "consents": ["https://example.org/consent"],
        "privacy-enhancing": [{"tool-category": {"code": "pseudonymization"}}],
        "processing-included": [{"country": "KR"}], "processing-excluded": [{"country": "US", "state": "US-CA"}],
        "storage-allowed": [{"country": "KR"}], "storage-forbidden": [{"country": "USA"}],
        "copyright": ["no"], "patent": ["no"], "trademark": ["no"],
    }  # fmt: skip
    require_complete(provenance)
    given = {f"{group}.{name}" for group, part in provenance.items() for name in part}
    assert given == {f"{group}.{name}" for group, part in ELEMENTS.items() for name in part}


@pytest.mark.parametrize("text", ["nul\x00", "lone \ud800 half"])
def test_what_the_database_cannot_hold_is_refused(provenance, text):
    provenance["source"]["title"] = text
    with pytest.raises(InvalidInput, match="cannot be stored"):
        require_complete(provenance)


def test_provenance_is_bounded(provenance):
    provenance["source"]["description"] = "x" * 65_536
    with pytest.raises(InvalidInput, match="at most 65536 are kept"):
        require_complete(provenance)
    deep: dict = {}
    provenance["provenance"]["sub-provenance"] = [deep]
    for _ in range(5_000):
        deep["x"] = deep = {}
    with pytest.raises(InvalidInput, match="levels deep"):
        require_complete(provenance)


def test_every_element_of_the_standard_has_a_label():
    assert set(LABELS) == {f"{group}.{name}" for group, elements in ELEMENTS.items() for name in elements}
