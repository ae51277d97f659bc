"""The reference of events, made from their classes: what is recorded, in which fields, and which of them are private."""

from __future__ import annotations

import inspect
from dataclasses import fields

from django.utils.module_loading import autodiscover_modules

from ledger.events import registered

HEAD = """# Events

What the log records. Made from the code by `python manage.py document_events`; do not edit by hand.

The body of an entry is the RFC 8785 form of
`{"id", "type", "v", "at", "actor": {"kind", "id"}, "on": {"type", "id", "seq"}, "data", "request"}`:
who acted (people by pseudonym), on what, as which of its events (1, 2, 3 …), and in `data` the fields below.
An event on nothing in particular has `on` with empty texts and 0. A *private* field shows
`{"commitment": "sha256:…"}`: the value lies in a table from which it can be erased, and
commitment = SHA-256("countersign/private/v1\\n" || 32 bytes of salt || RFC 8785 of [field, value]).
"""


def document() -> str:
    """The whole reference as Markdown."""
    autodiscover_modules("events")  # a context may not have needed its events yet
    lines = [HEAD]
    for name, version, shape in registered():
        about = inspect.cleandoc(shape.__doc__ or "").replace("\n", " ")
        lines.append(f"## {name}, version {version}\n\n{about}\n")
        rows = [f"| `{field.name}` | {_type(field.type)} |" for field in fields(shape)]
        if rows:
            lines.append("\n".join(["| field | type |", "|---|---|", *rows]) + "\n")
    return "\n".join(lines)


def _type(annotation: object) -> str:
    named = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if named.removesuffix(" | None").rpartition(".")[2] == "Private":
        return "private, or `null`" if named.endswith(" | None") else "private"
    return f"`{named}`".replace("|", "\\|")
