"""Past facts about environments: that one exists, how strictly it asks, that it is gone."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("environment.made", version=1)
@dataclass(frozen=True, kw_only=True)
class EnvironmentMade(Event):
    """There is an environment to which versions may be released."""

    says = _("Environment %(slug)s made; its mode is %(mode)s")
    look = ("server", "idle")

    slug: str
    mode: str  # prevent, warn, record
    name: Private
    reason: Private = Private("")
    proof: list[str] = field(default_factory=list)


@event("environment.mode_changed", version=1)
@dataclass(frozen=True, kw_only=True)
class EnvironmentModeChanged(Event):
    """How strictly releases to the environment ask for an approval is another than before."""

    says = _("Mode of the environment %(slug)s changed from %(before)s to %(mode)s")
    look = ("sliders-horizontal", "warn")

    slug: str
    before: str
    mode: str
    reason: Private
    proof: list[str]


@event("environment.retired", version=1)
@dataclass(frozen=True, kw_only=True)
class EnvironmentRetired(Event):
    """Nothing is released to the environment any more; what was live there stays in the history."""

    says = _("Environment %(slug)s retired")
    look = ("archive", "idle")

    slug: str
    reason: Private
    proof: list[str]
