"""When a person is erased, what they wrote for a decision goes, and the decision stays."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.services import erase_person
from governance import services
from governance.models import Release
from ledger.models import Event, PrivateValue
from ledger.services import fsck, sequence_and_seal

pytestmark = pytest.mark.django_db


def test_the_reason_of_a_roll_back_goes_with_the_person_who_wrote_it(
    make_approved: Any, make_model: Any, risk_manager: Any, admin: Any
) -> None:
    model = make_model()
    first, second = make_approved(model=model), make_approved(model=model)
    for version in (first, second):
        services.release(version, environment="production", by=risk_manager)
    back = services.roll_back(model, environment="production", by=risk_manager, reason="Ask Kim about the camera.")
    assert back.reason == "Ask Kim about the camera."
    erase_person(risk_manager, by=admin)
    assert Release.objects.get(pk=back.pk).reason == ""
    assert not PrivateValue.objects.filter(value__contains="Kim").exists()
    assert Event.objects.filter(type="release.made").count() == 3
    sequence_and_seal()
    assert fsck().holds
