"""The files attached to a report, and the manifest that lists them."""

from __future__ import annotations

import re
from typing import Any

from countersign.verify import limits
from countersign.verify.canonical import parse_json
from countersign.verify.encoding import sha256
from countersign.verify.outcome import Refused
from countersign.verify.pdf import Document
from countersign.verify.pdf_objects import Ref, Stream

MANIFEST = "manifest.json"
MANIFEST_FORMAT = "countersign-manifest/1"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,3}")


def read_attachments(document: Document) -> dict[str, bytes]:
    """Every attached file by its name. The file holds no embedded file beside these."""
    catalog = document.dictionary(document.trailer.get("Root"), what="catalogue")
    names = document.dictionary(catalog.get("Names"), what="names")
    tree = document.dictionary(names.get("EmbeddedFiles"), what="list of attachments")
    pairs = document.array(tree.get("Names"), what="list of attachments")
    specifications = pairs[1::2]
    if "Kids" in tree or len(pairs) % 2 or not specifications or not all(isinstance(each, Ref) for each in specifications):
        raise Refused("The PDF's list of attachments cannot be read.")
    if len(specifications) > limits.ATTACHMENTS:
        raise Refused(f"The PDF has more than {limits.ATTACHMENTS} attachments.")
    # WeasyPrint names each attachment twice in /AF, so what is compared is the set.
    associated = document.array(catalog.get("AF"), what="list of associated files")
    if not all(isinstance(each, Ref) for each in associated) or set(associated) != set(specifications):
        raise Refused("The PDF's two lists of attachments (/Names and /AF) differ.")
    attachments: dict[str, bytes] = {}
    streams: set[Ref] = set()
    for each in specifications:
        name, ref = _specification(document, each)
        if name in attachments or ref in streams:
            raise Refused(f"The attachment {name} is there twice.")
        attachments[name] = _content(document, ref, name)
        streams.add(ref)
    _refuse_hidden(document, streams)
    return attachments


def _specification(document: Document, ref: Ref) -> tuple[str, Ref]:
    specification = document.dictionary(ref, what="description of an attachment")
    raw = specification.get("UF")
    name = raw.decode("latin-1") if isinstance(raw, bytes) else ""
    if not SAFE_NAME.fullmatch(name) or specification.get("F") != raw:
        raise Refused("An attachment has a name that reports do not use.")
    files = document.dictionary(specification.get("EF"), what=f"attachment {name}")
    stream = files.get("F")
    if not isinstance(stream, Ref) or files.get("UF", stream) != stream:
        raise Refused(f"The attachment {name} has no content.")
    return name, stream


def _content(document: Document, ref: Ref, name: str) -> bytes:
    stream = document.get(ref)
    if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "EmbeddedFile":
        raise Refused(f"The attachment {name} has no content.")
    try:
        return document.content(stream)
    except Refused as refused:
        raise Refused(f"The attachment {name} cannot be read. {refused}") from None


def _refuse_hidden(document: Document, listed: set[Ref]) -> None:
    numbers = {ref.number for ref in listed}
    for number, value in document.objects():
        if isinstance(value, Stream) and value.dictionary.get("Type") == "EmbeddedFile" and number not in numbers:
            raise Refused("The PDF holds an embedded file that its list of attachments does not name.")


def require_manifest(attachments: dict[str, bytes]) -> None:
    """Return only if manifest.json lists exactly the other attachments, each with its SHA-256 and its size."""
    if MANIFEST not in attachments:
        raise Refused(f"The attachment {MANIFEST} is missing.")
    manifest = parse_json(attachments[MANIFEST], what=MANIFEST)
    files: Any = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or manifest.keys() != {"format", "files"} or manifest["format"] != MANIFEST_FORMAT:
        raise Refused(f"{MANIFEST} is not of the format {MANIFEST_FORMAT}.")
    others = attachments.keys() - {MANIFEST}
    if missing := sorted(files.keys() - others):
        raise Refused(f"{MANIFEST} lists {missing[0]!r}, which is not attached.")
    if unlisted := sorted(others - files.keys()):
        raise Refused(f"{unlisted[0]} is attached, but {MANIFEST} does not list it.")
    for name in sorted(others):
        content = attachments[name]
        size = len(content)
        if files[name] != {"sha256": sha256(content).hex(), "size": size} or type(files[name]["size"]) is not int:
            raise Refused(f"{name} is not the file that {MANIFEST} lists: its size or its SHA-256 differs.")
