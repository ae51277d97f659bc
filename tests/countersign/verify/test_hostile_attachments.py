"""Whatever the attachments, seals and trust files hold, the answer is clear and comes without a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.verify import Refused, Trust
from countersign.verify.canonical import parse_json
from countersign.verify.note import LogKey, parse_seal
from countersign.verify.trust import parse_trust
from tests.countersign.verify.conftest import bounded, examine
from tests.countersign.verify.maker import make_files, make_keys

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 20), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(place for key, each in inner for place in _places(each, (*path, key)))]
        if path
        else [place for key, each in inner for place in _places(each, (key,))]
    )


def _put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@bounded
@given(data=st.data())
def test_any_value_anywhere_in_what_a_site_records_leads_to_a_clear_answer(data: st.DataObject, trust: Trust) -> None:
    """The site itself writes nonsense, records it properly and seals it: no item may stumble over it."""

    def nonsense(draft: Any) -> None:
        _put(draft.content, data.draw(st.sampled_from(_places(draft.content))), data.draw(JSON))
        events = draft.log.events
        _put(events, data.draw(st.sampled_from([place for place in _places(events) if len(place) > 1])), data.draw(JSON))

    examine(make_files(nonsense), trust)


@bounded
@given(name=st.sampled_from(["seal.txt", "log-extract.jsonl", "disclosures.json", "report.json"]), data=st.data())
def test_attachments_cut_up_lead_to_a_clear_answer(name: str, data: st.DataObject, trust: Trust) -> None:
    files = make_files()
    content = files[name]
    begin, end = sorted((data.draw(st.integers(0, len(content))), data.draw(st.integers(0, len(content)))))
    files[name] = content[:begin] + data.draw(st.binary(max_size=10)) + content[end:]
    items = examine(files, trust)
    assert files[name] == content or "failed" in {item.status for item in items.values()}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '"' + "\\" * 100_001,
        '"' + '\\"' * 100_000,
        "1" * 100_000,
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        '{"a":1,"a":1}',
        "9007199254740992",
        "[1,]",
        "\ufeff{}",
        '"\n"',
        "",
    ],
)
def test_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_json(text.encode(), what="It")


def test_brackets_in_strings_are_no_nesting() -> None:
    text = "[{" * 1000 + '\\"'
    assert parse_json(json.dumps([text]).encode(), what="It") == [text]


@bounded
@given(st.binary(max_size=200))
def test_a_random_seal_is_refused(data: bytes) -> None:
    for note in (data, b"a\n1\n" + data, b"a\n1\n" + b"A" * 43 + b"=\n\n" + data):
        with pytest.raises(Refused):
            parse_seal(note)


@bounded
@given(st.text(max_size=60))
def test_a_random_key_or_trust_file_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        LogKey.from_vkey(text)
    with pytest.raises(Refused):
        parse_trust(text.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "other",
    [
        {"format": "countersign-trust/2"},
        {"origin": "elsewhere"},
        {"log_key": 5},
        {"report_certificate": "no certificate"},
        {"report_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"report_certificate_sha256": "0" * 64},
    ],
)
def test_a_trust_file_that_contradicts_itself_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        parse_trust(make_keys().trust(**other))
