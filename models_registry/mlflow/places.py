"""Where artifacts lie for MLflow's client: an `mlflow-artifacts:` address names a run, a logged model or a version, and a path.

`EXPERIMENT/RUN/artifacts/PATH`, `EXPERIMENT/models/m-MODEL/artifacts/PATH` (as MLflow's own server writes them) and
`versions/VERSION/PATH`. These are names, never places on a disk: a path is looked up in a table, and `..` names nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from core.errors import InvalidInput, Missing

SCHEME = "mlflow-artifacts:/"
LONGEST = 500  # characters of a path
DEEPEST = 30  # folders

Kind = Literal["run", "model", "version"]


@dataclass(frozen=True, slots=True)
class Place:
    kind: Kind
    pk: uuid.UUID
    path: str  # "" is the whole folder


def of_run(experiment: uuid.UUID, run: uuid.UUID) -> str:
    return f"{SCHEME}{experiment}/{run}/artifacts"


def of_logged_model(experiment: uuid.UUID, model: uuid.UUID) -> str:
    return f"{SCHEME}{experiment}/models/{model_id(model)}/artifacts"


def of_version(version: uuid.UUID) -> str:
    return f"{SCHEME}versions/{version}"


def model_id(pk: uuid.UUID) -> str:
    """MLflow tells a model's id from its name by this form."""
    return f"m-{pk.hex}"


def identity(text: str, *, what: str) -> uuid.UUID:
    """The id that `text` writes, with or without hyphens or the `m-` of a logged model."""
    try:
        return uuid.UUID(text.removeprefix("m-"))
    except ValueError as error:
        raise Missing(
            _("There is no %(what)s with id=%(id)s, or you may not see it.") % {"what": what, "id": text[:80]}
        ) from error


def place_of(address: str) -> Place:
    """What an address below /mlflow-artifacts/artifacts/ names."""
    parts = address.split("/")
    if parts[0] == "versions" and len(parts) >= 2:
        return Place("version", identity(parts[1], what=_("version")), checked("/".join(parts[2:])))
    if len(parts) >= 4 and parts[1] == "models" and parts[3] == "artifacts":
        return Place("model", identity(parts[2], what=_("logged model")), checked("/".join(parts[4:])))
    if len(parts) >= 3 and parts[2] == "artifacts":
        return Place("run", identity(parts[1], what=_("run")), checked("/".join(parts[3:])))
    raise Missing(_("No run, logged model or version keeps artifacts at %(address)s.") % {"address": address[:80]})


def source_of(source: str) -> Place | None:
    """The run, logged model or version that the source of a version names; None for a place that is not here."""
    if source.startswith("models:/m-"):
        return Place("model", identity(source.removeprefix("models:/"), what=_("logged model")), "")
    if source.startswith("runs:/"):
        run, _slash, path = source.removeprefix("runs:/").partition("/")
        return Place("run", identity(run, what=_("run")), checked(path))
    if source.startswith(SCHEME):
        return place_of(source.removeprefix(SCHEME).strip("/"))
    return None


def checked(path: str) -> str:
    """`path`, if it is one that can be kept: relative, without empty parts, `.` or `..`, backslashes or control characters."""
    path = path.strip("/")
    if not path:
        return ""
    parts = path.split("/")
    if len(path) > LONGEST or len(parts) > DEEPEST:
        raise InvalidInput(
            _("The artifact's path is too long: at most %(longest)s characters in %(deepest)s folders.")
            % {"longest": LONGEST, "deepest": DEEPEST}
        )
    if any(part in {"", ".", ".."} for part in parts) or "\\" in path or not path.isprintable():
        raise InvalidInput(
            _("An artifact's path is relative, with names between slashes: no “..”, no backslash, no control character.")
        )
    return path
