"""`countersign clone` against a running site."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from governance import services
from models_registry.models import Version
from tests.countersign.conftest import Said

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(site: str, command: Callable[..., Said], key_of: Callable[..., str], machine: Any, scientist: Any) -> Any:
    (machine.parent / "key").write_text(key_of(scientist) + "\n")
    assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0
    return command


def test_a_version_is_cloned_as_a_new_model_and_into_one_that_exists(
    signed_in: Any, make_draft: Any, make_model: Any, scientist: Any
) -> None:
    original = make_draft()
    services.submit(original, by=scientist)
    said = signed_in("clone", "digit-reader:1", "--as", "shop-reader", "--description", "For the shop.", "--note", "pilot")
    clone = Version.objects.get(model__name="shop-reader")
    assert (said.code, clone.model.description, clone.note) == (0, "For the shop.", "pilot")
    assert said.out.splitlines() == [
        f"shop-reader v1 was cloned from digit-reader v1, with the same checkpoint, {original.checkpoint_digest}.",
        "Nothing that was decided about the original holds for it.",
        "Nothing is missing: submit it on its page, or over the API.",
    ]
    make_model("third-reader")
    said = signed_in("clone", str(original.pk), "--into", "third-reader", "--json")
    assert (said.code, json.loads(said.out)["cloned_from"]["name"]) == (0, "digit-reader v1")


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        (("digit-reader:1",), 64, "Say where to"),
        (("digit-reader:1", "--as", "twin", "--into", "digit-reader"), 64, "Say where to"),
        (("digit-reader:1", "--as", "twin", "--team", "nowhere"), 64, "There is no team nowhere"),
        (("digit-reader:1", "--into", "nothing"), 1, "no model named nothing"),
        (("digit-reader:7", "--as", "twin"), 1, "has no version 7"),
        (("digit-reader:1", "--as", "twin"), 1, "is a draft whose bytes may still change"),
    ],
)
def test_what_cannot_be_cloned_is_said(signed_in: Any, make_draft: Any, given: tuple[str, ...], code: int, sentence: str) -> None:
    make_draft()
    said = signed_in("clone", *given)
    assert said.code == code and sentence in said.err
    assert Version.objects.count() == 1
