"""A version says how its data are read: checked when it is drafted, shown with the evidence, handed to the measurement."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import InvalidInput
from data_registry.models import DatasetVersion, Profile
from models_registry import services
from models_registry.inspection.reading import BadReading, reading_of
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db
READING = {
    "features": [
        {"name": "age", "kind": "number", "mean": 41.2, "scale": 12.9, "fill": 40},
        {"name": "ward", "kind": "category", "categories": ["A", "B"]},
        {"name": "weight"},
    ],
    "target": ["ill", "old"],
    "slices": ["sex"],
    "group": "patient",
}


def test_a_declaration_that_cannot_be_followed_is_refused(make_model: Any, scientist: Any) -> None:
    with pytest.raises(InvalidInput, match="both an input and the target"):
        services.draft_version(make_model(), by=scientist, card=CARD, reading={**READING, "target": "age"})


def test_the_declaration_is_kept_and_told_by_the_api(make_model: Any, scientist: Any, api_of: Any) -> None:
    model, api = make_model(), api_of(scientist)
    told = api.post(f"/api/v1/models/{model.pk}/versions/", {"card": CARD, "reading": READING}, format="json")
    assert told.status_code == 201 and told.json()["reading"] == READING
    refused = api.post(f"/api/v1/models/{model.pk}/versions/", {"card": CARD, "reading": {"target": "x"}}, format="json")
    assert refused.status_code == 422 and "either the features" in refused.json()["detail"]
    assert model.versions.get().reading == READING


def test_the_evidence_shows_how_the_data_are_read(make_model: Any, scientist: Any, client_of: Any) -> None:
    version = services.draft_version(make_model(), by=scientist, card=CARD, reading=READING)
    page = client_of(scientist).get(f"/versions/{version.pk}/evidence/").content.decode()
    assert "How its data are read" in page and "<code>ill</code>, <code>old</code>" in page
    for text in ("minus 41.2, divided by 12.9", "a missing value becomes 40", "2 categories:", "A, B", "<code>patient</code>"):
        assert text in page, text
    assert "a missing value is refused" in page
    plain = services.draft_version(version.model, by=scientist, card=CARD)
    assert "How its data are read" not in client_of(scientist).get(f"/versions/{plain.pk}/evidence/").content.decode()


def test_arrays_and_images_are_registered_and_not_read_for_personal_data(make_data: Any) -> None:
    for format in ("npz", "images"):
        version = make_data(format, format=format)
        assert version.format == format and version.get_format_display() in ("npz", "zip of images")
    assert not Profile.objects.filter(dataset_version__format__in=["npz", "images"]).exists()
    assert DatasetVersion.objects.count() == 2


@pytest.mark.parametrize(
    "reading",
    [
        {"features": [{"name": "age", "kind": ["number"]}], "target": "ill"},
        {"features": [{"name": "age", "kind": {}}], "target": "ill"},
        {"features": [{"name": "age", "mean": 10**400}], "target": "ill"},
        {"features": [{"name": "age", "scale": 10**400}], "target": "ill"},
        {"features": [{"name": "age", "fill": float("nan")}], "target": "ill"},
        {"features": [{"name": "age", "scale": float("inf")}], "target": "ill"},
        {"features": [{"name": "age", "kind": "category", "categories": [["A"]]}], "target": "ill"},
        {"features": [["age"]], "target": [["ill"]]},
        {"features": [{"name": "age"}], "target": "ill", "delimiter": [","]},
        {"features": [{"name": "age"}], "target": "ill", "slices": [{}]},
        {"features": [{"name": "age"}], "target": "ill", "group": {}},
        {"image": {"size": [8, 8], "mode": ["RGB"]}, "target": "ill"},
        {"image": {"size": [8, 8], "mode": {}}, "target": "ill"},
        {"image": {"size": [2**70, 8]}, "target": "ill"},
        {"image": {"size": [8, 8], "mean": [10**400] * 3}, "target": "ill"},
        {"image": {"size": [8, 8], "scale": [0.0, 1, 1]}, "target": "ill"},
        {"image": [], "target": "ill"},
    ],
)
def test_whatever_stands_in_a_declaration_is_answered_with_a_sentence(reading: Any) -> None:
    with pytest.raises(BadReading):
        reading_of(reading)


@pytest.mark.parametrize(
    "draft",
    [
        {"reading": {"features": [{"name": "age", "mean": 2**60}], "target": "ill"}},
        {"architecture": {"name": "perceptron", "config": {"inputs": 2**60}}},
        {"architecture": {"name": "perceptron", "config": {"rate": float("nan")}}},
    ],
)
def test_what_has_no_digest_is_refused_when_it_is_drafted(make_model: Any, scientist: Any, draft: Any) -> None:
    model = make_model()
    with pytest.raises(InvalidInput, match="canonical JSON"):
        services.draft_version(model, by=scientist, card=CARD, **draft)
    assert not model.versions.exists()
