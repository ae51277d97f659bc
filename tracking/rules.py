"""What a reported run must look like. Each check returns the form that is kept, or refuses with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from data_registry.documents import require_storable, require_text

DOCUMENT = 256 * 1024  # bytes of canonical JSON, for parameters and for the environment each
TAGS = 1024 * 1024  # bytes of canonical JSON; MLflow clients keep documents in tags
COUNT = 2**31 - 1
TAG_NAME, TAG = 250, 64 * 1024  # characters

CODE_TEXTS = ("repository", "remote", "branch", "commit", "tree", "patch_digest", "entry")
CODE = frozenset({*CODE_TEXTS, "dirty", "untracked"})
ENVIRONMENT_TEXTS = ("python", "platform", "accelerator", "lock_digest", "host_kind", "user")
ENVIRONMENT = frozenset({*ENVIRONMENT_TEXTS, "packages", "locks", "hardware"})
TRAINING = frozenset({"early_stopping", "schedule", "seeds", "summary", "libraries"})
ARTIFACT_PATH = 500  # characters
DATA_LIMITS = {
    "context": 100, "name": 500, "digest": 100, "source_type": 100, "source": 16_384, "schema": 131_072, "profile": 131_072,
}  # fmt: skip
_HASH = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")  # git names objects by SHA-1, or by SHA-256
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/@\s]*:[^/@\s]*|gh[a-z]_[^/@\s]*|glpat-[^/@\s]*)@", re.I)


def require_params(params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise InvalidInput(_("The parameters must be an object of names and values."))
    require_storable(dict(params), name=_("The list of parameters"), limit=DOCUMENT)
    return dict(params)


def require_tags(tags: Any) -> dict[str, str]:
    """{name: text}."""
    if not isinstance(tags, Mapping):
        raise InvalidInput(_("The tags must be an object of names and texts."))
    for name, text in tags.items():
        if not isinstance(name, str) or not 1 <= len(name) <= TAG_NAME:
            raise InvalidInput(_("A tag needs a name of 1 to %(most)d characters.") % {"most": TAG_NAME})
        if not isinstance(text, str) or len(text) > TAG:
            raise InvalidInput(
                _("The tag “%(name)s” must be a text of at most %(most)d characters; keep a longer one as an artifact.")
                % {"name": name[:80].replace("\x00", ""), "most": TAG}
            )
    require_storable(dict(tags), name=_("The list of tags"), limit=TAGS)
    return dict(tags)


def require_code(code: Any) -> dict[str, Any]:
    """What is known of the code (`CODE`); nothing at all is allowed, and shown as unknown."""
    if not code:
        return {}
    only(code, CODE, what=_("The code facts"), limit=8_192)
    texts = {name: code.get(name, "") for name in CODE_TEXTS}
    if not all(isinstance(text, str) and len(text) <= 500 for text in texts.values()):
        raise InvalidInput(_("%(names)s must be texts of at most 500 characters.") % {"names": ", ".join(CODE_TEXTS)})
    if any(_CREDENTIALS.match(texts[name]) for name in ("repository", "remote")):
        raise InvalidInput(_("The repository's address holds a password or token: send it without."), code="credentials")
    if not _HASH.match(texts["commit"]):
        raise InvalidInput(_("The commit must be its full name: 40 or 64 hexadecimal digits in lower case."))
    if texts["tree"] and not _HASH.match(texts["tree"]):
        raise InvalidInput(_("The tree must be its full name: 40 or 64 hexadecimal digits in lower case."))
    dirty = code.get("dirty")
    if "dirty" not in code or not isinstance(dirty, bool | None):
        raise InvalidInput(
            _("Say whether the working tree had changes that were not committed: dirty is true or false, or null: not known.")
        )
    if texts["patch_digest"] and not _DIGEST.match(texts["patch_digest"]):
        raise InvalidInput(_("The patch_digest must be sha256: followed by 64 hexadecimal digits in lower case."))
    if texts["patch_digest"] and not dirty:
        raise InvalidInput(_("A tree without uncommitted changes has no patch: leave patch_digest out, or say dirty."))
    untracked = code.get("untracked", 0)
    if type(untracked) is not int or not 0 <= untracked <= COUNT:
        raise InvalidInput(_("The number of untracked files must be a whole number from 0."))
    return {**texts, "dirty": dirty, "untracked": untracked}


def require_environment(environment: Any) -> dict[str, Any]:
    """What is known of the environment (`ENVIRONMENT`): packages come as {name, version} or name==version, locks as
    {name, digest}, hardware as an object."""
    if not environment:
        return {}
    only(environment, ENVIRONMENT, what=_("The environment"), limit=DOCUMENT)
    kept = {name: environment.get(name, "") for name in ENVIRONMENT_TEXTS}
    if not all(isinstance(text, str) and len(text) <= 200 for text in kept.values()):
        raise InvalidInput(_("%(names)s must be texts of at most 200 characters.") % {"names": ", ".join(ENVIRONMENT_TEXTS)})
    if kept["lock_digest"] and not _DIGEST.match(kept["lock_digest"]):
        raise InvalidInput(_("The lock_digest must be sha256: followed by 64 hexadecimal digits in lower case."))
    packages, locks, hardware = (
        environment.get(name, default) for name, default in (("packages", []), ("locks", []), ("hardware", {}))
    )
    if not isinstance(packages, list | tuple):
        raise InvalidInput(_("The packages must be a list."))
    if not isinstance(locks, list | tuple) or not all(_is_lock(lock) for lock in locks):
        raise InvalidInput(_('Each lock file is written as {"name": "…", "digest": "sha256:…"}.'))
    if not isinstance(hardware, Mapping):
        raise InvalidInput(_("The hardware must be an object of names and values."))
    found = sorted((_package(package) for package in packages), key=lambda package: package["name"].lower())
    return {**kept, "packages": found, "locks": [dict(lock) for lock in locks], "hardware": dict(hardware)}


def require_training(training: Any) -> dict[str, Any]:
    """What is known of how it was trained (`TRAINING`): each an object, but the summary, which is a text."""
    if not training:
        return {}
    only(training, TRAINING, what=_("The training facts"), limit=DOCUMENT)
    for name, value in training.items():
        if name == "summary" and not isinstance(value, str):
            raise InvalidInput(_("The summary of the model must be a text."))
        if name != "summary" and not isinstance(value, Mapping):
            raise InvalidInput(_("%(name)s must be an object of names and values.") % {"name": name})
    return dict(training)


def require_data(data: Any) -> list[dict[str, str]]:
    """[{name, digest, context, source_type, source, schema, profile}], all texts, the name alone required."""
    if not isinstance(data, list | tuple) or len(data) > 1000:
        raise InvalidInput(_("The data must be a list of at most 1000."))
    kept = []
    for one in data:
        only(one, frozenset(DATA_LIMITS), what=_("Each of the data"))
        texts = {name: one.get(name) or "" for name in DATA_LIMITS}
        for name, text in texts.items():
            if not isinstance(text, str) or len(text) > DATA_LIMITS[name]:
                raise InvalidInput(
                    _("%(name)s of the data must be a text of at most %(most)d characters.")
                    % {"name": name, "most": DATA_LIMITS[name]}
                )
            require_text(text, name=name)
        if not texts["name"]:
            raise InvalidInput(_("Each of the data needs a name."))
        kept.append(texts)
    return kept


def require_path(path: str) -> str:
    """A relative path with "/" that names a file below the run's folder, and nothing else."""
    require_text(path, name=_("The path"))
    strange = any(part in {"", ".", ".."} for part in path.split("/")) or "\\" in path or not path.isprintable()
    if strange or len(path) > ARTIFACT_PATH:
        raise InvalidInput(
            _("An artifact's path has 1 to 500 printable characters and its parts are names: no “..”, no empty part, no “\\”.")
        )
    return path


def require_period(started_at: datetime | None, ended_at: datetime | None) -> None:
    if started_at and ended_at and ended_at < started_at:
        raise InvalidInput(_("The run ends before it starts."))


def only(given: Any, known: frozenset[str], *, what: str, limit: int | None = None) -> None:
    """`given` is an object with known names only, and of at most `limit` bytes."""
    if not isinstance(given, Mapping):
        raise InvalidInput(_("%(what)s must be an object.") % {"what": what})
    unknown = ", ".join(sorted(str(name) for name in set(given) - known))[:200]
    require_text(unknown, name=what)
    if unknown:
        raise InvalidInput(
            _("%(what)s: %(unknown)s is not known here; use %(known)s.")
            % {"what": what, "unknown": unknown, "known": ", ".join(sorted(known))}
        )
    if limit is not None:
        require_storable(dict(given), name=what, limit=limit)


def _is_lock(lock: Any) -> bool:
    fits = isinstance(lock, Mapping) and set(lock) == {"name", "digest"} and isinstance(lock["name"], str)
    return fits and 1 <= len(lock["name"]) <= 200 and isinstance(lock["digest"], str) and bool(_DIGEST.match(lock["digest"]))


def _package(package: Any) -> dict[str, str]:
    if isinstance(package, str):
        name, separator, version = package.partition("==")
        package = {"name": name.strip(), "version": version.strip()} if separator else {"name": name.strip(), "version": ""}
    fits = isinstance(package, Mapping) and set(package) <= {"name", "version"}
    name, version = (package.get("name", ""), package.get("version", "")) if fits else ("", "")
    if not isinstance(name, str) or not isinstance(version, str) or not 1 <= len(name) <= 200 or len(version) > 200:
        raise InvalidInput(_('Each package is written as {"name": "…", "version": "…"} or name==version.'))
    return {"name": name, "version": version}
