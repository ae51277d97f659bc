"""An attestation of the gate, checked offline: what is genuine and allows, and everything else refused in one sentence."""

from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from countersign.verify.attestation import Summary, read_summary
from countersign.verify.outcome import NotChecked, Refused
from countersign.verify.trust import Trust, parse_trust
from tests.countersign.verify.conftest import bounded
from tests.countersign.verify.maker import make_keys

SITE = "https://countersign.example"
DIGEST = "sha256:" + "ab" * 32
TYPE = "application/vnd.in-toto+json"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PREDICATE: dict[str, Any] = {
    "verifier": {"id": f"{SITE}/gate/v1"},
    "timeVerified": "2026-11-20T11:00:00.000000Z",
    "resourceUri": f"{SITE}/versions/1/",
    "policy": {"uri": f"{SITE}/policies/#high-1", "digest": {"sha256": "cd" * 32}},
    "inputAttestations": [],
    "verificationResult": "PASSED",
    "verifiedLevels": ["COUNTERSIGN_APPROVED_HIGH"],
    "slsaVersion": "1.2",
    f"{SITE}/ns/expires": "2026-11-20T15:00:00.000000Z",
    f"{SITE}/ns/environment": "production",
}
STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "model.pt", "digest": {"sha256": "ab" * 32}}],
    "predicateType": "https://slsa.dev/verification_summary/v1",
    "predicate": PREDICATE,
}


def pem(key: Ed25519PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def trust(**other: Any) -> Trust:
    return parse_trust(make_keys().trust(**({"attestation_key": pem(KEY)} | other)))


def signed(statement: Any, key: Ed25519PrivateKey = KEY, **envelope: Any) -> bytes:
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    signature = key.sign(b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload))
    made = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": TYPE,
        "signatures": [{"keyid": "any", "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(made | envelope).encode()


def with_predicate(**changed: Any) -> dict[str, Any]:
    return STATEMENT | {"predicate": PREDICATE | changed}


def read(data: bytes, **options: Any) -> Summary:
    asked = {"digest": DIGEST, "environment": "production", "now": NOW, "skew": timedelta(seconds=60)} | options
    return read_summary(data, asked.pop("trust", trust()), **asked)


def test_a_genuine_one_about_these_bytes_allows() -> None:
    found = read(signed(STATEMENT))
    assert (found.allowed, found.reasons, found.levels) == (True, [], ["COUNTERSIGN_APPROVED_HIGH"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (signed(STATEMENT, OTHER), "not signed with the attestation key"),
        (signed(STATEMENT, payloadType="text/plain"), "something else than a statement"),
        (signed(STATEMENT, payload=base64.b64encode(json.dumps(STATEMENT | {"x": 1}).encode()).decode()), "not signed with"),
        (signed(STATEMENT, signatures=[]), "1 to 8 signatures"),
        (signed(STATEMENT, signatures=[1]), "is no object"),
        (signed(STATEMENT, signatures=[{"sig": "!"}]), "not base64"),
        (signed(STATEMENT, signatures=[{"sig": "AAAA"}]), "not signed with"),
        (signed([]), "no in-toto Statement"),
        (signed(b'{"_type": 1, "_type": 2}'), "same name twice"),
        (signed(STATEMENT | {"_type": "https://in-toto.io/Statement/v0.1"}), "no in-toto Statement"),
        (signed(STATEMENT | {"predicateType": "https://slsa.dev/provenance/v1"}), "no SLSA verification summary"),
        (signed(STATEMENT | {"subject": []}), "exactly one file"),
        (signed(STATEMENT | {"subject": [{"digest": {"sha256": "AB" * 32}}]}), "no digest that is understood"),
        (signed(STATEMENT | {"subject": [{"digest": {"sha256": "00" * 32}}]}), "about other bytes"),
        (signed(STATEMENT | {"predicate": []}), "no predicate"),
        (signed(with_predicate(verifier={"id": "https://evil.example/gate/v1"})), "not given by the gate of"),
        (signed(with_predicate(verifier=None)), "does not say verifier.id"),
        (signed(with_predicate(resourceUri=f"{SITE}.evil.example/versions/1/")), "does not stand at"),
        (signed(with_predicate(verificationResult="passed")), "neither PASSED nor FAILED"),
        (signed(with_predicate(verifiedLevels="all")), "does not list the levels"),
        (signed(with_predicate(**{f"{SITE}/ns/expires": "tomorrow"})), "a time that is none"),
        (signed(with_predicate(**{f"{SITE}/ns/expires": "2026-13-20T15:00:00Z"})), "a time that is none"),
        (signed(with_predicate(**{f"{SITE}/ns/expires": None})), "does not say expires"),
        (signed(with_predicate(**{f"{SITE}/ns/environment": ""})), "does not say environment"),
        (b"", "is not JSON"),
        (b"[" * 100_000, "nested"),
        (b"\xff", "not UTF-8"),
        (b" " * (1 << 21), "too large"),
    ],
)
def test_what_is_not_genuine_is_refused_in_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as refusal:
        read(data)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changed", "options", "says"),
    [
        ({"verificationResult": "FAILED", f"{SITE}/ns/reasons": ["It is suspended."]}, {}, "It is suspended."),
        ({"verificationResult": "FAILED", f"{SITE}/ns/reasons": 1}, {}, "The gate does not allow these bytes."),
        ({"verifiedLevels": ["FAILED"]}, {}, "It certifies no approval."),
        ({}, {"environment": "staging"}, "It was given for production, not for staging."),
        ({}, {"resource": f"{SITE}/versions/2/"}, f"It was given for {SITE}/versions/1/, not for {SITE}/versions/2/."),
        ({}, {"now": NOW + timedelta(hours=3, seconds=60)}, "It ran out at"),
        ({}, {"now": NOW - timedelta(hours=1, seconds=61)}, "It was given at 2026-11-20T11:00:00.000000Z, which"),
    ],
)
def test_a_genuine_one_that_does_not_allow_says_why(changed: dict[str, Any], options: dict[str, Any], says: str) -> None:
    found = read(signed(with_predicate(**changed)), **options)
    assert not found.allowed
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(says)


def test_the_clock_may_be_off_by_as_much_as_was_said_and_no_more() -> None:
    end = NOW + timedelta(hours=3)
    assert read(signed(STATEMENT), now=end + timedelta(seconds=59)).allowed
    assert not read(signed(STATEMENT), now=end, skew=timedelta(0)).allowed


def test_of_several_signatures_one_by_the_pinned_key_is_enough_whatever_their_hints() -> None:
    theirs, ours = (json.loads(signed(STATEMENT, key))["signatures"][0] for key in (OTHER, KEY))
    assert read(signed(STATEMENT, signatures=[theirs, ours])).allowed
    assert read(signed(STATEMENT, signatures=[ours | {"keyid": "nobody's"}])).allowed


def test_without_a_pinned_key_nothing_is_checked() -> None:
    with pytest.raises(NotChecked, match="pins no attestation_key"):
        read(signed(STATEMENT), trust=parse_trust(make_keys().trust()))


@pytest.mark.parametrize("key", [1, "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\u00e9"])
def test_a_trust_file_whose_attestation_key_is_none_is_refused(key: Any) -> None:
    with pytest.raises(Refused, match="attestation key"):
        trust(attestation_key=key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@bounded
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read(data)


@bounded
@given(st.sampled_from([("envelope",), ("statement",), ("predicate",)]), st.data(), JSON)
def test_any_value_in_any_place_allows_nothing_new(where: tuple[str], data: st.DataObject, value: Any) -> None:
    """Even signed with the right key, a value of another kind ends in a verdict or one sentence."""
    statement, envelope = copy.deepcopy(STATEMENT), {}
    if where == ("envelope",):
        envelope = {data.draw(st.sampled_from(["payload", "payloadType", "signatures"])): value}
    else:
        place = statement if where == ("statement",) else statement["predicate"]
        place[data.draw(st.sampled_from(sorted(place)))] = value
    try:
        found = read(signed(statement, **envelope))
    except Refused as refusal:
        assert str(refusal).endswith(".")
    else:
        assert isinstance(found.allowed, bool)


@bounded
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_no_changed_byte_of_the_payload_is_accepted(place: int, flip: int) -> None:
    envelope = json.loads(signed(STATEMENT))
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[place % len(payload)] ^= flip
    envelope["payload"] = base64.b64encode(bytes(payload)).decode()
    with pytest.raises(Refused, match="not signed with"):
        read(json.dumps(envelope).encode())
