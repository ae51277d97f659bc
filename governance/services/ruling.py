"""Making environments, deciding how strictly each asks for an approval, and retiring them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.services import prove
from core import clock
from core.errors import InvalidInput, WrongState
from governance import events
from governance.environments import names
from governance.models import Environment, Release
from governance.models.environment import STANDARD
from governance.permissions import can_rule_environments
from governance.services.reasons import must_say_why
from ledger.acts import act
from ledger.events import Private
from models_registry.models import ModelAlias

if TYPE_CHECKING:
    from accounts.models import Person

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,31}\Z", re.ASCII)
_NUMBER = re.compile(r"v\d+\Z|latest\Z")  # what names a version by its number is no environment


def make_environment(
    *, by: Person, slug: str, name: str, mode: str, reason: str, password: str, code: str = "", order: int = 100
) -> Environment:
    """There is an environment `slug`, and the alias of its name follows what is live there."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="make_environment") as this:
        can_rule_environments(by).enforce()
        must_say_why(reason)
        if not _SLUG.match(slug) or _NUMBER.match(slug):
            raise InvalidInput(
                _("The short name has 1 to 32 lower-case letters, digits and hyphens, begins with a letter, and is no number."),
                code="environment_slug",
            )
        if not name.strip():
            raise InvalidInput(_("Give the environment a name."), code="environment_name")
        if Environment.objects.filter(pk=slug).exists():
            raise WrongState(_("There is or was an environment %(slug)s.") % {"slug": slug}, code="environment_taken")
        if ModelAlias.objects.filter(name__iexact=slug).exists():
            raise WrongState(
                _("A team uses %(slug)s as an alias of a model. Choose another name, or have the alias removed first.")
                % {"slug": slug},
                code="environment_is_alias",
            )
        made = Environment.objects.create(slug=slug, name=name.strip(), mode=Environment.Mode(mode), order=order)
        fact = events.EnvironmentMade(
            slug=slug, mode=mode, name=Private(made.name), reason=Private(reason), proof=list(proof.methods)
        )
        this.record(fact, on=made)
    return made


def change_mode(environment: Environment, *, by: Person, mode: str, reason: str, password: str, code: str = "") -> Environment:
    """Releases to the environment are asked for as `mode` says from now on; those that are live stay what they are."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="change_mode", on=environment) as this:
        can_rule_environments(by).enforce()
        must_say_why(reason)
        environment = _open_row(environment)
        before, mode = environment.mode, Environment.Mode(mode).value
        if before == mode:
            raise WrongState(
                _("The mode of %(environment)s is already %(mode)s.")
                % {"environment": environment, "mode": environment.get_mode_display().lower()},
                code="same_mode",
            )
        environment.mode = mode
        environment.save(update_fields=["mode"])
        fact = events.EnvironmentModeChanged(
            slug=environment.slug, before=before, mode=mode, reason=Private(reason), proof=list(proof.methods)
        )
        this.record(fact, on=environment)
    return environment


def retire_environment(environment: Environment, *, by: Person, reason: str, password: str, code: str = "") -> Environment:
    """Nothing is released to the environment any more; refused while something is live there."""
    proof = prove(by, password=password, code=code)
    with act(by, attempt="retire_environment", on=environment) as this:
        can_rule_environments(by).enforce()
        must_say_why(reason)
        environment = _open_row(environment)
        if environment.slug in STANDARD:
            raise WrongState(_("%(environment)s belongs to every site.") % {"environment": environment}, code="standard")
        live = Release.objects.live().filter(environment=environment.slug).count()
        if live:
            raise WrongState(
                _("Versions are live in %(environment)s: %(live)s. End these releases first.")
                % {"environment": environment, "live": live},
                code="still_live",
            )
        environment.retired_at = clock.now()
        environment.save(update_fields=["retired_at"])
        fact = events.EnvironmentRetired(slug=environment.slug, reason=Private(reason), proof=list(proof.methods))
        this.record(fact, on=environment)
    return environment


def _open_row(environment: Environment) -> Environment:
    """The row, held until the act ends: releases read it under a shared lock, so none slips in under the mode before."""
    found = Environment.objects.select_for_update().get(pk=environment.pk)
    if found.retired_at is not None:
        raise WrongState(
            _("%(environment)s is retired. There are: %(names)s.") % {"environment": found, "names": ", ".join(names())},
            code="environment_retired",
        )
    return found
