"""What the kinds of requirement ask of their parameters: known names, no empty lists, nothing that nobody reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput


def only(demand: Mapping[str, Any], *names: str) -> None:
    """The demand has no parameters but these (its kind aside)."""
    unknown = sorted(str(name) for name in demand if name not in {"kind", *names})
    if unknown:
        said = (
            _("A requirement of the kind %(kind)s knows no “%(unknown)s”. It takes: %(known)s.")
            if names
            else _("A requirement of the kind %(kind)s knows no “%(unknown)s”. It takes nothing.")
        )
        words = {"kind": demand.get("kind", ""), "unknown": ", ".join(unknown)[:200], "known": ", ".join(names)}
        raise InvalidInput(said % words, code="requirement_parameter")


def named(demand: Mapping[str, Any], name: str, known: Collection[str]) -> list[str]:
    """The parameter: at least one of the known names, each once."""
    given = demand.get(name)
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise InvalidInput(
            _("A requirement of the kind %(kind)s names at least one under “%(name)s”.")
            % {"kind": demand.get("kind", ""), "name": name},
            code="requirement_parameter",
        )
    if unknown := sorted(set(given) - set(known)):
        raise InvalidInput(
            _("“%(unknown)s” is not known as one of “%(name)s”. Known are: %(known)s.")
            % {"unknown": ", ".join(unknown)[:200], "name": name, "known": ", ".join(known)},
            code="requirement_parameter",
        )
    return list(dict.fromkeys(given))
