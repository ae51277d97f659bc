"""Models, drafts, checkpoints and cards: what may be said, by whom, until when."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry.uses import USES
from governance import services as governance
from ledger.models import Event
from models_registry import cards, services
from models_registry.history import entries_of, lines
from models_registry.models import RegisteredModel, Version
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db


def test_registering_a_model_is_recorded_with_its_owner(make_model: Any, scientist: Any, story: Any) -> None:
    before = len(story())
    model = make_model()
    assert (model.owner, model.risk_tier) == (scientist, "high")
    assert story()[before:] == ["model.registered"]


def test_a_team_has_one_model_of_a_name(make_model: Any) -> None:
    make_model("reader")
    with pytest.raises(WrongState, match="already has a model named reader"):
        make_model("reader")


@pytest.mark.parametrize("name", ["", "Reader", "reader v1", "-reader", "reader\n", "r" * 65, "../etc", "리더"])
def test_a_name_that_would_be_awkward_in_an_address_is_refused(make_model: Any, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        make_model(name)
    assert not RegisteredModel.objects.exists()


def test_only_data_scientists_of_the_team_draft(make_model: Any, validator: Any) -> None:
    with pytest.raises(NotAllowed, match="Only a data scientist"):
        services.draft_version(make_model(), by=validator, card=CARD)
    assert Event.objects.get(type="attempt.refused").data["attempt"] == "draft_version"


def test_numbers_of_versions_are_dense(make_draft: Any, make_model: Any) -> None:
    model = make_model()
    assert [make_draft(model=model).number for _ in range(3)] == [1, 2, 3]


def test_a_checkpoint_is_named_by_the_digest_of_its_bytes(make_draft: Any) -> None:
    version = make_draft(content=b"weights")
    assert version.checkpoint_digest == "sha256:" + hashlib.sha256(b"weights").hexdigest()
    assert version.checkpoint_size == 7


def test_a_draft_may_be_given_other_bytes_until_it_is_submitted(make_draft: Any, scientist: Any) -> None:
    version = make_draft()
    version = services.receive_checkpoint(version, [b"other"], name="b.pt", by=scientist)
    assert version.checkpoint_name == "b.pt"
    governance.submit(version, by=scientist)
    version.refresh_from_db()
    with pytest.raises(WrongState, match="Changed bytes are a new version"):
        services.receive_checkpoint(version, [b"more"], name="c.pt", by=scientist)


def test_bytes_that_differ_from_what_was_announced_are_not_kept(make_draft: Any, scientist: Any, data_dir: Any) -> None:
    version = make_draft()
    before = version.checkpoint_digest
    with pytest.raises(InvalidInput, match="not the announced"):
        services.receive_checkpoint(version, [b"x"], name="x", by=scientist, expected="sha256:" + "0" * 64)
    version.refresh_from_db()
    assert version.checkpoint_digest == before
    assert not list((data_dir / "incoming").glob("*"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\models\\a.pt", "a.pt"), ("a\r\nX-Header: b", "aX-Header: b"), ("", "checkpoint")],
)
def test_a_files_name_is_shown_and_never_a_path(make_draft: Any, scientist: Any, given: str, kept: str) -> None:
    assert services.receive_checkpoint(make_draft(), [b"w"], name=given, by=scientist).checkpoint_name == kept


def test_data_that_are_still_a_draft_cannot_be_named(make_model: Any, scientist: Any, make_data: Any) -> None:
    from data_registry import services as data  # noqa: PLC0415 - only this test drafts
    from tests.plugins_versions import PROVENANCE  # noqa: PLC0415 - as above

    draft = data.draft_version(make_data().dataset, by=scientist, provenance=PROVENANCE)
    with pytest.raises(WrongState, match="still a draft"):
        services.draft_version(make_model(), by=scientist, card=CARD, data=[("training", draft)])
    assert not Version.objects.exists()


def test_a_cards_faults_are_named_together(make_draft: Any) -> None:
    with pytest.raises(InvalidInput, match="not known: colour, mood"):
        cards.checked({"colour": "red", "mood": "good", "overview": "It reads."})
    with pytest.raises(InvalidInput, match="limitations, overview"):
        cards.checked({"overview": 3, "limitations": "x" * 20_001})


def test_what_a_template_leaves_behind_counts_as_missing() -> None:
    content = cards.checked(CARD | {"limitations": "[More Information Needed]"})
    assert [field.key for field in cards.missing(content)] == ["limitations"]


def test_writing_the_same_card_again_is_refused_because_it_would_void_signatures(make_draft: Any, scientist: Any) -> None:
    version = make_draft()
    with pytest.raises(WrongState, match="already says"):
        governance.revise_card(version, CARD, by=scientist)


def test_the_database_refuses_to_change_a_revision_of_a_card(make_draft: Any) -> None:
    make_draft()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE models_registry_modelcard SET content = '{}'")


def test_the_database_refuses_a_submitted_version_without_bytes(make_draft: Any) -> None:
    version = make_draft()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE models_registry_version SET state = 'submitted', checkpoint_digest = '' WHERE id = %s", [version.pk]
        )


def test_the_history_tells_what_happened_in_sentences_with_names(make_review: Any, sign: Any, scientist: Any) -> None:
    review = make_review()
    sign(review, "validator")
    told = lines(entries_of(review.version))
    sentences = {line.sentence for line in told}
    assert "Signed as validator: approve, meaning “validated”" in sentences
    assert "Evaluation on 600 rows at sandbox level L3: passed" in sentences
    assert not any("%(" in sentence for sentence in sentences)
    assert scientist in {line.actor for line in told}


def test_data_say_which_versions_use_them_to_those_who_may_see_them(
    make_draft: Any, make_data: Any, scientist: Any, stranger: Any
) -> None:
    data = make_data()
    version = make_draft(data=data)
    uses = USES.get("versions")
    assert uses is not None
    assert {use.label for use in uses(data, scientist)} == {str(version)}
    assert list(uses(data, stranger)) == []
