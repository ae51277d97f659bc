"""What a registration left open is stated once, by those who may, on the page and in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from core.errors import InvalidInput, NotAllowed, WrongState
from models_registry import editing, services
from models_registry.models import RegisteredModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(scientist: Any, team: Any) -> RegisteredModel:
    return services.register_model(by=scientist, team=team, name="churn", task="", risk_tier="")


def test_what_is_stated_stays(model: RegisteredModel, scientist: Any, story: Callable[[], list[str]]) -> None:
    editing.state(model, by=scientist, risk_tier="high")
    editing.state(model, by=scientist, task="binary", classes=["no", "yes"])
    editing.state(model, by=scientist, task="binary")
    for wrong in ({"risk_tier": "low"}, {"task": "regression"}, {"classes": ["a"]}):
        with pytest.raises(WrongState, match="stated"):
            editing.state(model, by=scientist, **wrong)
    with pytest.raises(InvalidInput):
        editing.state(model, by=scientist, task="guessing")
    model.refresh_from_db()
    assert (model.task, model.risk_tier, model.classes) == ("binary", "high", ["no", "yes"])
    assert story() == ["model.stated", "model.stated"]


def test_only_a_data_scientist_of_the_team_states(model: RegisteredModel, validator: Any) -> None:
    with pytest.raises(NotAllowed):
        editing.state(model, by=validator, risk_tier="low")
    model.refresh_from_db()
    assert model.risk_tier == ""


def test_the_page_asks_for_what_is_open(model: RegisteredModel, client_of: Any, scientist: Any, auditor: Any) -> None:
    client, address = client_of(scientist), reverse("models_registry:state", args=[model.pk])
    page = client.get(model.get_absolute_url()).content.decode()
    assert "Task and risk tier are not stated" in page and f'action="{address}"' in page
    seen = client_of(auditor).get(model.get_absolute_url()).content.decode()
    assert "not stated" in seen and f'action="{address}"' not in seen
    assert client.post(address, {"task": "binary"}).status_code == 422
    assert client.post(address, {"task": "binary", "risk_tier": "medium", "classes": "no, yes"}).status_code == 302
    model.refresh_from_db()
    assert (model.task, model.risk_tier, model.classes) == ("binary", "medium", ["no", "yes"])
    assert "are not stated" not in client.get(model.get_absolute_url()).content.decode()
