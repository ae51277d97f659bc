"""A training run becomes a draft version in one step: its checkpoint by digest, its data by their use, the last card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import blobs
from core.errors import InvalidInput, Missing, WrongState
from ledger.acts import act
from models_registry import events
from models_registry.data_uses import use_of
from models_registry.inspection.formats import Format, recognise
from models_registry.models import ModelCard, RegisteredModel, Version, VersionData
from models_registry.permissions import can_draft
from models_registry.services import begin_version, harmless_name, require_construction
from tracking.models import Artifact, RunData, TrainingRun

if TYPE_CHECKING:
    from accounts.models import Person

MOST_LOOKED_AT = 200  # artifacts whose first bytes are read, the largest: a checkpoint is rarely a small file of a run
MOST_NAMED = 10  # paths in a refusal
_BY_BYTES = frozenset({Format.SAFETENSORS, Format.TORCH_LEGACY, Format.TORCH_TAR})  # nothing else begins like this
_BY_NAME_TOO = frozenset({Format.ZIP, Format.PICKLE})  # so begin checkpoints, and much else
_ENDINGS = (".pt", ".pth", ".pt2", ".ckpt", ".bin", ".pkl")


@dataclass(frozen=True, slots=True)
class NotLinked:
    """Data that a run names and the version made from it does not, and why."""

    data: RunData
    why: str


def version_from_run(
    run: TrainingRun,
    *,
    model: RegisteredModel,
    by: Person,
    artifact: str = "",
    note: str = "",
    architecture: dict[str, Any] | None = None,
    reading: dict[str, Any] | None = None,
) -> Version:
    """The model has a draft that stands on the run. Its checkpoint is the artifact at this path, or the only one that is a
    checkpoint; the bytes are shared, not copied. Card, and architecture and reading where none are given, are those of the
    version before. The run stays open until the draft is submitted."""
    require_construction(architecture, reading)
    with act(by, attempt="draft_version", on=model) as this:
        can_draft(by, model).enforce()
        run = TrainingRun.objects.select_for_update(of=("self",)).select_related("team").get(pk=run.pk)
        _must_have_ended(run)
        chosen = _chosen(run, artifact)
        earlier = earlier_of(model)
        version = begin_version(
            model,
            by=by,
            content=_card_of(earlier),
            data=[(use, one.dataset_version) for use, one in _linked(run) if one.dataset_version],
            within=this,
            run=run,
            note=note,
            architecture=architecture if architecture is not None or earlier is None else earlier.architecture,
            reading=reading if reading is not None or earlier is None else earlier.reading,
            checkpoint_digest=chosen.digest,
            checkpoint_size=chosen.size,
            checkpoint_name=harmless_name(chosen.path),
        )
        this.record(events.CheckpointReceived(digest=chosen.digest, size=chosen.size), on=version)
    return version


def earlier_of(model: RegisteredModel, *, before: Version | None = None) -> Version | None:
    """The version that the next one (or the one after `before`) goes on from: the last that was submitted, else the last
    that has a card."""
    versions = Version.objects.of(model)
    if before is not None:
        versions = versions.filter(number__lt=before.number)
    written = ModelCard.objects.filter(version__model=model).exclude(content={}).values("version")
    return versions.exclude(submitted_at=None).first() or versions.filter(pk__in=written).first()


def checkpoints_of(run: TrainingRun) -> list[Artifact]:
    """The artifacts that begin as a checkpoint does, by path; of very many only the largest are looked at."""
    largest = run.artifacts.order_by("-size", "path")[:MOST_LOOKED_AT]
    return sorted((one for one in largest if _is_checkpoint(one)), key=lambda one: one.path)


def not_linked(version: Version) -> list[NotLinked]:
    """The data that the version's run names and the version itself does not."""
    if version.training_run is None:
        return []
    named = set(version.data.values_list("dataset_version", "use"))
    return [
        NotLinked(one, why)
        for one in version.training_run.data.select_related("dataset_version__dataset")
        if (why := _why_not(one, named))
    ]


def _why_not(one: RunData, named: set[tuple[Any, str]]) -> str:
    use = use_of(one.context)
    if one.dataset_version is None:
        if one.digest.startswith("sha256:"):
            return _("No dataset version with this digest is registered in the team.")
        return _("It was reported without the SHA-256 of its content, so it cannot be told which dataset version it is.")
    if use is None:
        return _("It was not said what it was used for.") if not one.context else _("Its use has no meaning here.")
    return "" if (one.dataset_version_id, use.value) in named else _("It was not registered when the version was begun.")


def _linked(run: TrainingRun) -> Iterator[tuple[VersionData.Use, RunData]]:
    for one in run.data.exclude(dataset_version=None).select_related("dataset_version__dataset"):
        if use := use_of(one.context):
            yield use, one


def _must_have_ended(run: TrainingRun) -> None:
    """What a running training reports may still change, its checkpoint too; and submitting the version would cut it off."""
    if run.hidden_at:
        raise WrongState(_("This run is hidden: show it again before it is registered."), code="run_hidden")
    if run.state == TrainingRun.State.RUNNING:
        raise WrongState(
            _("This run has not ended, so its checkpoint and figures may still change. End it (run.end()), then register it."),
            code="run_running",
        )


def _chosen(run: TrainingRun, path: str) -> Artifact:
    kept = run.artifacts.count()
    if not kept:
        raise InvalidInput(
            _("The run keeps no artifact, so it has no checkpoint to register. Keep one (run.log_artifact), or submit the file."),
            code="no_artifact",
        )
    if path:
        found = run.artifacts.filter(path=path.replace("\x00", "")).first()
        if found is None:
            raise InvalidInput(
                _("The run keeps no artifact “%(path)s”. It keeps %(paths)s.")
                % {"path": path[:200].replace("\x00", ""), "paths": _named([one.path for one in run.artifacts.all()])},
                code="unknown_artifact",
            )
        return found
    fitting = checkpoints_of(run)
    if not fitting:
        raise InvalidInput(
            ngettext(
                "The run keeps %(n)d artifact, and it does not begin as a checkpoint does. Name it if it is one.",
                "The run keeps %(n)d artifacts, and none begins as a checkpoint does. Name the one that is the checkpoint.",
                kept,
            )
            % {"n": kept},
            code="no_checkpoint",
        )
    if len(fitting) > 1:
        paths = [one.path for one in fitting]
        raise InvalidInput(
            _("The run keeps several checkpoints: %(paths)s. Name the one to register.") % {"paths": _named(paths)},
            code="several_checkpoints",
            artifacts=paths,
        )
    return fitting[0]


def _named(paths: list[str]) -> str:
    shown = ", ".join(paths[:MOST_NAMED])
    more = len(paths) - MOST_NAMED
    return shown if more <= 0 else _("%(paths)s and %(n)d more") % {"paths": shown, "n": more}


def _is_checkpoint(artifact: Artifact) -> bool:
    try:
        with blobs.open_blob(artifact.digest) as file:
            found = recognise(cast("BinaryIO", file), artifact.size)
    except Missing:
        return False  # its bytes are lost: it cannot be anybody's checkpoint
    return found in _BY_BYTES or (found in _BY_NAME_TOO and artifact.path.lower().endswith(_ENDINGS))


def _card_of(earlier: Version | None) -> dict[str, str]:
    card = earlier.card if earlier else None
    return dict(card.content) if card else {}
