"""What people and workers do to models, versions, cards and inspections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core import blobs, clock
from core.canonical import sha256_of
from core.errors import InvalidInput, WrongState
from ledger.acts import Act, act
from models_registry import cards, descent, events, lifecycle
from models_registry.inspection.reading import BadReading, reading_of
from models_registry.models import SLUG, ModelCard, RegisteredModel, Version, VersionData
from models_registry.permissions import can_draft, can_edit, can_register, can_withdraw
from models_registry.tags import checked_tags

if TYPE_CHECKING:
    from accounts.models import Person, Team
    from data_registry.models import DatasetVersion
    from tracking.models import TrainingRun


LEARNED = {VersionData.Use.TRAINING, VersionData.Use.VALIDATION}  # what stopped the training bars the mark "verified" instead


def register_model(
    *,
    by: Person,
    team: Team,
    name: str,
    task: str,
    risk_tier: str,
    classes: Iterable[str] = (),
    description: str = "",
    tags: dict[str, str] | None = None,
) -> RegisteredModel:
    """The team has a model of this name, owned by `by`. Task and risk tier may be left open (""); `editing.state` states them."""
    with act(by, attempt="register_model", on=team) as this:
        return begin_model(
            by=by,
            team=team,
            name=name,
            task=task,
            risk_tier=risk_tier,
            classes=classes,
            description=description,
            tags=tags,
            within=this,
        )


def begin_model(
    *,
    by: Person,
    team: Team,
    name: str,
    task: str,
    risk_tier: str,
    within: Act,
    classes: Iterable[str] = (),
    description: str = "",
    tags: dict[str, str] | None = None,
) -> RegisteredModel:
    """As `register_model`, as a part of an act that makes more than a model."""
    require_name(name)
    model = RegisteredModel(
        team=team,
        name=name,
        task=task,
        risk_tier=risk_tier,
        classes=list(classes),
        description=description,
        tags=checked_tags(tags or {}),
        owner=by,
        created_at=clock.now(),
    )
    can_register(by, team).enforce()
    try:
        with transaction.atomic():
            model.save(force_insert=True)
    except IntegrityError as error:
        raise WrongState(
            _("The team %(team)s already has a model named %(name)s.") % {"team": team.name, "name": name}, code="name_taken"
        ) from error
    within.record(
        events.ModelRegistered(name=name, team=str(team.pk), task=task, risk_tier=risk_tier, owner=str(by.pk)),
        on=model,
    )
    return model


def require_name(name: str) -> None:
    """The name can be that of a model."""
    try:
        SLUG(name)
    except ValidationError as error:
        raise InvalidInput(
            _("The name %(name)r cannot be used: %(why)s") % {"name": name[:80], "why": error.messages[0]}, code="name"
        ) from error


def draft_version(
    model: RegisteredModel,
    *,
    by: Person,
    card: dict[str, str],
    data: Iterable[tuple[str, DatasetVersion]] = (),
    run: TrainingRun | None = None,
    architecture: dict[str, Any] | None = None,
    reading: dict[str, Any] | None = None,
    note: str = "",
) -> Version:
    """The model has a new draft with its first card; its checkpoint is still to come.

    `reading` says how its data are read (`models_registry.inspection.reading`); tensors need none.
    """
    content = cards.checked(card)
    require_construction(architecture, reading)
    with act(by, attempt="draft_version", on=model) as this:
        can_draft(by, model).enforce()
        return begin_version(
            model, by=by, content=content, data=data, within=this, run=run, architecture=architecture, reading=reading, note=note
        )


def begin_version(
    model: RegisteredModel,
    *,
    by: Person,
    content: dict[str, str],
    data: Iterable[tuple[str, DatasetVersion]],
    within: Act,
    run: TrainingRun | None = None,
    note: str = "",
    **columns: Any,
) -> Version:
    """The model has a draft of the next number, with its first card and its data. Its run is one of the same team."""
    _must_be_of_its_team(run, model)
    RegisteredModel.objects.select_for_update().get(pk=model.pk)  # numbers are given one at a time
    number = (Version.objects.filter(model=model).aggregate(Max("number"))["number__max"] or 0) + 1
    facts = {"number": number, "note": note, "training_run": run, "created_by": by, "created_at": within.at}
    version = Version.objects.create(model=model, **facts, **columns)
    fact = events.VersionDrafted(
        model=str(model.pk), number=number, note_digest=sha256_of(note) if note else "", run=str(run.pk) if run else ""
    )
    within.record(fact, on=version)
    _write_card(version, content, by=by, within=within)
    for use, dataset_version in data:
        name_data(version, dataset_version, use=use, within=within)
    return version


def link_data(version: Version, dataset_version: DatasetVersion, *, use: str, by: Person) -> None:
    """The draft names `dataset_version` for this use."""
    with act(by, attempt="link_data", on=version) as this:
        can_edit(by, version).enforce()
        version = Version.objects.select_for_update().get(pk=version.pk)
        _must_be_draft(version)
        name_data(version, dataset_version, use=use, within=this)


def describe_draft(
    version: Version,
    *,
    by: Person,
    card: dict[str, str],
    data: Iterable[tuple[str, DatasetVersion]],
    run: TrainingRun | None,
    architecture: dict[str, Any] | None,
    reading: dict[str, Any] | None,
    note: str,
) -> Version:
    """The draft says exactly this of itself: what it said before and does not say now is gone from it."""
    content, wanted = cards.checked(card), list(data)
    require_construction(architecture, reading)
    with act(by, attempt="describe_draft", on=version) as this:
        version = Version.objects.select_for_update(of=("self",)).select_related("model__team").get(pk=version.pk)
        can_edit(by, version).enforce()
        _must_be_draft(version)
        _must_be_of_its_team(run, version.model)
        version.architecture, version.reading, version.training_run, version.note = architecture, reading, run, note
        version.save(update_fields=["architecture", "reading", "training_run", "note"])
        this.record(
            events.VersionDescribed(
                run=str(run.pk) if run else "",
                construction=sha256_of({"architecture": architecture, "reading": reading}),
                note_digest=sha256_of(note) if note else "",
            ),
            on=version,
        )
        if version.card is None or version.card.digest != sha256_of(content):
            _write_card(version, content, by=by, within=this)
        named = {(use, one.pk) for use, one in wanted}
        for link in version.data.select_related("dataset_version"):
            if (link.use, link.dataset_version_id) not in named:
                _must_keep(version, link)
                link.delete()
                this.record(events.DataUnlinked(dataset_version=str(link.dataset_version_id), use=link.use), on=version)
        for use, dataset_version in wanted:
            name_data(version, dataset_version, use=use, within=this)
    return version


def receive_checkpoint(
    version: Version, chunks: Iterable[bytes], *, name: str, by: Person, expected: str | None = None
) -> Version:
    """The draft has these bytes as its checkpoint. They are streamed and hashed outside any act; a draft may be given others."""
    with act(by, attempt="receive_checkpoint", on=version):
        can_edit(by, version).enforce()  # a refusal comes before the first byte is read, and is recorded
        _must_take_bytes(version)
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected)
    with act(by, attempt="receive_checkpoint", on=version) as this:
        version = Version.objects.select_for_update().get(pk=version.pk)
        can_edit(by, version).enforce()
        _must_take_bytes(version)
        version.checkpoint_digest, version.checkpoint_size = blob.digest, blob.size
        version.checkpoint_name = harmless_name(name)
        version.save(update_fields=["checkpoint_digest", "checkpoint_size", "checkpoint_name"])
        this.record(events.CheckpointReceived(digest=blob.digest, size=blob.size), on=version)
    return version


def write_card(version: Version, content: dict[str, str], *, by: Person, within: Act) -> ModelCard:
    """The version has a new revision of its card; the same content again is refused: it would void signatures for nothing."""
    return _write_card(version, cards.checked(content), by=by, within=within)


def withdraw(version: Version, *, by: Person, within: Act) -> None:
    """The version is taken back before a decision."""
    can_withdraw(by, version).enforce()
    lifecycle.withdraw(version, within=within)


def submission_gaps(version: Version) -> list[str]:
    """What a draft still lacks before it can be submitted, one sentence each."""
    gaps = []
    if not version.model.task or not version.model.risk_tier:
        gaps.append(_("The model's task and risk tier are not stated yet: state them on the model's page."))
    if not version.checkpoint_digest:
        gaps.append(_("The checkpoint has not been sent yet."))
    card = version.card
    gaps += [
        _("The card says nothing under “%(field)s”.") % {"field": field.label}
        for field in cards.missing(card.content if card else {})
    ]
    run = version.training_run
    if run is not None and run.hidden_at:  # it could never be shown again
        gaps.append(_("Its training run “%(run)s” is hidden: show it again.") % {"run": run})
    if run is not None and run.state == run.State.RUNNING:  # submitting fixes it: what it still reports would be refused
        gaps.append(
            _("Its training run “%(run)s” has not ended yet: end it, so that submitting cuts nothing off.") % {"run": run}
        )
    links = list(version.data.select_related("dataset_version__dataset"))
    uses = {link.use for link in links}
    if VersionData.Use.TRAINING not in uses:
        gaps.append(_("No dataset version is named as training data."))
    if VersionData.Use.TESTING not in uses:
        gaps.append(_("No dataset version is named as test data."))
    known = {link.dataset_version.digest for link in links if link.use in LEARNED}
    gaps += [
        _("%(data)s holds the very bytes that the model learned from, so it tests nothing. Test on data that were held out.")
        % {"data": link.dataset_version}
        for link in links
        if link.use == VersionData.Use.TESTING and link.dataset_version.digest in known
    ]
    return gaps


def require_construction(architecture: dict[str, Any] | None, reading: dict[str, Any] | None) -> None:
    if reading is not None:
        try:
            reading_of(reading)
        except BadReading as error:
            raise InvalidInput(str(error), code="reading") from error
    sha256_of([architecture, reading])  # a signature names both by digest: what has none is refused now, not on submission


def _write_card(version: Version, content: dict[str, str], *, by: Person, within: Act) -> ModelCard:
    Version.objects.select_for_update().get(pk=version.pk)  # revisions are given one at a time
    latest = version.card
    digest = sha256_of(content)
    if latest and latest.digest == digest:
        raise WrongState(
            _("This is what the card already says (revision %(revision)s).") % {"revision": latest.revision},
            code="card_unchanged",
        )
    card = ModelCard.objects.create(
        version=version,
        revision=latest.revision + 1 if latest else 1,
        content=content,
        digest=digest,
        author=by,
        created_at=clock.now(),
    )
    within.record(events.CardRevised(revision=card.revision, digest=digest), on=version)
    return card


def name_data(version: Version, dataset_version: DatasetVersion, *, use: str, within: Act) -> None:
    """The version names registered data for this use, as a part of an act."""
    if dataset_version.state != dataset_version.State.REGISTERED:
        raise WrongState(
            _("%(data)s is still a draft: register it before a version names it.") % {"data": dataset_version},
            code="data_not_registered",
        )
    made, new = VersionData.objects.get_or_create(version=version, dataset_version=dataset_version, use=use)
    if new:
        within.record(
            events.DataLinked(dataset_version=str(dataset_version.pk), digest=dataset_version.digest, use=made.use), on=version
        )


def _must_be_of_its_team(run: TrainingRun | None, model: RegisteredModel) -> None:
    """Submitting fixes the run, so nobody closes what another team still works on."""
    if run is not None and run.team_id != model.team_id:
        raise InvalidInput(
            _("The run is one of another team than the model %(model)s: a version names a run of its own team.")
            % {"model": model.name},
            code="other_team",
        )


def _must_be_draft(version: Version) -> None:
    if version.state != Version.State.DRAFT:
        raise WrongState(
            _("%(version)s was submitted, so its checkpoint and data are fixed. Changed bytes are a new version.")
            % {"version": version},
            code="already_submitted",
        )


def _must_take_bytes(version: Version) -> None:
    _must_be_draft(version)
    if original := descent.keeps_bytes(version):
        raise WrongState(
            _("%(version)s was cloned from %(original)s and keeps its bytes. Other bytes are a version of their own: begin one.")
            % {"version": version, "original": original},
            code="cloned",
        )


def _must_keep(version: Version, link: VersionData) -> None:
    """What the original's weights were made with, its clone's were made with, too."""
    original = descent.original_of(version)
    if (
        original
        and original.data.exclude(use=VersionData.Use.TESTING)
        .filter(dataset_version=link.dataset_version_id, use=link.use)
        .exists()
    ):
        raise WrongState(
            _("%(data)s stays named: the weights, which are those of %(original)s, were made with it.")
            % {"data": link.dataset_version, "original": original},
            code="learned_by_original",
        )


def harmless_name(name: str) -> str:
    """The last part of a client's file name, printable and short; it is shown and never used as a path."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:255] or "checkpoint"
