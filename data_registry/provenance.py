"""Provenance by the Data Provenance Standards 1.0.0 of the Data & Trust Alliance: the elements, as data, and the check.

The element names are the standard's own, so that an export is a copy. `REQUIRED` is the subset without which a dataset
version cannot be registered here; the standard's own cardinalities are wider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from core.errors import InvalidInput
from data_registry.documents import require_storable

LIMIT = 64 * 1024  # bytes of canonical JSON
CODES: dict[str, Any] = json.loads((Path(__file__).parent / "dps_codes.json").read_text("utf-8"))

REQUIRED = (
    "source.title",
    "source.issuer",
    "provenance.origin-geography",
    "provenance.date",
    "provenance.generation-method",
    "provenance.format",
    "use.intended-purpose",
    "use.license",
)


@dataclass(frozen=True, slots=True)
class Element:
    many: bool
    holds: str  # a key of `_DATATYPES`


def _one(holds: str) -> Element:
    return Element(False, holds)


def _list(holds: str) -> Element:
    return Element(True, holds)


ELEMENTS: dict[str, dict[str, Element]] = {
    "source": {
        "version": _one("text"),
        "title": _one("text"),
        "id": _one("text"),
        "location": _one("url"),
        "issuer": _list("organization"),
        "description": _one("text"),
    },
    "provenance": {
        "source": _one("url"),
        "origin": _one("organization"),
        "origin-geography": _list("location"),
        "date": _one("date"),
        "previous-date": _one("date"),
        "generation-period": _one("period"),
        "generation-method": _list("method"),
        "format": _list("media_type"),
        "sub-provenance": _list("object"),
    },
    "use": {
        "classification": _list("classification"),
        "consents": _list("url"),
        "privacy-enhancing": _list("technique"),
        "processing-included": _list("location"),
        "processing-excluded": _list("location"),
        "storage-allowed": _list("location"),
        "storage-forbidden": _list("location"),
        "license": _list("text"),
        "intended-purpose": _list("use"),
        "copyright": _list("text"),
        "patent": _list("text"),
        "trademark": _list("text"),
    },
}


def require_complete(provenance: Any) -> None:
    """Raise InvalidInput that names every missing, unknown and ill-formed element at once, unless there is none."""
    require_storable(provenance, name=_("The provenance"), limit=LIMIT)
    problems = list(_problems(provenance))
    if problems:
        raise InvalidInput(
            _("The provenance is not complete: %(problems)s") % {"problems": " ".join(text for _path, text in problems)},
            code="provenance",
            elements=[{"element": path, "detail": text} for path, text in problems],
        )


def _problems(provenance: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(provenance, dict):
        yield "", _("It must be an object with source, provenance and use.")
        return
    for path in REQUIRED:
        group, name = path.split(".")
        part = provenance.get(group)
        if not isinstance(part, dict) or part.get(name) in (None, "", [], {}):
            yield path, _("%(element)s is missing.") % {"element": path}
    for group, part in provenance.items():
        if group not in ELEMENTS:
            yield group, _("%(element)s is not an element of the standard.") % {"element": group}
        elif not isinstance(part, dict):
            yield group, _("%(element)s must be an object.") % {"element": group}
        else:
            yield from _problems_of_group(group, part)


def _problems_of_group(group: str, part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in part.items():
        path, element = f"{group}.{name}", ELEMENTS[group].get(name)
        if element is None:
            yield path, _("%(element)s is not an element of the standard.") % {"element": path}
        elif value in (None, "", [], {}):
            continue  # an empty element says nothing; required ones were named above
        elif element.many and not isinstance(value, list):
            yield path, _("%(element)s must be a list.") % {"element": path}
        else:
            for item in value if element.many else [value]:
                if sentence := _DATATYPES[element.holds](item):
                    yield path, f"{path} {sentence}"
                    break  # one sentence for each element is enough


# -- datatypes: a sentence that continues the element's name, or nothing -----------------------------------------------


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() else _("must be text.")


def _url(value: Any) -> str:
    fits = isinstance(value, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z", value)
    return "" if fits else _("must be an address such as https://example.org/data.")


def _date(value: Any) -> str:
    if isinstance(value, str):
        for read in (date.fromisoformat, datetime.fromisoformat):
            try:
                read(value)
            except ValueError:
                continue
            return ""
    return _("must be a date such as 2026-01-31.")


def _media_type(value: Any) -> str:
    fits = isinstance(value, str) and re.match(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*(\s*;.*)?\Z", value)
    return "" if fits else _("must be a media type such as text/csv.")


def _organization(value: Any) -> str:
    fits = isinstance(value, dict) and isinstance(value.get("name"), str) and value["name"].strip()
    return "" if fits else _('must name an organization: {"name": "…"}.')


def _location(value: Any) -> str:
    fits = isinstance(value, dict) and re.match(r"[A-Z]{2,3}\Z", str(value.get("country", "")))
    return "" if fits else _('must name a country by its ISO 3166 code: {"country": "KR"}.')


def _period(value: Any) -> str:
    fits = isinstance(value, dict) and not _date(value.get("start")) and not _date(value.get("end"))
    return "" if fits else _('must be a period: {"start": "2026-01-01", "end": "2026-01-31"}.')


def _object(value: Any) -> str:
    return "" if isinstance(value, dict) and value else _("must be an object.")


def _concept(system: str, *, described: bool = False) -> Callable[[Any], str]:
    codes = CODES[system]["codes"]

    def check(value: Any) -> str:
        if not isinstance(value, dict) or not isinstance(value.get("code"), str) or value["code"] not in codes:
            return _("must carry a code of the standard's %(system)s list, such as %(example)s.") % {
                "system": system,
                "example": next(iter(codes)),
            }
        if described and _text(value.get("description")):
            return _("must say in a description what the data is meant for.")
        return ""

    return check


_regulation = _concept("Regulations")


def _classification(value: Any) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("evaluated"), bool):
        return _("must say whether it was evaluated: true or false.")
    given = value.get("regulation")
    return _regulation(given if isinstance(given, dict) else {"code": given})


def _technique(value: Any) -> str:
    given = value.get("tool-category") if isinstance(value, dict) else None
    return _concept("PET")(given if isinstance(given, dict) else {"code": given})


_DATATYPES: dict[str, Callable[[Any], str]] = {
    "text": _text,
    "url": _url,
    "date": _date,
    "media_type": _media_type,
    "organization": _organization,
    "location": _location,
    "period": _period,
    "object": _object,
    "method": _concept("Method"),
    "use": _concept("Use", described=True),
    "classification": _classification,
    "technique": _technique,
}


# -- for reading -------------------------------------------------------------------------------------------------------

LABELS = {
    "source.version": _lazy("Version of the source"),
    "source.title": _lazy("Title"),
    "source.id": _lazy("Identifier"),
    "source.location": _lazy("Where it lies"),
    "source.issuer": _lazy("Issuer"),
    "source.description": _lazy("Description"),
    "provenance.source": _lazy("Provenance of the source"),
    "provenance.origin": _lazy("Where it originates"),
    "provenance.origin-geography": _lazy("Country of origin"),
    "provenance.date": _lazy("Date"),
    "provenance.previous-date": _lazy("Earlier date"),
    "provenance.generation-period": _lazy("Period of generation"),
    "provenance.generation-method": _lazy("How it was made"),
    "provenance.format": _lazy("Format"),
    "provenance.sub-provenance": _lazy("Provenance of its parts"),
    "use.classification": _lazy("Classification"),
    "use.consents": _lazy("Consents"),
    "use.privacy-enhancing": _lazy("Privacy-enhancing techniques"),
    "use.processing-included": _lazy("May be processed in"),
    "use.processing-excluded": _lazy("May not be processed in"),
    "use.storage-allowed": _lazy("May be stored in"),
    "use.storage-forbidden": _lazy("May not be stored in"),
    "use.license": _lazy("Licence"),
    "use.intended-purpose": _lazy("Intended purpose"),
    "use.copyright": _lazy("Copyright"),
    "use.patent": _lazy("Patent"),
    "use.trademark": _lazy("Trademark"),
}
_NAMES = {
    code: name.removesuffix(" N/A")  # as the standard prints categories without a finer one
    for system in ("Method", "Use", "PET", "Regulations")
    for code, name in CODES[system]["codes"].items()
}


def shown(provenance: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Each element that says something: its label, its name in the standard, its values in words; in the standard's order."""
    rows = []
    for group, elements in ELEMENTS.items():
        part = provenance.get(group)
        for name in elements:
            value = part.get(name) if isinstance(part, dict) else None
            if value not in (None, "", [], {}):
                element = f"{group}.{name}"
                values = [_words(item) for item in (value if isinstance(value, list) else [value])]
                rows.append((str(LABELS[element]), element, values))
    return rows


def _words(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "country" in value:
        return str(value.get("state") or value["country"])
    if "start" in value:
        return f"{value['start']} – {value.get('end', '')}"
    code = value.get("code")
    named = _NAMES.get(code) or code if isinstance(code, str) else value.get("name")
    parts = [str(part) for part in (named, value.get("description")) if part]
    return ": ".join(parts) if parts else "; ".join(f"{key}: {_words(item)}" for key, item in value.items())
