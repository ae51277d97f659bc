"""The same bytes as a draft of another model: what comes along, what does not, who may, and what follows the weights."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from core import clock
from core.errors import DomainError, InvalidInput, NotAllowed, WrongState
from data_registry.models import Dataset, DatasetVersion, PiiFinding
from evaluations.models import EvaluationRun
from governance import gate, services
from governance.approvals import approval_of
from governance.models import Finding, Release, Review, RiskAssessment, SignOff
from governance.permissions import contributors
from governance.pins import flags_of
from ledger.models import Event
from models_registry import services as registry
from models_registry.cloning import clone_as_model, clone_into
from models_registry.descent import clones_of, not_taken_over, original_of, originals_of
from models_registry.models import Inspection, RegisteredFile, RegisteredModel, Version, VersionData
from models_registry.services import submission_gaps
from tests.plugins_versions import CARD, CLASSES, REFUSED
from tracking import services as tracking

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_team(make_team: Any) -> Any:
    return make_team("letters", "Letters")


@pytest.fixture
def guest(make_person: Any, team: Any, other_team: Any) -> Any:
    """A data scientist of the other team who sees the first team's models, and validates there."""
    return make_person("Guest", ("data_scientist", other_team), ("validator", team))


@pytest.fixture
def cloned(make_approved: Any, guest: Any, other_team: Any) -> Any:
    """`cloned()`: an approved version and its clone, a new model of the other team."""

    def make(**draft: Any) -> tuple[Version, Version]:
        original = make_approved(**draft)
        return original, clone_as_model(original, by=guest, team=other_team, name="letter-reader", description="For letters.")

    return make


# -- what comes along ---------------------------------------------------------------------------------------------------------


def test_a_new_model_of_another_team_has_the_same_bytes_and_copies_none(
    make_approved: Any, guest: Any, other_team: Any, data_dir: Any
) -> None:
    original = make_approved()
    before = sorted(data_dir.glob("blobs/**/*"))
    clone = clone_as_model(original, by=guest, team=other_team, name="letter-reader", description="For letters.", note="pilot")
    model = clone.model
    assert (model.name, model.team, model.owner, model.description) == ("letter-reader", other_team, guest, "For letters.")
    assert (model.task, model.classes, model.risk_tier) == ("multiclass", CLASSES, "high")
    assert (clone.number, clone.state, clone.note, clone.created_by) == (1, "draft", "pilot", guest)
    same = ("checkpoint_digest", "checkpoint_size", "checkpoint_name", "architecture", "reading")
    assert [getattr(clone, name) for name in same] == [getattr(original, name) for name in same]
    assert clone.card.content == CARD and clone.card.revision == 1 and clone.card.author == guest
    assert sorted(data_dir.glob("blobs/**/*")) == before
    assert original_of(clone) == original and list(clones_of(original)) == [clone]
    assert submission_gaps(clone) == []


def test_it_is_told_as_one_act_with_its_original(make_approved: Any, guest: Any, other_team: Any, story: Any) -> None:
    original = make_approved()
    before = len(story())
    clone = clone_as_model(original, by=guest, team=other_team, name="letter-reader")
    assert story()[before:] == [
        "model.registered",
        "version.drafted",
        "card.revised",
        "version.data_linked",
        "version.data_linked",
        "version.cloned",
        "version.checkpoint_received",
    ]
    told = Event.objects.get(type="version.cloned")
    assert (told.subject_id, told.data) == (
        str(clone.pk),
        {
            "original": str(original.pk),
            "name": "digit-reader v1",
            "team": str(original.model.team_id),
            "checkpoint": original.checkpoint_digest,
        },
    )


def test_a_model_that_exists_gets_a_new_draft(make_approved: Any, make_model: Any, scientist: Any) -> None:
    original, model = make_approved(), make_model("shop-reader")
    registry.draft_version(model, by=scientist, card=CARD)
    clone = clone_into(original, by=scientist, model=model, note="same task")
    assert (clone.model, clone.number, clone.checkpoint_digest) == (model, 2, original.checkpoint_digest)


def test_registered_files_come_along_by_digest(make_approved: Any, guest: Any, other_team: Any) -> None:
    original = make_approved()
    RegisteredFile.objects.create(version=original, path="MLmodel", digest=original.checkpoint_digest, size=3)
    clone = clone_as_model(original, by=guest, team=other_team, name="letter-reader")
    assert [(one.path, one.digest, one.size) for one in clone.files.all()] == [("MLmodel", original.checkpoint_digest, 3)]


def test_the_training_run_comes_along_in_its_own_team_alone(
    make_approved: Any, make_model: Any, scientist: Any, guest: Any, other_team: Any, team: Any
) -> None:
    run = tracking.end_run(tracking.start_run(team, by=scientist, name="trained"), by=scientist, state="finished")
    original = make_approved(run=run)
    assert clone_into(original, by=scientist, model=make_model("shop-reader")).training_run == run
    elsewhere = clone_as_model(original, by=guest, team=other_team, name="letter-reader")
    assert elsewhere.training_run is None
    assert not_taken_over(elsewhere) == (
        f"Not taken over from digit-reader v1: its training run, which is the team {team.name}'s."
    )


# -- data of other teams -------------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(make_team: Any, make_data: Any) -> Any:
    """`foreign(version)`: the data that the version names belong to a team that nobody here is in."""

    def move(name: str) -> DatasetVersion:
        data = make_data(name, content=name.encode())
        Dataset.objects.filter(pk=data.dataset_id).update(team=make_team(f"team-of-{name}"))
        return data

    return move


def test_data_to_test_on_that_one_does_not_see_are_left_out_and_counted(
    make_draft: Any, foreign: Any, scientist: Any, guest: Any, other_team: Any, inspect: Any
) -> None:
    original = make_draft()
    VersionData.objects.create(version=original, dataset_version=foreign("closed"), use="testing")
    services.submit(original, by=scientist)
    clone = clone_as_model(Version.objects.get(pk=original.pk), by=guest, team=other_team, name="letter-reader")
    assert {(one.use, one.dataset_version.dataset.name) for one in clone.data.all()} == {
        ("training", "digits-train"),
        ("testing", "digits"),
    }
    assert not_taken_over(clone) == "Not taken over from digit-reader v1: 1 dataset version that it is tested on."


def test_what_the_weights_learned_from_is_named_even_where_one_does_not_see_it(
    make_draft: Any, foreign: Any, scientist: Any, guest: Any, other_team: Any
) -> None:
    """Personal data and rows seen in training follow the weights into every model that has them."""
    original, patients = make_draft(), foreign("patients")
    PiiFinding.objects.create(
        dataset_version=patients, created_by=scientist, category="health", present="yes", basis="declared", column="ill"
    )
    VersionData.objects.create(version=original, dataset_version=patients, use="training")
    services.submit(original, by=scientist)
    assert not DatasetVersion.objects.visible_to(guest).filter(pk=patients.pk).exists()
    clone = clone_as_model(Version.objects.get(pk=original.pk), by=guest, team=other_team, name="letter-reader")
    assert clone.data.filter(dataset_version=patients, use="training").exists()
    assert "health" in {flag.category for flag in flags_of(clone)}


def test_what_the_weights_learned_from_is_not_dropped_from_a_clone(cloned: Any, guest: Any) -> None:
    _original, clone = cloned()
    tests = [("testing", link.dataset_version) for link in clone.data.filter(use="testing")]
    said: Any = {"card": CARD, "run": None, "architecture": None, "reading": None, "note": ""}
    with pytest.raises(WrongState, match="digits-train v1 stays named: the weights, which are those of digit-reader v1"):
        registry.describe_draft(clone, by=guest, data=tests, **said)
    learned = clone.data.get(use="training")
    registry.describe_draft(clone, by=guest, data=[("training", learned.dataset_version)], **said)
    assert [link.use for link in clone.data.all()] == ["training"]


def test_a_clone_is_finished_on_its_page_with_data_that_its_team_does_not_see(
    make_draft: Any, foreign: Any, scientist: Any, guest: Any, other_team: Any, client_of: Any
) -> None:
    original, patients = make_draft(), foreign("patients")
    VersionData.objects.create(version=original, dataset_version=patients, use="training")
    services.submit(original, by=scientist)
    clone = clone_as_model(Version.objects.get(pk=original.pk), by=guest, team=other_team, name="letter-reader")
    address = reverse("governance:finish", args=[clone.pk])
    page = client_of(guest).get(address).content.decode()
    assert str(patients.pk) in page and 'name="checkpoint"' not in page
    links: dict[str, list[str]] = {}
    for link in clone.data.all():
        links.setdefault(link.use, []).append(str(link.dataset_version_id))
    card = {f"card_{key}": text for key, text in CARD.items()}
    answer = client_of(guest).post(address, {"environment": "production", "architecture": "-", **links, **card})
    assert answer.status_code == 303, answer.content.decode()
    clone.refresh_from_db()
    assert clone.state == "submitted" and clone.data.filter(dataset_version=patients).exists()


# -- what is never inherited -----------------------------------------------------------------------------------------------------


def test_nothing_that_was_decided_about_the_original_holds_for_its_clone(
    make_approved: Any, validator: Any, risk_manager: Any, guest: Any, other_team: Any
) -> None:
    original = make_approved()
    services.release(original, by=risk_manager, environment="production")
    assert approval_of(original, "production").holds
    said = {"title": "Odd", "severity": "low", "source": "review", "owner": guest}
    services.raise_finding(original, by=validator, due_on=clock.now().date() + timedelta(days=9), **said)
    clone = clone_as_model(original, by=guest, team=other_team, name="letter-reader")
    assert not approval_of(clone, "production").holds
    assert not Review.objects.filter(version=clone).exists()
    assert not SignOff.objects.filter(review__version=clone).exists()
    assert not Release.objects.filter(version=clone).exists()
    assert not Finding.objects.filter(version=clone).exists()
    assert not EvaluationRun.objects.filter(version=clone).exists()
    assert not Inspection.objects.filter(version=clone).exists()
    assert RiskAssessment.objects.filter(model=original.model).exists()
    assert not RiskAssessment.objects.filter(model=clone.model).exists()


def test_the_gate_lets_the_bytes_run_as_the_original_alone(
    make_approved: Any, risk_manager: Any, guest: Any, make_person: Any, other_team: Any
) -> None:
    original = make_approved()
    services.release(original, by=risk_manager, environment="production")
    clone = clone_as_model(original, by=guest, team=other_team, name="letter-reader")
    services.submit(clone, by=guest)
    reader = make_person("Reader", ("data_scientist", other_team))
    digest = original.checkpoint_digest
    assert gate.answer(digest, "production", asked_by=risk_manager).allowed
    assert not gate.answer(digest, "production", asked_by=guest, model=clone.model_id).allowed
    assert not gate.answer(digest, "production", asked_by=reader).allowed


def test_a_clone_is_inspected_measured_and_reviewed_anew(cloned: Any, guest: Any, inspect: Any, measure: Any) -> None:
    original, clone = cloned()
    review = services.submit(clone, by=guest)
    assert review.pk not in set(original.reviews.values_list("pk", flat=True))
    clone = inspect(clone)
    assert clone.inspection.is_usable and clone.inspection.pk != original.inspection.pk
    assert {run.version_id for run in measure(clone)} == {clone.pk}
    assert not approval_of(clone, "production").holds


def test_whoever_worked_on_the_original_does_not_sign_its_clones(
    make_review: Any, sign: Any, make_model: Any, make_person: Any, scientist: Any, team: Any, inspect: Any, measure: Any
) -> None:
    """Also where they had no hand in the clone, and in a clone of a clone."""
    maker = make_person("Maker", ("data_scientist", team), ("validator", team))
    colleague = make_person("Colleague", ("data_scientist", team))
    original = make_review(by=maker).version
    first = clone_into(original, by=scientist, model=make_model("shop-reader"))
    services.submit(first, by=scientist)
    again = clone_as_model(Version.objects.get(pk=first.pk), by=colleague, team=team, name="third-reader")
    assert originals_of(again) == [first, original]
    assert contributors(again) >= {str(one.pk) for one in (maker, scientist, colleague)}
    review = services.submit(again, by=colleague)
    inspect(again)
    measure(again)
    assert maker.pk in Review.objects.get(pk=review.pk).contributors
    assert not Review.objects.signable_by(maker).filter(pk=review.pk).exists()
    with pytest.raises(NotAllowed, match="You contributed to this version"):
        sign(review, "validator", by=maker)


# -- who may ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        (["auditor"], ["data_scientist"], "hand its checkpoint on"),
        (["compliance_officer"], ["data_scientist"], "hand its checkpoint on"),
        (["data_scientist"], [], "Only a data scientist of this team"),
        (["data_scientist"], ["validator", "risk_manager"], "Only a data scientist of this team"),
    ],
)
def test_whoever_lacks_a_right_on_either_side_clones_nothing(
    here: list[str], there: list[str], why: str, make_approved: Any, make_person: Any, team: Any, other_team: Any, story: Any
) -> None:
    original = make_approved()
    person = make_person("Somebody", *((role, team) for role in here), *((role, other_team) for role in there))
    with pytest.raises(NotAllowed, match=why):
        clone_as_model(original, by=person, team=other_team, name="letter-reader")
    assert Version.objects.count() == 1 and story()[-1] == "attempt.refused"


def test_who_does_not_see_the_version_finds_nothing_to_clone(
    make_approved: Any, make_person: Any, other_team: Any, api_of: Any, client_of: Any
) -> None:
    original, person = make_approved(), make_person("Elsewhere", ("data_scientist", other_team))
    given = {"team": str(other_team.pk), "name": "letter-reader"}
    assert api_of(person).post(f"/api/v1/versions/{original.pk}/clones/", given).status_code == 404
    assert api_of(person).get(f"/api/v1/versions/{original.pk}/clones/").status_code == 404
    assert client_of(person).get(f"/versions/{original.pk}/clone/").status_code == 404
    assert client_of(person).post(f"/versions/{original.pk}/clone/", given).status_code == 404
    assert Version.objects.count() == 1


def test_a_team_or_model_that_one_does_not_see_does_not_exist(
    make_approved: Any, make_person: Any, team: Any, scientist: Any, make_team: Any, api_of: Any
) -> None:
    original, hidden = make_approved(), make_team("hidden")
    owner = make_person("Owner", ("data_scientist", hidden))
    model = registry.register_model(by=owner, team=hidden, name="secret", task="multiclass", risk_tier="high", classes=CLASSES)
    address = f"/api/v1/versions/{original.pk}/clones/"
    for given, code in (({"model": str(model.pk)}, "unknown_model"), ({"team": str(hidden.pk), "name": "twin"}, "unknown_team")):
        answer = api_of(scientist).post(address, given)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


# -- what is not cloned ---


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("draft", "is a draft whose bytes may still change"),
        ("withdrawn", "was withdrawn"),
        ("rejected", "was rejected"),
        ("suspended", "is suspended"),
        ("retired", "is retired"),
    ],
)
def test_what_was_stopped_refused_or_taken_back_is_not_spread(
    state: str, why: str, make_draft: Any, scientist: Any, team: Any, client_of: Any
) -> None:
    original = make_draft()
    Version.objects.filter(pk=original.pk).update(state=state)
    with pytest.raises(WrongState, match=why):
        clone_as_model(original, by=scientist, team=team, name="twin")
    assert not RegisteredModel.objects.filter(name="twin").exists()
    assert why in client_of(scientist).get(f"/versions/{original.pk}/clone/").content.decode()
    assert f"/versions/{original.pk}/clone/" not in client_of(scientist).get(original.get_absolute_url()).content.decode()


def test_bytes_that_the_inspection_refused_are_not_cloned(make_draft: Any, scientist: Any, team: Any, inspect: Any) -> None:
    original = make_draft()
    services.submit(original, by=scientist)
    inspect(original, REFUSED)
    with pytest.raises(WrongState, match="The inspection refused the checkpoint of digit-reader v1"):
        clone_as_model(original, by=scientist, team=team, name="twin")


def test_a_model_takes_no_clone_of_its_own_version_of_another_task_or_twice(
    make_approved: Any, make_model: Any, scientist: Any, team: Any
) -> None:
    original = make_approved()
    other = registry.register_model(by=scientist, team=team, name="ages", task="regression", risk_tier="low")
    odd = registry.register_model(
        by=scientist, team=team, name="odd", task="multiclass", risk_tier="low", classes=list(reversed(CLASSES))
    )
    refused: list[tuple[Any, type[DomainError], str]] = [
        (original.model, InvalidInput, "a version of digit-reader already"),
        (other, InvalidInput, "another task"),
        (odd, InvalidInput, "other classes"),
    ]
    for model, kind, why in refused:
        with pytest.raises(kind, match=why):
            clone_into(original, by=scientist, model=model)
    twin = make_model("twin")
    clone_into(original, by=scientist, model=twin)
    with pytest.raises(WrongState, match="twin v1 is a draft that was cloned from it already"):
        clone_into(original, by=scientist, model=twin)
    with pytest.raises(WrongState, match="already has a model named twin"):
        clone_as_model(original, by=scientist, team=team, name="twin")


def test_a_clone_keeps_its_originals_bytes(cloned: Any, guest: Any) -> None:
    original, clone = cloned()
    with pytest.raises(WrongState, match="was cloned from digit-reader v1 and keeps its bytes"):
        registry.receive_checkpoint(clone, [b"other weights"], name="other.safetensors", by=guest)
    clone.refresh_from_db()
    assert clone.checkpoint_digest == original.checkpoint_digest


# -- over the API and on the pages ---


def test_the_api_answers_with_the_draft_and_what_it_lacks(cloned: Any, guest: Any, other_team: Any, api_of: Any) -> None:
    original, first = cloned()
    address = f"/api/v1/versions/{original.pk}/clones/"
    made = api_of(guest).post(address, {"team": str(other_team.pk), "name": "second-reader", "description": "B", "note": "n"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["name"], body["note"], body["gaps"], body["not_taken_over"]) == ("second-reader v1", "n", [], "")
    assert body["cloned_from"] == {"id": str(original.pk), "name": "digit-reader v1"}
    assert [one["name"] for one in api_of(guest).get(address).json()["results"]] == ["second-reader v1", "letter-reader v1"]
    assert api_of(guest).get(f"/api/v1/versions/{original.pk}/").json()["cloned_from"] is None
    again = api_of(guest).post(address, {"model": str(first.model_id)})
    assert (again.status_code, again.json()["code"]) == (409, "already_cloned")
    for wrong in (
        {},
        {"team": str(other_team.pk)},
        {"name": "x"},
        {"team": str(other_team.pk), "name": "x", "model": str(UUID(int=1))},
    ):
        assert api_of(guest).post(address, wrong).status_code == 422


def test_whoever_sees_the_original_alone_is_told_of_no_clone(
    cloned: Any, scientist: Any, auditor: Any, api_of: Any, client_of: Any
) -> None:
    original, clone = cloned()
    address = f"/api/v1/versions/{original.pk}/clones/"
    assert api_of(scientist).get(address).json()["results"] == []
    assert "letter-reader" not in client_of(scientist).get(original.get_absolute_url()).content.decode()
    assert [one["id"] for one in api_of(auditor).get(address).json()["results"]] == [str(clone.pk)]
    assert clone.get_absolute_url() in client_of(auditor).get(original.get_absolute_url()).content.decode()


def test_the_clone_names_its_original_and_links_it_for_whoever_sees_it(
    cloned: Any, guest: Any, make_person: Any, other_team: Any, client_of: Any
) -> None:
    original, clone = cloned()
    inside = make_person("Inside", ("data_scientist", other_team))
    page = client_of(guest).get(clone.get_absolute_url()).content.decode()
    assert "Cloned from digit-reader v1" in page and original.get_absolute_url() in page
    page = client_of(inside).get(clone.get_absolute_url()).content.decode()
    assert "Cloned from digit-reader v1" in page and original.get_absolute_url() not in page
    assert "Cloned from digit-reader v1" in client_of(inside).get(f"{clone.get_absolute_url()}history/").content.decode()


def test_it_is_cloned_on_its_page(make_approved: Any, guest: Any, other_team: Any, client_of: Any) -> None:
    original = make_approved()
    assert f"/versions/{original.pk}/clone/" in client_of(guest).get(original.get_absolute_url()).content.decode()
    address = f"/versions/{original.pk}/clone/"
    assert client_of(guest).get(address).status_code == 200
    missing = client_of(guest).post(address, {"name": ""})
    assert missing.status_code == 422 and "Name the new model." in missing.content.decode()
    both = {"model": "", "team": str(other_team.pk), "name": "letter-reader", "description": "For letters.", "note": "pilot"}
    made = client_of(guest).post(address, both)
    clone = Version.objects.get(model__name="letter-reader")
    assert (made.status_code, made["Location"]) == (303, clone.get_absolute_url())
    taken = client_of(guest).post(address, both)
    assert taken.status_code == 409 and "already has a model named letter-reader" in taken.content.decode()
    assert client_of(guest).post(address, {**both, "model": str(clone.model_id)}).status_code == 422


def test_the_form_says_what_a_new_model_needs(make_approved: Any, guest: Any, client_of: Any) -> None:
    page = client_of(guest).get(f"/versions/{make_approved().pk}/clone/").content.decode()
    said = dict(re.findall(r'<label for="id_(\w+)">[^<]*<span class="optional">([^<]*)</span>', page))
    needed = dict.fromkeys(("team", "name"), "required for a new model")
    assert said == {**needed, **dict.fromkeys(("model", "description", "note"), "optional")}


def test_two_who_clone_into_one_model_at_once_begin_one_draft(
    race: Any, make_approved: Any, make_model: Any, scientist: Any, other_scientist: Any
) -> None:
    original, model = make_approved(), make_model("twin")
    outcomes = race(*(lambda by=by: clone_into(original, by=by, model=model) for by in (scientist, other_scientist)))
    assert sorted(type(one).__name__ for one in outcomes) == ["Version", "WrongState"]
    assert Version.objects.filter(model=model).count() == 1
