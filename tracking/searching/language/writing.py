"""A field and a term as text that is read back as the same."""

from __future__ import annotations

import re

from tracking.searching.language.tree import Attribute, Field, Metric, Param, Part, Tag, Term

_SCOPES = {Metric: "metrics.", Param: "params.", Tag: "tags.", Attribute: ""}
_PLAIN = re.compile(r"\w+(?:[/:@-]\w+)*\Z")


def field_text(field: Field) -> str:
    """`metrics.accuracy`, `metrics."val loss".min`, `started_at`."""
    name = field.name if _PLAIN.match(field.name) else '"' + field.name.replace('"', '""') + '"'
    part = f".{field.part}" if isinstance(field, Metric) and field.part is not Part.LAST else ""
    return f"{_SCOPES.get(type(field), 'dataset.')}{name}{part}"


def order_text(*terms: Term) -> str:
    return ", ".join(f"{field_text(term.field)} {'desc' if term.descending else 'asc'}" for term in terms)
