"""The Submit page: who may open it, what it offers, and that it goes the same way as the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from governance.forms.submitting import ARCHITECTURES, OPTIONAL, PROGRAM, SubmitForm
from models_registry.inspection.architectures import BUILT_IN
from models_registry.models import Version
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(make_model: Any, make_data: Any) -> Any:
    """`filled(note="…")`: all that the page asks for."""
    model, learned, held_out = make_model(), make_data("digits-train", content=b"training rows"), make_data("digits")

    def fill(**more: Any) -> dict[str, Any]:
        return _fields(model, learned, held_out) | more

    return fill


def _fields(model: Any, learned: Any, held_out: Any) -> dict[str, Any]:
    return {
        "model": model.pk,
        "environment": "production",
        "checkpoint": SimpleUploadedFile("model.safetensors", b"weights"),
        "architecture": "small-cnn",
        "settings": '{"input": [1, 8, 8], "channels": [4], "classes": 3}',
        "training": [learned.pk],
        "testing": [held_out.pk],
        "note": "First",
        **{f"card_{key}": text for key, text in CARD.items()},
    }


def test_the_architectures_that_are_offered_are_those_that_are_built_in() -> None:
    assert set(ARCHITECTURES) == set(BUILT_IN)
    for name, settings in ARCHITECTURES.items():
        assert set(settings) <= set(BUILT_IN[name].schema["properties"])
        assert set(BUILT_IN[name].schema["required"]) == set(settings) - OPTIONAL.get(name, set())
        assert set(BUILT_IN[name].schema["properties"]) == set(settings) | OPTIONAL.get(name, set())


@pytest.mark.parametrize(
    ("architecture", "config", "sentence"),
    [
        ("mlp", '{"input": [64], "channels": [4], "classes": 3}', "mlp has no setting “channels”"),
        ("small-cnn", '{"input": [1, 8, 8], "classes": 3}', "small-cnn needs the setting “channels”"),
        ("small-cnn", "", "small-cnn needs the setting “channels”"),
    ],
)
def test_settings_of_another_architecture_cost_no_version(
    filled: Any, scientist: Any, client_of: Any, architecture: str, config: str, sentence: str
) -> None:
    answer = client_of(scientist).post("/submit/", filled(architecture=architecture, settings=config))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Version.objects.exists()


def test_a_version_is_submitted_from_the_page(filled: Any, scientist: Any, client_of: Any, story: Any) -> None:
    given = filled()
    before = len(story())
    answer = client_of(scientist).post("/submit/", given)
    version = Version.objects.get()
    assert answer.status_code == 303 and answer["Location"] == version.get_absolute_url()
    assert version.architecture == {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [4], "classes": 3}}
    assert version.state == "submitted" and version.checkpoint_name == "model.safetensors"
    assert story()[before:][-3:] == ["version.submitted", "inspection.queued", "review.opened"]


@pytest.mark.parametrize(("written", "said"), [("{not json", "This is not JSON."), ("[1, 2]", "Settings are a table")])
def test_settings_that_cannot_be_used_are_named(filled: Any, scientist: Any, client_of: Any, written: str, said: str) -> None:
    answer = client_of(scientist).post("/submit/", filled(settings=written))
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not Version.objects.exists()


def test_an_exported_program_needs_no_architecture(filled: Any, scientist: Any, client_of: Any) -> None:
    answer = client_of(scientist).post("/submit/", filled(architecture=PROGRAM, settings=""))
    assert answer.status_code == 303 and Version.objects.get().architecture is None


def test_a_refused_submission_leaves_no_draft_behind(filled: Any, scientist: Any, client_of: Any) -> None:
    same = filled()
    answer = client_of(scientist).post("/submit/", same | {"testing": same["training"]})
    assert answer.status_code == 422 and "cannot be submitted yet" in answer.content.decode()
    assert Version.objects.get().state == "withdrawn"


@pytest.mark.parametrize("role", ["validator", "officer", "dpo", "risk_manager", "auditor", "admin"])
def test_who_may_not_submit_reads_why(role: str, request: pytest.FixtureRequest, client_of: Any) -> None:
    client = client_of(request.getfixturevalue(role))
    for answer in (client.get("/submit/"), client.post("/submit/", {})):
        assert answer.status_code == 403
        assert "Only data scientists submit versions." in answer.content.decode()
    assert 'href="/submit/"' not in client.get("/").content.decode()


def test_only_models_of_ones_own_teams_are_offered(
    make_model: Any, make_team: Any, make_person: Any, scientist: Any, team: Any
) -> None:
    mine = make_model()
    other = make_team("other")
    both = make_person("Bo Both", ("data_scientist", other), ("validator", team))
    assert list(SubmitForm(person=scientist).fields["model"].queryset) == [mine]
    assert list(SubmitForm(person=both).fields["model"].queryset) == []


def test_the_form_begins_with_what_the_version_before_said(make_approved: Any, scientist: Any, client_of: Any) -> None:
    version = make_approved()
    page = client_of(scientist).get(f"/submit/?model={version.model_id}").content.decode()
    assert "are filled in from digit-reader v1" in page and CARD["limitations"] in page
    assert client_of(scientist).get("/submit/?model=no-id").status_code == 200


def test_who_has_no_model_yet_is_told_how_to_register_one(client_of: Any, scientist: Any) -> None:
    page = client_of(scientist).get("/submit/").content.decode()
    assert "No model to submit to" in page and "mlflow.register_model(" in page and "/api/v1/models/" in page


def test_a_draft_leads_to_its_models_page_while_task_or_tier_are_not_stated(
    make_draft: Any, client_of: Any, scientist: Any
) -> None:
    version = make_draft()
    client, link = client_of(scientist), f'<a href="{version.model.get_absolute_url()}">To the model&#x27;s page</a>'
    assert link not in client.get(version.get_absolute_url()).content.decode()
    type(version.model).objects.filter(pk=version.model_id).update(risk_tier="")
    assert link in client.get(version.get_absolute_url()).content.decode()
