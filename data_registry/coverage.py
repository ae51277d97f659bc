"""What a scan did not look at, in sentences: a scan that found nothing says nothing about these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ALWAYS = "meaning"  # true of every scan by patterns
NO_READER = "no_reader"  # the format is one that nothing here reads

SENTENCES = {
    "meaning": gettext_lazy(
        "Names, addresses, health and everything else that no pattern recognises: only e-mail addresses, phone numbers, "
        "payment cards, IBANs and Korean resident registration numbers were looked for."
    ),
    "tensors": gettext_lazy("What the numbers show or say: faces, voices and text inside tensors were not looked for."),
    "rows": gettext_lazy("Rows after the first %(looked_at)d of %(rows)d."),
    "time": gettext_lazy("Everything after row %(rows)d: the time for reading was over."),
    "columns": gettext_lazy("Columns beyond the first 2,000: %(count)d of them."),
    "types": gettext_lazy("Columns that hold neither text nor whole numbers: %(columns)s."),
    "long_cells": gettext_lazy("The rest of cells longer than %(limit)d characters, in: %(columns)s."),
    "undecodable": gettext_lazy("Bytes that are not UTF-8 text, in %(cells)d cells."),
    "uneven_rows": gettext_lazy("The shape: %(rows)d rows have more or fewer cells than the first one."),
    "no_header": gettext_lazy("The columns' meaning: the file has no header line, so columns are numbered."),
    "row_count": gettext_lazy("The number of rows: the tensors share no first dimension."),
    "no_reader": gettext_lazy("The content itself: only safetensors, CSV and Parquet can be read."),
}
_UNNAMED = gettext_lazy("Something that this version of the site has no words for (%(code)s).")


def sentence(entry: Mapping[str, Any]) -> str:
    """One entry of `Profile.not_checked` in words."""
    named = entry.get("columns", [])
    columns, more = ", ".join(named), int(entry.get("count", 0)) - len(named)
    if named and more > 0:
        columns += " " + _("and %(more)d more") % {"more": more}
    numbers = {name: int(entry.get(name, 0)) for name in ("rows", "looked_at", "count", "limit", "cells")}
    return str(SENTENCES.get(entry.get("code", ""), _UNNAMED)) % {**numbers, "columns": columns, "code": entry.get("code", "")}
