"""Where a roll-back leads: one rule for the service that goes there and for the page that offers it."""

from __future__ import annotations

from typing import Any

from governance.approvals import approval_of
from governance.environments import names
from governance.models import Release
from models_registry.models import RegisteredModel, Version


def releases_in(model: RegisteredModel, environment: str) -> list[Release]:
    """All releases of the model there, the newest first."""
    rows = Release.objects.filter(model=model, environment=environment).select_related("version__model")
    return list(rows.order_by("-released_at", "-pk"))


def candidates(releases: list[Release]) -> list[Release]:
    """The versions that may be live again, in the order in which they are tried, each by its last release there.

    Nobody goes back to what was itself rolled back: asked twice, the second step leads further back, not forward again.
    """
    last_of_each: dict[Any, Release] = {}
    for one in releases:
        last_of_each.setdefault(one.version_id, one)
    latest = releases[0].version_id if releases else None
    return [one for one in last_of_each.values() if one.version_id != latest and one.state != Release.State.ROLLED_BACK]


def targets(model: RegisteredModel) -> dict[str, Version | None]:
    """For each environment where the model was released: the version that a roll-back now makes live; None where none can."""
    found: dict[str, Version | None] = {}
    for environment in names():
        if releases := releases_in(model, environment):
            versions = (one.version for one in candidates(releases))
            found[environment] = next((one for one in versions if approval_of(one, environment).holds), None)
    return found
