"""A version's bytes become a draft of another model: with their card, data and reading, and without any decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from ledger.acts import Act, act
from models_registry import descent, events
from models_registry.models import RegisteredFile, RegisteredModel, Version
from models_registry.permissions import can_clone
from models_registry.services import begin_model, begin_version, name_data

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import Person, Team


def clone_as_model(original: Version, *, by: Person, team: Team, name: str, description: str = "", note: str = "") -> Version:
    """The team has a new model of this name, owned by `by`, for the original's task and at its risk tier; its first draft has
    the original's bytes. No byte is copied, no approval, signature, finding, measurement or risk assessment comes along."""
    with act(by, attempt="clone_version", on=original) as this:
        can_clone(by, original, team).enforce()
        original = locked_original(original.pk)
        was = original.model
        model = begin_model(
            by=by,
            team=team,
            name=name,
            task=was.task,
            risk_tier=was.risk_tier,
            classes=was.classes,
            description=description,
            within=this,
        )
        return _begin(model, original, by=by, note=note, within=this)


def clone_into(original: Version, *, by: Person, model: RegisteredModel, note: str = "") -> Version:
    """The model, another than the original's, has a draft of the next number with the original's bytes; else as above."""
    with act(by, attempt="clone_version", on=original) as this:
        can_clone(by, original, model.team).enforce()
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        original = locked_original(original.pk)
        _must_fit(model, original)
        if begun := descent.clones_of(original).filter(model=model, state=Version.State.DRAFT).first():
            raise WrongState(
                _("%(version)s is a draft that was cloned from it already: finish or withdraw that one.") % {"version": begun},
                code="already_cloned",
            )
        return _begin(model, original, by=by, note=note, within=this)


def locked_original(pk: UUID, *, drafts: bool = False) -> Version:
    """The original as it stands until this act ends, so that nobody stops it meanwhile. WrongState where it is not cloned;
    `drafts`: a draft is."""
    found = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=pk)
    if why := descent.why_not_cloned(found, drafts=drafts):
        raise WrongState(why, code="not_cloned")
    return found


def _must_fit(model: RegisteredModel, original: Version) -> None:
    if model.pk == original.model_id:
        raise InvalidInput(
            _("%(original)s is a version of %(model)s already: a clone belongs to another model.")
            % {"original": original, "model": model.name},
            code="same_model",
        )
    was = original.model
    if model.task and (model.task, model.classes) != (was.task, was.classes):
        raise InvalidInput(
            _("%(model)s is for another task or for other classes than %(original)s: clone it as a new model.")
            % {"model": model.name, "original": original},
            code="other_task",
        )


def _begin(model: RegisteredModel, original: Version, *, by: Person, note: str, within: Act) -> Version:
    card = original.card
    version = begin_version(
        model,
        by=by,
        content=dict(card.content) if card else {},
        data=descent.tested_on(original, seen_by=by),
        within=within,
        run=original.training_run if original.model.team_id == model.team_id else None,
        note=note,
        source={"version": str(original.pk)},
        architecture=original.architecture,
        reading=original.reading,
        checkpoint_digest=original.checkpoint_digest,
        checkpoint_size=original.checkpoint_size,
        checkpoint_name=original.checkpoint_name,
    )
    name_learned(version, original, within=within)
    RegisteredFile.objects.bulk_create(
        RegisteredFile(version=version, path=one.path, digest=one.digest, size=one.size) for one in original.files.all()
    )
    record_descent(version, original, within=within)
    within.record(events.CheckpointReceived(digest=version.checkpoint_digest, size=version.checkpoint_size), on=version)
    return version


def name_learned(version: Version, original: Version, *, within: Act) -> None:
    """The draft names what the original's weights were made with, whoever sees these data: its own were made with the same."""
    for use, one in descent.learned_by(original):
        name_data(version, one, use=use, within=within)


def record_descent(version: Version, original: Version, *, within: Act) -> None:
    """The log says whose bytes the draft has."""
    fact = events.VersionCloned(
        original=str(original.pk),
        name=str(original),
        team=str(original.model.team_id),
        checkpoint=original.checkpoint_digest,
    )
    within.record(fact, on=version)
