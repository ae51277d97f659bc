"""What changed since something was signed is told so that a person can read it."""

from __future__ import annotations

from typing import Any

import pytest

from governance import services
from governance.approvals import approval_of
from governance.comparing import Side, differences, marked
from governance.parts import changes_since_last_approval, standing_of, standings
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD, measured


def told(version: Any) -> dict[str, Any]:
    """The comparison of the version with the one approved before, by label."""
    approval = approval_of(version, "production")
    comparison = changes_since_last_approval(version, approval)
    return {item["label"]: item for item in comparison.items} if comparison else {}


def test_words_that_only_one_text_has_are_marked_and_nothing_else() -> None:
    before, after = marked("Fails on rotated images.", "Fails on rotated and dark images.")
    assert str(before) == "Fails on rotated images."
    assert str(after) == "Fails on rotated <mark>and dark </mark>images."


def test_markup_in_a_card_is_shown_and_never_run() -> None:
    before, after = marked("Reads <b>one</b> digit.", "Reads <b>one</b> digit & <script>alert(1)</script>.")
    assert "<script>" not in str(after) and "&lt;script&gt;" in str(after)
    assert "<b>" not in str(before)


def test_texts_with_nothing_in_common_stand_beside_each_other_unmarked() -> None:
    assert marked("Reads digits.", "An entirely other story about cats and dogs") == (
        "Reads digits.",
        "An entirely other story about cats and dogs",
    )


@pytest.mark.django_db
def test_a_part_that_came_is_added_and_one_that_went_is_removed(make_review: Any) -> None:
    version = make_review().version

    def kinds(before: Any, after: Any) -> list[tuple[str, str]]:
        items = differences(Side(version, {"findings": before}), Side(version, {"findings": after}))
        return [(item["kind"], item["before"] + item["after"]) for item in items]

    assert [kind for kind, _words in kinds([], [["1", "open"]])] == ["added"]
    assert [kind for kind, _words in kinds([["1", "open"]], [])] == ["removed"]
    [(kind, words)] = kinds([["1", "open"]], [["1", "closed"], ["2", "open"]])
    assert kind == "changed" and "1 entry" in words and "2 entries" in words


@pytest.mark.django_db
def test_the_first_version_of_a_model_is_compared_with_nothing(make_review: Any) -> None:
    review = make_review()
    assert changes_since_last_approval(review.version, approval_of(review.version, "production")) is None


@pytest.mark.django_db
def test_what_differs_from_the_approved_version_is_told_field_by_field(
    make_approved: Any, make_review: Any, make_data: Any
) -> None:
    make_approved()
    other = make_data("other-digits")
    card = CARD | {"limitations": "Rotated and dark images.", "licence": "Apache-2.0"}
    review = make_review(data=other, card=card, result=measured(accuracy=(0.99, 0.975, 0.996)))
    items = told(review.version)
    assert set(items) == {
        "Checkpoint",
        "Model card: Limitations",
        "Model card: Licence",
        "Data: tested on",
        "Measured: Accuracy",
        "Measured: Recall of the worst class",
        "Measured: Expected calibration error",
    }
    assert items["Model card: Licence"]["kind"] == "added"
    assert (items["Data: tested on"]["before"], items["Data: tested on"]["after"]) == ("digits v1", "other-digits v1")
    assert "98.0 % (96.5–99.0 %, 600 rows) on digits v1" in items["Measured: Accuracy"]["before"].replace("\u202f", " ")
    assert "99.0 % (97.5–99.6 %, 600 rows) on other-digits v1" in items["Measured: Accuracy"]["after"].replace("\u202f", " ")


@pytest.mark.django_db
def test_personal_data_that_came_in_with_the_data_are_told(
    make_approved: Any, make_review: Any, make_data: Any, scientist: Any
) -> None:
    from data_registry.services import link_versions  # noqa: PLC0415 - only this test links

    make_approved()
    people = make_data("annotators", columns=[{"name": "email", "dtype": "text", "category": "contact", "present": "yes"}])
    other = make_data("other-digits")
    link_versions(other, by=scientist, kind="labelled_by", to_version=people)
    items = told(make_review(data=other).version)
    assert (items["Personal data"]["kind"], items["Personal data"]["after"]) == ("added", "contact: annotators v1 (email)")


@pytest.mark.django_db
def test_a_closed_review_is_compared_with_what_was_approved_before_it(make_approved: Any) -> None:
    first, second = make_approved(), make_approved(card=CARD | {"overview": "Reads a digit well."})
    assert told(first) == {}
    assert "Model card: Overview" in told(second)


@pytest.mark.django_db
def test_every_part_of_a_statement_that_differs_is_told(make_review: Any) -> None:
    version = make_review().version
    now = approval_of(version, "production").statement
    for key, value in now.items():
        if key in {"format", "version", "review", "inspection"}:
            continue
        before = now | {key: [] if isinstance(value, list) else f"another {key}"}
        assert differences(Side(version, before), Side(version, now)) or before[key] == value, key


@pytest.mark.django_db
def test_a_stale_signature_says_what_to_read_again(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    sign(review, "validator")
    services.revise_card(review.version, CARD | {"limitations": "Rotated and dark images."}, by=scientist)
    version = Version.objects.with_parts().get(pk=review.version_id)
    given = standings(approval_of(version, "production"))[0]["signatures"][0]
    assert given["stale"] and given["changed"] == "The model card"
    assert [item["label"] for item in given["differences"]] == ["Model card: Limitations"]


@pytest.mark.django_db
def test_whoever_asked_for_changes_is_shown_with_the_comment(make_review: Any, sign: Any, client_of: Any, officer: Any) -> None:
    review = make_review()
    sign(review, "validator", "request_changes", comment="Say which images it fails on.")
    answer = client_of(officer).get(f"/reviews/{review.pk}/")
    assert "Say which images it fails on." in answer.content.decode()


@pytest.mark.django_db
def test_signatures_that_only_wait_are_one_sentence(make_review: Any) -> None:
    review = make_review(result=measured(accuracy=(0.90, 0.87, 0.93)))
    standing = standing_of(approval_of(review.version, "production"), review.version)
    assert (standing.tone, standing.title) == ("bad", "Approval is blocked.")
    assert standing.reasons[0].startswith("Accuracy 90.0 %")
    assert standing.reasons[1:] == ["Signatures still to come: validator, compliance officer."]


@pytest.mark.django_db
def test_an_approval_that_is_blocked_cannot_be_chosen_on_the_page_and_is_refused_by_the_service(
    make_review: Any, client_of: Any, validator: Any
) -> None:
    review = make_review(result=measured(accuracy=(0.90, 0.87, 0.93)))
    client = client_of(validator)
    page = client.get(f"/reviews/{review.pk}/").content.decode()
    assert 'value="approve"' in page and page.split('value="approve"', 1)[1].split(">", 1)[0].count("disabled") == 1
    posted = {
        "role": "validator",
        "verdict": "approve",
        "password": PASSWORD,
        "seen": approval_of(review.version, "production").digest,
    }
    answer = client.post(f"/reviews/{review.pk}/sign-off/", posted)
    assert answer.status_code == 409 and "cannot be approved yet" in answer.content.decode()


@pytest.mark.django_db
def test_how_a_model_is_built_and_fed_is_signed_too(make_approved: Any) -> None:
    """The same bytes in another architecture, or with other inputs, answer otherwise."""
    version = make_approved()
    before = Side(version, approval_of(version, "production").statement)
    reading = {"features": [{"name": "age", "kind": "number", "mean": 41}], "target": "ill"}
    for change, told_of in (({"reading": reading}, "How its data are read"), ({"architecture": {"name": "mlp"}}, "Architecture")):
        was = Version.objects.filter(pk=version.pk).values(*change).get()
        Version.objects.filter(pk=version.pk).update(**change)
        now = Version.objects.with_parts().get(pk=version.pk)
        approval = approval_of(now, "production")
        assert not approval.holds
        assert [line["label"] for line in differences(before, Side(now, approval.statement))] == [told_of]
        Version.objects.filter(pk=version.pk).update(**was)
    assert approval_of(Version.objects.with_parts().get(pk=version.pk), "production").holds
