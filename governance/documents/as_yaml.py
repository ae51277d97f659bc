"""A document as YAML, for people who keep policies beside their code: the same fields, read without building any object."""

from __future__ import annotations

from typing import Any

import yaml
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance.documents import Document
from governance.documents.plain import DEEPEST, LARGEST


class _Loader(yaml.SafeLoader):
    """Plain values only, and no field twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, _("the field “%(name)s” stands twice") % {"name": twice})
        return super().construct_mapping(node, deep=deep)


def written(document: Document) -> str:
    """The document as YAML, every field said, in the order in which people read it."""
    return yaml.safe_dump(document.body(), sort_keys=False, allow_unicode=True, width=100)


def loaded(text: str) -> Any:
    """What the YAML says; refused where it is too large, too deep, refers to itself, or is none."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise InvalidInput(_("A policy has at most %(most)d kilobytes.") % {"most": LARGEST // 1024}, code="policy_large")
    try:
        _check_shape(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError, AttributeError) as error:
        raise InvalidInput(_("This is no YAML that can be read: %(why)s.") % {"why": _why(error)}, code="policy_yaml") from error


def _check_shape(text: str) -> None:
    """Before anything is built: no aliases, which could make a small text huge, and no depth that no policy has."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidInput(_("A policy repeats nothing by reference (& and *): write each part out."), code="policy_alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise InvalidInput(_("A policy is not nested so deeply. Leave out what it does not need."), code="policy_large")


def _why(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or _("a value cannot be understood")
    return _("line %(line)d, %(problem)s") % {"line": mark.line + 1, "problem": problem} if mark else str(problem)
