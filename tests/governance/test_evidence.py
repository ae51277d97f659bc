"""Files that people bring: kept, replaced, withdrawn, run out; and part of what people sign."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from accounts.services import erase_person
from core.clock import now
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import policies, services
from governance.approvals import approval_of
from governance.models import Evidence, Review
from governance.requirements import kinds
from ledger.actors import INSTALLER
from ledger.models import Event, PrivateValue
from ledger.services import fsck, sequence_and_seal
from models_registry.history import entries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(dpo: Any) -> Callable[..., Evidence]:
    """`bring(model)`: the data protection officer brings an impact assessment."""

    def one(model: Any, content: bytes = b"an assessment", **more: Any) -> Evidence:
        options = {"by": dpo, "kind": "dpia", "file_name": "dpia.pdf", "title": "Assessment"} | more
        return services.upload_evidence(model, [content], **options)

    return one


@pytest.fixture
def asking() -> None:
    """The policy in force for high risk asks for an impact assessment."""
    body = policies.starting_body("high")
    demands = [{"kind": "uploaded_evidence", "evidence": ["dpia"]}]
    policies.publish(by=INSTALLER, body=body | {"name": "with-papers", "requirements": demands})


def said_of_papers(version: Any) -> list[tuple[str, str]]:
    approval = approval_of(version, "production")
    return [(one.outcome.value, one.sentence) for one in approval.answers if one.kind == "uploaded_evidence"]


def test_a_file_is_kept_and_told(make_model: Any, bring: Any, dpo: Any, story: Any) -> None:
    model = make_model()
    before = len(story())
    made = bring(model)
    assert story()[before:] == ["evidence.uploaded"]
    assert (made.state, made.owner, made.valid_from, made.valid_until) == ("current", dpo, now().date(), None)
    told = Event.objects.get(type="evidence.uploaded").data
    assert told["digest"] == made.digest and told["kind"] == "dpia"
    assert "Assessment" not in str(told) and "dpia.pdf" not in str(told), "free text lies behind the log"


def test_a_newer_file_takes_the_place_of_the_one_before_which_is_kept(make_model: Any, bring: Any, story: Any) -> None:
    model = make_model()
    first = bring(model)
    before = len(story())
    second = bring(model, b"another")
    assert story()[before:] == ["evidence.superseded", "evidence.uploaded"]
    assert list(Evidence.objects.order_by("uploaded_at").values_list("pk", "state")) == [
        (first.pk, "superseded"),
        (second.pk, "current"),
    ]
    contract = bring(model, kind="contract")
    assert Evidence.objects.current().count() == 2 and contract.state == "current", "each kind stands for itself"


def test_the_database_holds_one_current_file_of_a_kind(make_model: Any, bring: Any) -> None:
    made = bring(make_model())
    made.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence(**{name: value for name, value in made.__dict__.items() if name not in {"id", "_state"}}).save()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "Impact Assessment"}, "lower-case"),
        ({"kind": "x"}, "lower-case"),
        ({"valid_from": date(2026, 3, 2), "valid_until": date(2026, 3, 1)}, "before the first"),
        ({"valid_from": date(2020, 1, 1), "valid_until": date(2020, 2, 1)}, "no longer valid"),
        ({"title": "x" * 201}, "200"),
    ],
)
def test_what_cannot_count_is_refused_before_it_is_kept(make_model: Any, bring: Any, wrong: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        bring(make_model(), **wrong)
    assert not Evidence.objects.exists()


def test_an_owner_belongs_to_the_team(make_model: Any, bring: Any, stranger: Any, admin: Any) -> None:
    model = make_model()
    for nobody in (stranger, admin):
        with pytest.raises(InvalidInput, match="belongs to the model's team"):
            bring(model, owner=nobody)


def test_only_those_who_answer_for_models_bring_and_withdraw(
    make_model: Any, bring: Any, auditor: Any, admin: Any, scientist: Any, other_scientist: Any, officer: Any
) -> None:
    model = make_model()
    for nobody in (auditor, admin):
        with pytest.raises(NotAllowed):
            bring(model, by=nobody)
    mine = bring(model, by=scientist)
    with pytest.raises(NotAllowed, match="owner"):
        services.withdraw_evidence(mine, by=other_scientist, reason="Not mine.")
    with pytest.raises(InvalidInput, match="why"):
        services.withdraw_evidence(mine, by=scientist, reason=" ")
    services.withdraw_evidence(mine, by=officer, reason="It was of another model.")
    with pytest.raises(WrongState):
        services.withdraw_evidence(mine, by=officer, reason="Again.")


def test_a_missing_an_expired_and_a_later_file_do_not_meet_the_policy(
    asking: None, make_review: Any, bring: Any, frozen_clock: Any
) -> None:
    version = make_review().version
    [(outcome, said)] = said_of_papers(version)
    assert outcome == "not_met" and "no file was uploaded" in said
    today = frozen_clock.now.date()
    bring(version.model, valid_from=today + timedelta(days=2))
    assert "counts only from" in said_of_papers(version)[0][1]
    bring(version.model, valid_until=today + timedelta(days=3))
    assert said_of_papers(version)[0][0] == "met"
    frozen_clock.advance(days=3)
    assert said_of_papers(version)[0][0] == "met", "the last day counts"
    frozen_clock.advance(days=1)
    [(outcome, said)] = said_of_papers(version)
    assert outcome == "not_met" and "ran out" in said
    assert Evidence.objects.current().get().standing == "expired"


def test_a_file_of_one_version_says_nothing_of_another(asking: None, make_review: Any, bring: Any) -> None:
    first, second = make_review().version, make_review().version
    bring(first.model, version=first)
    assert [said_of_papers(one)[0][0] for one in (first, second)] == ["met", "not_met"]


def test_a_replaced_file_makes_signatures_stale_and_the_page_says_so(
    asking: None, make_review: Any, bring: Any, sign: Any, officer: Any, client_of: Any, story: Any
) -> None:
    review = make_review()
    bring(review.version.model)
    sign(review, "validator")
    before, digest = len(story()), approval_of(review.version, "production").digest
    bring(review.version.model, b"another assessment")
    assert story()[before:] == ["evidence.superseded", "evidence.uploaded", "review.pins_changed"]
    approval = approval_of(review.version, "production")
    assert approval.digest != digest == approval.stale[0][0].digest
    assert approval.stale[0][1] == ["files"]
    assert Review.objects.get(pk=review.pk).digest == approval.digest
    page = client_of(officer).get(review.get_absolute_url()).content.decode()
    assert "because the files that people brought changed after it was given" in page
    sign(Review.objects.with_parts().get(pk=review.pk), "validator")
    sign(Review.objects.with_parts().get(pk=review.pk), "compliance_officer")
    assert approval_of(review.version, "production").holds


def test_a_withdrawn_file_takes_the_approval_with_it(asking: None, make_review: Any, bring: Any, sign: Any, officer: Any) -> None:
    review = make_review()
    made = bring(review.version.model)
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert approval_of(review.version, "production").holds
    services.withdraw_evidence(made, by=officer, reason="It was of another model.")
    approval = approval_of(review.version, "production")
    assert not approval.holds and said_of_papers(review.version)[0][0] == "not_met"


def test_files_that_the_policy_does_not_ask_for_move_no_signature(make_review: Any, bring: Any, sign: Any) -> None:
    review = make_review()
    sign(review, "validator")
    bring(review.version.model, kind="contract")
    approval = approval_of(review.version, "production")
    assert approval.stale == [] and "files" not in approval.statement


def test_a_kind_of_file_that_nobody_could_bring_is_refused() -> None:
    found = kinds.get("uploaded_evidence")
    assert found is not None
    for wrong in ({}, {"evidence": []}, {"evidence": "dpia"}, {"evidence": ["D P I A"]}, {"evidence": ["dpia"], "kinds": 1}):
        with pytest.raises(InvalidInput):
            found.check({"kind": "uploaded_evidence", **wrong})
    assert found.check({"kind": "uploaded_evidence", "evidence": ["dpia", "dpia"]})["evidence"] == ["dpia"]


def test_it_stands_in_the_history_of_the_versions_that_it_is_for(make_draft: Any, bring: Any) -> None:
    first, second = make_draft(), make_draft()
    bring(first.model)
    bring(first.model, version=second, kind="contract")
    told = [[entry.type for entry in entries_of(one)].count("evidence.uploaded") for one in (first, second)]
    assert told == [1, 2]


def test_what_a_person_wrote_goes_with_them_and_the_file_stays(make_model: Any, bring: Any, scientist: Any, admin: Any) -> None:
    made = bring(make_model(), by=scientist, owner=scientist, title="Kim's assessment", file_name="kim.pdf")
    services.withdraw_evidence(made, by=scientist, reason="Ask Kim.")
    erase_person(scientist, by=admin)
    kept = Evidence.objects.get(pk=made.pk)
    assert (kept.title, kept.file_name, kept.reason, kept.digest) == ("", "", "", made.digest)
    assert not PrivateValue.objects.filter(value__icontains="kim").exists()
    sequence_and_seal()
    assert fsck().holds


# -- the edges ---------------------------------------------------------------------------------------------------------------


def test_a_file_comes_and_goes_over_the_api_byte_for_byte(make_model: Any, dpo: Any, api_of: Any) -> None:
    model, api = make_model(), api_of(dpo)
    address = f"/api/v1/models/{model.pk}/evidence/dpia/?valid_until=2999-01-01&title=First"
    answer = api.put(address, b"<script>x</script>", content_type="application/octet-stream", HTTP_X_FILE_NAME='a/../b".html')
    assert answer.status_code == 200, answer.content
    made = answer.json()
    assert (made["standing"], made["title"], made["owner"]) == ("valid", "First", dpo.name)
    file = api.get(f"/api/v1/evidence/{made['id']}/file/")
    assert b"".join(file.streaming_content) == b"<script>x</script>"
    assert file["Content-Type"] == "application/octet-stream" and file["Content-Disposition"].startswith("attachment; filename")
    wrong = api.put(address, b"other", content_type="application/octet-stream", HTTP_X_CONTENT_SHA256="sha256:" + "0" * 64)
    assert wrong.status_code == 422 and wrong.json()["code"] == "digest_mismatch"
    assert api.put(address + "&valid_from=soon", b"x", content_type="application/octet-stream").status_code == 422
    back = api.post(f"/api/v1/evidence/{made['id']}/withdrawal/", {"reason": "Another model's."}).json()
    assert (back["standing"], back["reason"]) == ("withdrawn", "Another model's.")
    assert [one["id"] for one in api.get(f"/api/v1/models/{model.pk}/evidence/").json()["results"]] == [made["id"]]


def test_a_file_is_brought_on_the_page_and_a_refusal_loses_nothing(make_model: Any, dpo: Any, client_of: Any) -> None:
    model, client = make_model(), client_of(dpo)
    address = f"/models/{model.pk}/evidence/"
    given = {"kind": "-", "named": "Bias Audit", "owner": str(dpo.pk), "title": "Of spring", "valid_until": "2999-01-01"}
    refused = client.post(address, given | {"file": SimpleUploadedFile("a.pdf", b"x")})
    assert refused.status_code == 422 and 'value="Of spring"' in refused.content.decode()
    assert "such as bias_audit" in refused.content.decode()
    kept = client.post(address, given | {"named": "bias_audit", "file": SimpleUploadedFile("a.pdf", b"x")})
    assert (kept.status_code, kept["Location"]) == (303, address)
    page = client.get(address).content.decode()
    assert "Bias audit" in page and "Of spring" in page and "Withdraw this file" in page
    assert "Bias audit" in client.get(model.get_absolute_url()).content.decode()


def test_who_may_not_bring_reads_why(make_model: Any, auditor: Any, client_of: Any) -> None:
    page = client_of(auditor).get(f"/models/{make_model().pk}/evidence/").content.decode()
    assert "Only those who build, validate or answer" in page.replace("&#x27;", "'") and "<form" not in page.split("<main")[1]
