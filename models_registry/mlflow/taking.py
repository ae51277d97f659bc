"""What the source of a version names: its files, which of them are weights, the run and its environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from core import blobs
from core.errors import InvalidInput
from models_registry.mlflow import finding, mlmodel, places
from models_registry.mlflow.artifacts import files_at
from models_registry.mlflow.operations import Asked
from models_registry.registering import File
from tracking import services
from tracking.models import TrainingRun


@dataclass(frozen=True, slots=True)
class Taken:
    """What a registered folder gives to its version."""

    files: list[File]
    run: TrainingRun | None
    checkpoint: str = ""  # the path of the weights; "": PyTorch did not write them, or it cannot be told
    model_id: str = ""  # of a logged model
    version: str = ""  # the id of a version whose files these are
    flavors: list[str] = field(default_factory=list)
    note: str = ""


def take(asked: Asked, source: str, *, run_id: str, model_id: str) -> Taken:
    """The folder at `source`, which lies on this server; the run that it names, or the one that is given with it."""
    place = _place(asked, source, model_id)
    run = finding.run(asked, run_id) if run_id else None
    named = original = ""
    if place.kind == "run":
        run = finding.run(asked, str(place.pk))
    elif place.kind == "model":
        logged = finding.logged_model(asked, str(place.pk))
        run, named = logged.run or run, places.model_id(logged.pk)
    else:
        original = str(place.pk)
    files = _files(asked, place)
    flavors = mlmodel.flavors_of(_read(files, "MLmodel"))
    checkpoint = mlmodel.checkpoint_among([file.path for file in files], flavors=flavors)
    if run is not None:
        _log_environment(run, asked, files)
    words = sorted(name for name in flavors if name != "python_function")
    return Taken(files, run, checkpoint, named, original, words, "" if checkpoint else _without(words))


def _place(asked: Asked, source: str, model_id: str) -> places.Place:
    name, _slash, number = source.removeprefix("models:/").partition("/")
    if source.startswith("models:/") and number:  # a version of a model is registered again under another
        return places.Place("version", finding.version(asked, name, number).pk, "")
    place = places.source_of(source) or (places.source_of(f"models:/{model_id}") if model_id else None)
    if place is None:
        raise InvalidInput(
            _("The source %(source)s does not lie here. Log the model to this tracking URI, then register runs:/… or models:/…")
            % {"source": source[:200]}
        )
    return place


def _files(asked: Asked, place: places.Place) -> list[File]:
    """The files below the place, with paths from there on; a file that is named itself lies at its name."""
    rows = files_at(asked, place)
    start = f"{place.path}/" if place.path else ""
    found = list((rows.filter(path__startswith=start) if start else rows).values_list("path", "digest", "size"))
    if not found and (alone := rows.filter(path=place.path).first()):
        return [File(place.path.rpartition("/")[2], alone.digest, alone.size)]
    if not found:
        raise InvalidInput(_("Nothing is kept at the source: log the model's files before it is registered."), code="no_files")
    return [File(path.removeprefix(start), digest, size) for path, digest, size in found]


def _read(files: list[File], path: str) -> bytes:
    """The first bytes of a file of text that MLflow writes beside a model; nothing, if there is none."""
    found = next((file for file in files if file.path == path), None)
    if found is None or not found.size:
        return b""
    with blobs.open_blob(found.digest) as blob:
        return blob.read(mlmodel.MOST)


def _log_environment(run: TrainingRun, asked: Asked, files: list[File]) -> None:
    """The packages that the model asks for are those of its run, where the run says nothing of its own and is still open."""
    if run.fixed_at or run.hidden_at or run.environment.get("packages"):
        return
    found: dict[str, Any] = {
        "packages": mlmodel.packages_of(_read(files, "requirements.txt")),
        "python": mlmodel.python_of(_read(files, "python_env.yaml")),
    }
    if stated := {name: value for name, value in found.items() if value}:
        services.log(run, by=asked.by, environment=stated)


def _without(flavors: list[str]) -> str:
    """Why a version has no checkpoint."""
    if flavors and "pytorch" not in flavors:
        return _(
            "Registered with MLflow as %(flavors)s: its files are kept and never opened, so it has no PyTorch checkpoint."
        ) % {"flavors": ", ".join(flavors)[:200]}
    return _("Registered with MLflow; which of its files holds the weights could not be told, so it has no checkpoint yet.")
