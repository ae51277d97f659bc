"""Names that point at one version of a model. The team sets its own; those of the release process follow what is live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.decisions import Decision, deny
from core.errors import InvalidInput, Missing
from core.registry import Registry
from ledger.acts import act
from models_registry import events
from models_registry.models import ModelAlias, RegisteredModel, Version
from models_registry.permissions import can_draft

if TYPE_CHECKING:
    from accounts.models import Person

_NAME = re.compile(r"[\w-]{1,64}\Z", re.ASCII)
_NUMBER = re.compile(r"v\d+\Z|latest\Z", re.I)


@dataclass(frozen=True, slots=True)
class ReleaseAliases:
    """Names of the release process, in lower case, and which versions of these models each points at now."""

    names: Callable[[], list[str]]
    live: Callable[[Iterable[RegisteredModel]], dict[str, dict[UUID, Version]]]  # by name, then by model


released_as: Registry[ReleaseAliases] = Registry("aliases of the release process")  # higher packages register theirs


def is_of_releases(name: str) -> bool:
    """Whether the name moves with releases only."""
    return any(name.lower() in each.names() for each in released_as)


def live_under(name: str, models: Iterable[RegisteredModel]) -> dict[UUID, Version]:
    """The version of each of these models that a name of the release process points at, by model."""
    return {key: version for each in released_as for key, version in each.live(models).get(name.lower(), {}).items()}


def can_set_alias(person: Person, model: RegisteredModel, name: str, *, version: Version | None = None) -> Decision:
    """A name of the release process moves with a release, and with nothing else."""
    if is_of_releases(name):
        page = f"{settings.SITE_URL}{(version or model).get_absolute_url()}"
        return deny(
            _(
                "The alias %(name)s of %(model)s follows the release process and is set by nobody: it names the version that "
                "a risk manager released there after its approval. Go on at %(page)s"
            )
            % {"name": name, "model": model.name, "page": page},
            code="alias_of_releases",
        )
    return can_draft(person, model)


def set_alias(model: RegisteredModel, name: str, *, by: Person, version: Version) -> None:
    """`name` points at `version` of the model, wherever it pointed before."""
    if not _NAME.match(name) or _NUMBER.match(name):
        raise InvalidInput(
            _("%(name)r cannot be an alias: use 1 to 64 letters, digits, hyphens and underscores, and no number of a version.")
            % {"name": name[:80]}
        )
    with act(by, attempt="set_alias", on=model) as this:
        can_set_alias(by, model, name, version=version).enforce()
        RegisteredModel.objects.select_for_update().get(pk=model.pk)
        former = ModelAlias.objects.filter(model=model, name=name).select_related("version").first()
        if former is not None and former.version_id == version.pk:
            return
        facts = {"version": version, "set_by": by, "set_at": this.at}
        ModelAlias.objects.update_or_create(model=model, name=name, defaults=facts)
        this.record(events.AliasSet(name=name, number=version.number, former=former.version.number if former else None), on=model)


def remove_alias(model: RegisteredModel, name: str, *, by: Person) -> None:
    """`name` points at no version of the model."""
    with act(by, attempt="remove_alias", on=model) as this:
        can_set_alias(by, model, name).enforce()
        RegisteredModel.objects.select_for_update().get(pk=model.pk)  # as whoever sets it: each says what was before
        former = ModelAlias.objects.filter(model=model, name=name).select_related("version").first()
        if former is None:
            raise Missing(_("%(model)s has no alias %(name)s.") % {"model": model.name, "name": name[:80]}, code="no_alias")
        former.delete()
        this.record(events.AliasRemoved(name=name, former=former.version.number), on=model)


def version_of(model: RegisteredModel, name: str) -> Version:
    """The version that `name` points at; for a name of the release process, the one that is live there."""
    if is_of_releases(name):
        version = live_under(name, [model]).get(model.pk)
        if version is None:
            raise Missing(
                _("No version of %(model)s is live in %(name)s.") % {"model": model.name, "name": name.lower()}, code="no_alias"
            )
        return version
    found = _standing().filter(model=model, name=name).first()
    if found is None:
        raise Missing(_("%(model)s has no alias %(name)s.") % {"model": model.name, "name": name[:80]}, code="no_alias")
    return found.version


def _standing() -> QuerySet[ModelAlias]:
    """The names that lead somewhere: not to a draft that was withdrawn, which is gone for whoever asks by its number, too."""
    return ModelAlias.objects.exclude(version__state=Version.State.WITHDRAWN).select_related("version")


def aliases_of(models: Iterable[RegisteredModel]) -> dict[UUID, dict[str, int]]:
    """Every name that points at a version of these models now, with its number; in one query for each kind of name."""
    models = list(models)
    found: dict[UUID, dict[str, int]] = {model.pk: {} for model in models}
    for alias in _standing().filter(model__in=models):
        found[alias.model_id][alias.name] = alias.version.number
    for each in released_as:
        for name, live in each.live(models).items():
            for model, version in live.items():
                found[model][name] = version.number
    return found
