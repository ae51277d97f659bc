"""The record of a signature: what it says, that it is verified alone, and that erasing a person leaves it verifiable."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from accounts.services import erase_person
from audit.trust import trust
from core.canonical import sha256_of
from core.errors import InvalidInput, NotAllowed, WrongState
from countersign.verify import cli
from governance import services
from governance.approvals import approval_of
from governance.downloads import record_file
from governance.models import Accountability, Review, SignOff, SignOffWithdrawal
from governance.signature_records import payload_digest
from ledger import attesting
from ledger.models import Event
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD

pytestmark = pytest.mark.django_db


def predicate_of(envelope: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    predicate: dict[str, Any] = statement["predicate"]
    return predicate


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """`checked(record)`: the exit code and the items of `countersign verify-signature`, with this site's keys pinned."""

    def check(record: Any, *, pinned: Any = None) -> tuple[int, dict[str, Any]]:
        file, keys = tmp_path / "record.json", tmp_path / "trust.json"
        file.write_bytes(record if isinstance(record, bytes) else json.dumps(record).encode())
        keys.write_text(json.dumps(trust() if pinned is None else pinned))
        parser = cli._Parser()
        cli.add_arguments(parser)
        code = cli.run_signature(parser.parse_args([str(file), "--trust", str(keys), "--json"]))
        answer = json.loads(capsys.readouterr().out)
        return code, {item["name"]: item for item in answer["items"]}

    return check


def given(signed: SignOff) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record_file(SignOff.objects.with_parts().get(pk=signed.pk)).content)
    return found


def test_a_signature_keeps_everything_that_was_shown_and_who_signed(make_review: Any, sign: Any, validator: Any) -> None:
    validator.time_zone = "Asia/Seoul"
    validator.save(update_fields=["time_zone"])
    review = make_review()
    signed = sign(review, "validator", session="sha256:" + "1" * 64)
    assert signed.envelope is not None
    said = predicate_of(signed.envelope)
    assert (said["signature"], said["signer"]) == (str(signed.pk), str(validator.pk))
    assert (said["role"], said["meaning"], said["verdict"], said["step"]) == ("validator", "validated", "approve", 1)
    assert said["roles"] == [{"role": "validator", "team": str(review.version.model.team_id)}]
    assert said["local_offset"] == "+09:00" and said["signed_at"].endswith("Z")
    assert said["text"].startswith(f"I approve {review.version} for production as its validator.")
    assert said["text"].endswith(f"What I sign is named by {signed.digest}.")
    assert sha256_of(said["statement"]) == said["record"]["digest"] == signed.digest
    assert said["policy"]["digest"] == review.policy.digest and said["proof"]["methods"] == ["password"]
    assert (said["session"], said["on_behalf_of"], said["delegation"], said["accountability"]) == (
        "sha256:" + "1" * 64,
        "",
        "",
        1,
    )
    assert "Vera" not in json.dumps(said) and "Read it." not in json.dumps(said)


def test_the_log_names_the_record_and_holds_the_same_commitments(make_review: Any, sign: Any) -> None:
    signed = sign(make_review(), "validator")
    event = Event.objects.get(pk=signed.event)
    said = predicate_of(signed.envelope)
    assert event.data["payload"] == payload_digest(signed.envelope)
    assert event.data["signature"] == str(signed.pk)
    assert (said["name"], said["comment"]) == (event.data["name"], event.data["comment"])


def test_a_record_is_verified_alone(make_review: Any, sign: Any, checked: Any) -> None:
    signed = sign(make_review(), "validator")
    code, items = checked(given(signed))
    assert code == 0, items
    assert "Vera Validator, validator, " in items["words"]["detail"]


def test_without_a_pinned_key_nothing_is_said_of_the_signer(make_review: Any, sign: Any, checked: Any) -> None:
    signed = sign(make_review(), "validator")
    code, items = checked(given(signed), pinned={key: value for key, value in trust().items() if key != "attestation_key"})
    assert code == 2
    assert items["site's signature"]["status"] == "not checked"


def test_an_erased_person_leaves_log_and_record_verifiable(
    make_review: Any, sign: Any, validator: Any, admin: Any, checked: Any
) -> None:
    signed = sign(make_review(), "validator")
    erase_person(validator, by=admin)
    record = given(signed)
    assert record["disclosed"] == []
    code, items = checked(record)
    assert code == 0
    assert "withheld or erased: comment, name" in items["personal values"]["detail"]


def test_what_was_not_read_is_not_signed(make_review: Any, sign: Any) -> None:
    with pytest.raises(InvalidInput, match="which digest you read"):
        sign(make_review(), "validator", seen="")
    assert not SignOff.objects.exists()


def test_the_api_wants_the_digest_for_every_verdict(make_review: Any, api_of: Any, validator: Any) -> None:
    review = make_review()
    body = {"role": "validator", "verdict": "reject", "comment": "No.", "password": PASSWORD}
    answer = api_of(validator).post(f"/api/v1/reviews/{review.pk}/sign-offs/", body)
    assert answer.status_code == 422 and "Say which digest you read" in json.dumps(answer.json())


def test_before_the_first_signature_a_person_accepts_that_it_binds(
    make_review: Any, make_person: Any, team: Any, sign: Any, story: Any
) -> None:
    new = make_person("New Validator", ("validator", team), accepted=False)
    review, other = make_review(), make_review()
    with pytest.raises(InvalidInput, match="Before your first signature"):
        sign(review, "validator", by=new)
    before = len(story())
    sign(review, "validator", by=new, accept=True)
    assert story()[before:] == ["accountability.accepted", "sign_off.given"]
    assert Accountability.objects.get(person=new.pk).text_version == 1
    sign(other, "validator", by=new)  # asked once
    assert Accountability.objects.filter(person=new.pk).count() == 1


def test_the_page_shows_the_words_and_what_they_stand_for(make_review: Any, client_of: Any, validator: Any) -> None:
    review = make_review()
    page = client_of(validator).get(f"/reviews/{review.pk}/").content.decode()
    words = page.index("I approve digit-reader v1 for production as its validator.")
    assert words < page.index('type="password"') and page.index("The model card</dt>") < page.index('type="password"')
    assert "approve_with_conditions" in page and "binds me as my signature by hand" not in page  # accepted before


def test_the_page_asks_once_for_the_acceptance_and_says_when_one_is_locked_out(
    make_review: Any, client_of: Any, make_person: Any, team: Any
) -> None:
    new = make_person("New Validator", ("validator", team), accepted=False)
    review, client = make_review(), client_of(new)
    assert "binds me as my signature by hand" in client.get(f"/reviews/{review.pk}/").content.decode()
    posted = {"role": "validator", "verdict": "approve", "password": "guess", "seen": review.digest, "accept": "on"}
    for _ in range(5):
        client.post(f"/reviews/{review.pk}/sign-off/", posted)
    page = client.get(f"/reviews/{review.pk}/").content.decode()
    assert "Nothing can be signed with your account for 15 minutes." in page


def test_a_signer_takes_a_signature_back_and_may_sign_again(
    make_review: Any, sign: Any, validator: Any, story: Any, checked: Any
) -> None:
    review = make_review()
    signed = sign(review, "validator")
    before = len(story())
    services.withdraw_signature(signed, by=validator, password=PASSWORD, reason="I misread it.")
    assert story()[before:] == ["sign_off.withdrawn"]
    assert SignOffWithdrawal.objects.get().sign_off_id == signed.pk
    assert "The signature of the validator is missing." in approval_of(fresh(review), "production").reasons
    with pytest.raises(NotAllowed, match="First the signature of the validator"):
        sign(review, "compliance_officer")
    code, items = checked(given(signed))
    assert code == 1 and "took this signature back" in items["still standing"]["detail"]
    with pytest.raises(NotAllowed, match="already taken"):
        services.withdraw_signature(signed, by=validator, password=PASSWORD)
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert fresh(review).state == "approved"


def test_a_signature_stays_once_somebody_signed_after_it(
    make_review: Any, sign: Any, validator: Any, officer: Any, dpo: Any, make_person: Any, team: Any
) -> None:
    review = make_review()
    signed = sign(review, "validator")
    with pytest.raises(NotAllowed, match="Only the person who gave"):
        services.withdraw_signature(signed, by=officer, password=PASSWORD)
    sign(review, "compliance_officer")
    with pytest.raises(NotAllowed, match="review has gone on"):
        services.withdraw_signature(signed, by=validator, password=PASSWORD)


def test_a_card_that_changed_leaves_nothing_to_take_back(make_review: Any, sign: Any, validator: Any, scientist: Any) -> None:
    signed = sign(review := make_review(), "validator")
    services.revise_card(review.version, CARD | {"limitations": "More."}, by=scientist)
    with pytest.raises(NotAllowed, match="review has gone on"):
        services.withdraw_signature(signed, by=validator, password=PASSWORD)


def test_the_owner_of_a_model_never_signs_its_versions(make_review: Any, make_person: Any, team: Any, sign: Any) -> None:
    owner = make_person("Owner", ("validator", team))
    review = make_review()
    model = review.version.model
    model.owner = owner
    model.save(update_fields=["owner"])
    with pytest.raises(NotAllowed, match="You own this model"):
        sign(review, "validator", by=owner)
    assert not Review.objects.signable_by(owner).exists()


def test_page_and_api_hand_the_record_out(
    make_review: Any, sign: Any, client_of: Any, api_of: Any, auditor: Any, stranger: Any
) -> None:
    signed = sign(make_review(), "validator")
    page = client_of(auditor).get(f"/signatures/{signed.pk}/record/")
    assert page.status_code == 200 and page["Content-Disposition"].startswith("attachment")
    assert api_of(auditor).get(f"/api/v1/sign-offs/{signed.pk}/record/").json() == given(signed) == json.loads(page.content)
    assert client_of(stranger).get(f"/signatures/{signed.pk}/record/").status_code == 404


def test_a_signature_taken_back_needs_a_proof_too(make_review: Any, sign: Any, validator: Any) -> None:
    signed = sign(make_review(), "validator")
    with pytest.raises(NotAllowed, match="password is not right"):
        services.withdraw_signature(signed, by=validator, password="guess")
    assert not SignOffWithdrawal.objects.exists()


def test_what_the_submitter_takes_back_on_the_page_ends_its_review(
    make_review: Any, client_of: Any, scientist: Any, other_scientist: Any
) -> None:
    review = make_review()
    address = f"/versions/{review.version_id}/withdraw/"
    assert address in client_of(scientist).get(f"/reviews/{review.pk}/").content.decode()
    assert client_of(other_scientist).post(address).status_code == 403
    assert client_of(scientist).post(address).status_code == 303
    assert fresh(review).state == "withdrawn"
    assert Review.objects.get(pk=review.pk).state == "withdrawn"


def fresh(review: Any) -> Version:
    return Version.objects.with_parts().get(pk=review.version_id)


def test_a_role_is_signed_in_only_with_a_meaning_of_the_policy(make_review: Any, sign: Any) -> None:
    signed = sign(make_review(), "validator", "reject")
    assert signed.meaning == "rejected"
    with pytest.raises(WrongState, match="This review is concluded"):
        sign(signed.review, "validator")


def _changed(record: dict[str, Any], change: str) -> Any:
    """The record with one thing made wrong."""
    envelope = record["envelope"]
    payload = json.loads(base64.b64decode(envelope["payload"]))
    match change:
        case "another name":
            record["disclosed"][-1]["value"] = "Somebody Else"
        case "a value nobody committed to":
            record["disclosed"].append(record["disclosed"][0] | {"place": "roles"})
        case "another key":
            envelope["signatures"][0]["keyid"] = "sha256:" + "0" * 64
        case "two signatures":
            envelope["signatures"] *= 2
        case "another payload type":
            envelope["payloadType"] = "text/plain"
        case "a foreign withdrawal":
            record["withdrawal"] = {key: value for key, value in record.items() if key != "withdrawal"}
        case "another member":
            record["trusted"] = True
        case "not canonical":
            envelope["payload"] = base64.b64encode(json.dumps(payload, indent=1).encode()).decode()
        case _:
            place: Any = payload["predicate"]
            *path, last = change.split(".")
            for step in path:
                place = place[step]
            place[last] = {"local_offset": "+99:99", "roles": "x", "checkpoint": "sha256:" + "0" * 64}.get(last, [1])
            record["envelope"] = attesting.envelope_of(payload)  # by the site's own key: each rule stands by itself
    return record


HOSTILE = [
    *("another name", "a value nobody committed to", "another key", "two signatures", "another payload type"),
    *("a foreign withdrawal", "another member", "not canonical", "verdict", "local_offset", "proof.methods", "roles"),
    *("statement.checkpoint", "statement.card", "record.digest", "conditions", "text", "name.commitment", "policy.digest"),
]


@pytest.mark.parametrize("change", HOSTILE)
def test_a_record_that_was_changed_fails(change: str, make_review: Any, sign: Any, checked: Any) -> None:
    code, items = checked(_changed(given(sign(make_review(), "validator")), change))
    assert code == 1, items


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "countersign-signature/1", "envelope": 1}', b"1e999"]
)
def test_a_file_that_is_no_record_fails_with_a_sentence(content: bytes, checked: Any) -> None:
    code, items = checked(content)
    assert code == 1 and items["record"]["detail"].endswith(".")


# -- by delegation ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_delegation(make_review: Any, sign: Any, lend: Any, validator: Any, make_person: Any, team: Any) -> SignOff:
    stand_in = make_person("Stan Standin", ("auditor", team))
    signed: SignOff = sign(make_review(), "validator", by=stand_in, delegation=lend(validator, stand_in))
    return signed


def test_a_signature_by_delegation_says_so_and_for_whom(by_delegation: SignOff, validator: Any, team: Any, checked: Any) -> None:
    record, row = given(by_delegation), by_delegation.delegation
    said = predicate_of(record["envelope"])
    assert row is not None
    assert (said["signer"], said["on_behalf_of"]) == (str(by_delegation.person), str(validator.pk))
    assert (said["delegation"], said["team"]) == (str(row.pk), str(team.pk))
    assert said["delegator"].keys() == {"commitment"}
    assert "Vera" not in base64.b64decode(record["envelope"]["payload"]).decode()
    assert said["text"].startswith(f"On behalf of {{delegator}}, by delegation of {row.day.isoformat()}: I approve ")
    fact = Event.objects.get(pk=by_delegation.event).data
    assert (fact["on_behalf_of"], fact["delegation"]) == (str(validator.pk), str(row.pk))
    code, items = checked(record)
    words = items["words"]["detail"]
    assert code == 0
    assert f"Stan Standin, validator, on behalf of Vera Validator ({validator.pk}) by delegation {row.pk}" in words
    assert f"“On behalf of Vera Validator, by delegation of {row.day.isoformat()}: I approve" in words


def test_a_delegator_who_is_erased_leaves_the_record_verifiable(
    by_delegation: SignOff, validator: Any, admin: Any, checked: Any
) -> None:
    erase_person(validator, by=admin)
    code, items = checked(given(by_delegation))
    assert code == 0
    assert "withheld or erased: delegator" in items["personal values"]["detail"]
    assert "On behalf of (name withheld or erased), by delegation of" in items["words"]["detail"]


def test_another_name_is_not_put_in_the_place_of_the_delegator(by_delegation: SignOff, checked: Any) -> None:
    record = given(by_delegation)
    next(one for one in record["disclosed"] if one["place"] == "delegator")["value"] = "Olga Other"
    code, items = checked(record)
    assert code == 1 and items["personal values"]["status"] == "failed"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"delegation": ""}, "does not say of whom and by which delegation"),
        ({"on_behalf_of": ""}, "does not say of whom and by which delegation"),
        ({"delegator": "Vera Validator"}, "does not say of whom and by which delegation"),
        ({"text": "I approve it."}, "its words do not say so"),
        ({"kind": "withdrawal", "verdict": "withdraw"}, "its words do not say so"),
        ({"on_behalf_of": "signer"}, "on behalf of its own signer"),
    ],
)
def test_a_record_that_says_half_of_a_delegation_is_refused(
    by_delegation: SignOff, change: dict[str, Any], told: str, checked: Any
) -> None:
    record = given(by_delegation)
    statement = json.loads(base64.b64decode(record["envelope"]["payload"]))
    said = statement["predicate"]
    said |= {name: said["signer"] if value == "signer" else value for name, value in change.items()}
    record["envelope"] = attesting.envelope_of(statement)
    code, items = checked(record)
    assert code == 1 and told in items["record"]["detail"]
