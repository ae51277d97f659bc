"""Ways to blind the check of predictions, or to be gone when it fires: each was tried, and is closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from governance import services as governance
from governance.approvals import approval_of
from governance.models import Release
from measures.moments import Moments
from models_registry.models import Version
from monitoring import services
from monitoring.models import Alert, ObservationBatch
from tests.plugins_versions import CARD

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved()
    governance.release(version, environment="production", by=risk_manager)
    return Version.objects.with_parts().get(pk=version.pk)


def observe(version: Any, by: Any, *, share: tuple[float, float, float] = (0.34, 0.33, 0.33), n: int = 400) -> Any:
    sums, squares = [n * part for part in share], [n * part * part for part in share]
    return services.receive_observations(
        version, environment="production", n=n, sums=sums, sums_of_squares=squares, predicted=[n, 0, 0], by=by
    )


def on_the_edge(n: int = 2) -> Moments:
    """Sums whose error is as large as is allowed: the next larger number is refused."""
    sums = np.array([n / 3] * 3)
    sums[0] += n + 1e-3 * n - sums.sum()
    while abs(sums.sum() - n) > 1e-3 * n:
        sums[0] = np.nextafter(sums[0], 0)
    return Moments(n, sums, sums**2 / n)


def test_batches_on_the_edge_of_what_is_allowed_can_always_be_added() -> None:
    """Rounding moves the sum across the edge: for some sizes it did, and no version was checked any more."""
    for n in range(1, 40):
        whole = batch = on_the_edge(n)
        for _ in range(200):
            whole += batch
        assert whole.n == 201 * n


def test_a_version_whose_check_fails_does_not_keep_the_others_from_theirs(
    live: Any, make_approved: Any, make_model: Any, scientist: Any, risk_manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_approved(model=make_model("another"))
    governance.release(other, environment="production", by=risk_manager)
    for version in (live, other):
        observe(version, scientist, share=(0.60, 0.37, 0.03))
    real = services.reference_of

    def reference_of(version: Any, policy: Any) -> Any:
        if version.pk == live.pk:
            raise ArithmeticError
        return real(version, policy)

    monkeypatch.setattr(services, "reference_of", reference_of)
    assert services.check_waiting_predictions() == 1
    assert Alert.objects.get().version == other
    assert ObservationBatch.objects.get(checked_at=None).version == live


def test_a_card_revised_in_time_does_not_save_a_release_from_a_breach(live: Any, scientist: Any, sign: Any) -> None:
    """A version in review is not approved, so it cannot be suspended: signed anew, it was live again as if nothing had been."""
    observe(live, scientist, share=(0.60, 0.37, 0.03))
    governance.revise_card(live, CARD | {"contact": "Another mailbox"}, by=scientist)
    services.check_waiting_predictions()
    assert Alert.objects.get().state == "open"
    review = live.reviews.get(state="open")
    sign(review, "validator")
    sign(review, "compliance_officer")
    assert approval_of(Version.objects.get(pk=live.pk), "production").holds
    assert not Release.objects.live().exists()
