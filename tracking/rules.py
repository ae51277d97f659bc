"""What a reported run must look like. Each check returns the form that is kept, or refuses with a sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from data_registry.documents import require_storable, require_text

DOCUMENT = 256 * 1024  # bytes of canonical JSON, for parameters and for the environment each
SERIES, POINTS = 200, 100_000
STEP = 2**53 - 1

CODE = frozenset({"repository", "branch", "commit", "tree", "dirty", "patch_digest"})
ENVIRONMENT = frozenset({"python", "platform", "accelerator", "lock_digest", "packages"})
SERIES_KEYS = frozenset({"name", "unit", "steps", "values"})
_HASH = re.compile(r"[0-9a-f]{40}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/@\s]*:[^/@\s]*|gh[a-z]_[^/@\s]*|glpat-[^/@\s]*)@", re.I)


def require_params(params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise InvalidInput(_("The parameters must be an object of names and values."))
    require_storable(dict(params), name=_("The list of parameters"), limit=DOCUMENT)
    return dict(params)


def require_code(code: Any) -> dict[str, Any]:
    """{repository, branch, commit, tree, dirty, patch_digest}; nothing at all is allowed, and shown as unknown."""
    if not code:
        return {}
    _only(code, CODE, what=_("The code facts"), limit=8_192)
    texts = {name: code.get(name, "") for name in ("repository", "branch", "commit", "tree", "patch_digest")}
    if not all(isinstance(text, str) and len(text) <= 500 for text in texts.values()):
        raise InvalidInput(_("Repository, branch, commit, tree and patch_digest must be texts of at most 500 characters."))
    if _CREDENTIALS.match(texts["repository"]):
        raise InvalidInput(_("The repository's address holds a password or token: send it without."), code="credentials")
    if not _HASH.match(texts["commit"]):
        raise InvalidInput(_("The commit must be its full name: 40 hexadecimal digits in lower case."))
    if texts["tree"] and not _HASH.match(texts["tree"]):
        raise InvalidInput(_("The tree must be its full name: 40 hexadecimal digits in lower case."))
    dirty = code.get("dirty")
    if not isinstance(dirty, bool):
        raise InvalidInput(_("Say whether the working tree had changes that were not committed: dirty is true or false."))
    if texts["patch_digest"] and not _DIGEST.match(texts["patch_digest"]):
        raise InvalidInput(_("The patch_digest must be sha256: followed by 64 hexadecimal digits in lower case."))
    if texts["patch_digest"] and not dirty:
        raise InvalidInput(_("A tree without uncommitted changes has no patch: leave patch_digest out, or say dirty."))
    return {**texts, "dirty": dirty}


def require_environment(environment: Any) -> dict[str, Any]:
    """{python, platform, accelerator, lock_digest, packages: [{name, version}]}; packages may come as name==version."""
    if not environment:
        return {}
    _only(environment, ENVIRONMENT, what=_("The environment"), limit=DOCUMENT)
    kept = {name: environment.get(name, "") for name in ("python", "platform", "accelerator", "lock_digest")}
    if not all(isinstance(text, str) and len(text) <= 200 for text in kept.values()):
        raise InvalidInput(_("Python, platform, accelerator and lock_digest must be texts of at most 200 characters."))
    if kept["lock_digest"] and not _DIGEST.match(kept["lock_digest"]):
        raise InvalidInput(_("The lock_digest must be sha256: followed by 64 hexadecimal digits in lower case."))
    packages = environment.get("packages", [])
    if not isinstance(packages, list | tuple):
        raise InvalidInput(_("The packages must be a list."))
    found = sorted((_package(package) for package in packages), key=lambda package: package["name"].lower())
    return {**kept, "packages": found}


def require_series(series: Any) -> list[dict[str, Any]]:
    """[{name, unit, steps, values}] with strictly ascending steps and finite values."""
    if not isinstance(series, list | tuple) or len(series) > SERIES:
        raise InvalidInput(_("The curves must be a list of at most %(most)d.") % {"most": SERIES})
    kept = [_one_series(place, one) for place, one in enumerate(series, start=1)]
    names = [one["name"] for one in kept]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(_("The curve “%(name)s” is given twice.") % {"name": twice})
    return kept


def require_period(started_at: datetime | None, ended_at: datetime | None) -> None:
    if started_at and ended_at and ended_at < started_at:
        raise InvalidInput(_("The run ends before it starts."))


def _one_series(place: int, series: Any) -> dict[str, Any]:
    _only(series, SERIES_KEYS, what=_("Curve %(place)d") % {"place": place})
    name, unit = series.get("name"), series.get("unit", "")
    steps, values = series.get("steps"), series.get("values")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 120 or not isinstance(unit, str) or len(unit) > 40:
        raise InvalidInput(_("Curve %(place)d needs a name of 1 to 120 characters and a unit of at most 40.") % {"place": place})
    require_text(name + unit, name=_("The name of a curve"))
    if not _is_list(steps) or not _is_list(values) or not 1 <= len(steps) == len(values) <= POINTS:
        raise InvalidInput(
            _("The curve “%(name)s” needs as many steps as values, from 1 to %(most)d.") % {"name": name, "most": POINTS}
        )
    before = -1
    for step, value in zip(steps, values, strict=True):
        if type(step) is not int or not before < step <= STEP:
            raise InvalidInput(
                _("The steps of the curve “%(name)s” must be whole numbers from 0 that ascend; after %(before)s comes %(step)s.")
                % {"name": name, "before": before if before >= 0 else _("nothing"), "step": str(step)[:40]}
            )
        if type(value) not in (int, float) or not _finite(value):
            raise InvalidInput(
                _("The curve “%(name)s” has no finite number at step %(step)d: leave such points out.")
                % {"name": name, "step": step}
            )
        before = step
    return {"name": name.strip(), "unit": unit, "steps": list(steps), "values": [float(value) for value in values]}


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _only(given: Any, known: frozenset[str], *, what: str, limit: int | None = None) -> None:
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


def _package(package: Any) -> dict[str, str]:
    if isinstance(package, str):
        name, separator, version = package.partition("==")
        package = {"name": name.strip(), "version": version.strip()} if separator else {"name": name.strip(), "version": ""}
    fits = isinstance(package, Mapping) and set(package) <= {"name", "version"}
    name, version = (package.get("name", ""), package.get("version", "")) if fits else ("", "")
    if not isinstance(name, str) or not isinstance(version, str) or not 1 <= len(name) <= 200 or len(version) > 200:
        raise InvalidInput(_('Each package is written as {"name": "…", "version": "…"} or name==version.'))
    return {"name": name, "version": version}
