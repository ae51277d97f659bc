"""A draft that a program began is finished on a page: what it says is filled in, what is missing is said, nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.errors import NotAllowed, WrongState
from governance import services
from governance.permissions import contributors
from models_registry import services as registry
from models_registry.models import Version, VersionData
from tests.plugins_versions import CARD
from tracking import services as tracking

READING = {"features": [{"name": "age", "kind": "number"}], "target": "ill"}


@pytest.fixture
def draft(make_draft: Any) -> Version:
    return Version.objects.get(pk=make_draft().pk)


def filled(version: Version, **more: Any) -> dict[str, Any]:
    """What a browser sends back of the page as it is."""
    links: dict[str, list[str]] = {}
    for link in version.data.all():
        links.setdefault(link.use, []).append(str(link.dataset_version_id))
    built = version.architecture or {}
    return {
        "environment": "production",
        "architecture": built.get("name", "-"),
        "settings": json.dumps(built["config"]) if built.get("config") else "",
        "note": version.note,
        **links,
        **{f"card_{key}": text for key, text in (version.card.content if version.card else {}).items()},
        **more,
    }


def test_a_draft_is_finished_and_submitted(client_of: Any, scientist: Any, draft: Version, story: Any) -> None:
    page = client_of(scientist).get(draft.get_absolute_url()).content.decode()
    address = reverse("governance:finish", args=[draft.pk])
    assert "Nothing is missing" in page and f'href="{address}"' in page
    answer = client_of(scientist).get(address)
    assert answer.status_code == 200 and draft.checkpoint_name in answer.content.decode()
    card = {**CARD, "overview": "Reads one digit, better."}
    sent = filled(draft, note="better", reading=json.dumps(READING), **{f"card_{key}": text for key, text in card.items()})
    answer = client_of(scientist).post(address, sent)
    assert answer.status_code == 303, answer.content.decode()
    draft.refresh_from_db()
    assert (draft.state, draft.note, draft.reading, draft.card.content["overview"]) == (
        "submitted", "better", READING, "Reads one digit, better.",
    )  # fmt: skip
    assert [event for event in story() if event in {"version.described", "card.revised", "version.submitted"}] == [
        "version.described", "card.revised", "version.submitted",
    ]  # fmt: skip
    again = client_of(scientist).get(address)
    assert again.status_code == 303


def test_what_is_missing_is_said_and_what_was_said_is_kept(client_of: Any, scientist: Any, draft: Version) -> None:
    Version.objects.filter(pk=draft.pk).update(checkpoint_digest="", checkpoint_size=0, checkpoint_name="")
    page = client_of(scientist).get(draft.get_absolute_url()).content.decode()
    assert "something is missing" in page and "The checkpoint has not been sent yet." in page
    address = reverse("governance:finish", args=[draft.pk])
    answer = client_of(scientist).post(address, filled(draft, note="typed"))
    assert answer.status_code == 422 and "typed" in answer.content.decode()
    testing = str(draft.data.get(use="testing").dataset_version_id)
    file = SimpleUploadedFile("weights.bin", b"these weights")
    answer = client_of(scientist).post(address, filled(draft, note="kept", training=[testing], checkpoint=file))
    assert answer.status_code == 422 and "holds the very bytes that the model learned from" in answer.content.decode()
    draft.refresh_from_db()
    assert (draft.state, draft.note, draft.checkpoint_name) == ("draft", "kept", "weights.bin")


def test_data_that_are_no_longer_named_are_gone(draft: Version, scientist: Any, story: Any) -> None:
    testing = draft.data.get(use="testing").dataset_version
    registry.describe_draft(
        draft,
        by=scientist,
        card=draft.card.content,
        data=[("stopping", testing)],
        run=None,
        architecture=None,
        reading=None,
        note="",
    )
    assert [(link.use, link.dataset_version) for link in VersionData.objects.filter(version=draft)] == [("stopping", testing)]
    assert sorted(story()) == ["version.data_linked", "version.data_unlinked", "version.data_unlinked", "version.described"]


def test_a_submitted_version_is_described_no_more(make_review: Any, scientist: Any) -> None:
    version = make_review().version
    said = {"card": CARD, "data": [], "run": None, "architecture": None, "reading": None, "note": ""}
    with pytest.raises(WrongState, match="was submitted, so its checkpoint and data are fixed"):
        registry.describe_draft(version, by=scientist, **said)
    with pytest.raises(WrongState, match="was submitted"):
        services.finish_draft(version, by=scientist, checkpoint=None, checkpoint_name="", environment="production", **said)


@pytest.mark.parametrize("part", ["validator", "officer", "auditor", "admin"])
def test_others_finish_no_draft(client_of: Any, draft: Version, request: pytest.FixtureRequest, part: str) -> None:
    person = request.getfixturevalue(part)
    address = reverse("governance:finish", args=[draft.pk])
    assert client_of(person).get(address).status_code in {403, 404}
    with pytest.raises(NotAllowed):
        registry.describe_draft(draft, by=person, card=CARD, data=[], run=None, architecture=None, reading=None, note="")
    assert "Finish and submit" not in client_of(person).get(draft.get_absolute_url()).content.decode()


def test_whoever_described_it_or_reported_to_its_run_has_a_hand_in_it(
    make_draft: Any, team: Any, scientist: Any, other_scientist: Any, validator: Any
) -> None:
    run = tracking.start_run(team, by=scientist, name="training")
    tracking.log(run, by=validator, params={"lr": 1})
    version = make_draft()
    registry.describe_draft(
        version, by=other_scientist, card=CARD, data=[], run=run, architecture=None, reading=None, note="more"
    )
    version = Version.objects.select_related("training_run").get(pk=version.pk)
    assert contributors(version) >= {str(scientist.pk), str(other_scientist.pk), str(validator.pk)}
