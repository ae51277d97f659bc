"""The file as a whole: one signature over all of it, and no room left in the hole where the signature itself lies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from countersign.verify.cms import CmsSignature, der_length, read_cms
from countersign.verify.outcome import Refused
from countersign.verify.pdf import Document, Entry
from countersign.verify.pdf_objects import HexString, Ref, Stream

FORBIDDEN_KEYS = {"JS", "JavaScript", "XFA", "OpenAction", "AA"}  # a report runs nothing
SIGNED_AT = re.compile(rb"D:([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:Z|\+00'00'?)")


@dataclass(frozen=True)
class SignedFile:
    """The signature of a report, taken from a file whose structure left no doubt about it."""

    cms: CmsSignature
    covered: bytes  # SHA-256 of every byte outside the hole
    signed_at: str  # as the signer claims, for the reader; empty where it is not said


def read_signed_file(document: Document) -> SignedFile:
    """The one signature of `document`; refuses a file in which a byte is neither signed nor fixed by what is signed."""
    if len(document.revisions) != 2:
        raise Refused(
            f"The file has {len(document.revisions)} revisions instead of two (what was written, and its signature): "
            "something was added after signing, or it was never signed."
        )
    signature = _the_signature(document)
    begin, end = _hole(document, signature)
    data = document.data
    covered = hashlib.sha256(data[:begin])
    covered.update(data[end:])
    return SignedFile(cms=read_cms(_cms_bytes(data[begin:end])), covered=covered.digest(), signed_at=_signed_at(signature))


def _the_signature(document: Document) -> dict[str, Any]:
    found = [(number, value) for number, whole in document.objects() for value in dictionaries(whole) if "ByteRange" in value]
    if len(found) != 1:
        raise Refused(f"The file has {len(found)} signatures instead of exactly one.")
    number, signature = found[0]
    catalog = document.dictionary(document.trailer.get("Root"), what="catalogue")
    form = document.dictionary(catalog.get("AcroForm"), what="form")
    fields = document.array(form.get("Fields"), what="list of form fields")
    field = document.dictionary(fields[0], what="signature field") if len(fields) == 1 else {}
    if field.get("FT") != "Sig" or field.get("V") != Ref(number, 0) or "Kids" in field:
        raise Refused("The file's form is not exactly one signature field that holds the signature.")
    entry = document.revisions[0].entries.get(number)
    if not isinstance(entry, Entry) or entry.container >= 0 or document.get(Ref(number, 0)) is not signature:
        raise Refused("The signature does not lie by itself in the newest revision.")
    if signature.get("Type") != "Sig" or signature.get("SubFilter") != "ETSI.CAdES.detached" or "Reference" in signature:
        raise Refused("The signature is not of the kind that reports are signed with (ETSI.CAdES.detached).")
    return signature


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary inside `value`, itself included; refuses those that would make a viewer run something."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Stream):
            each = each.dictionary
        if isinstance(each, dict):
            if not FORBIDDEN_KEYS.isdisjoint(each) or each.get("S") in ("Launch", "JavaScript"):
                raise Refused("The file holds a script or an automatic action; reports never do.")
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _hole(document: Document, signature: dict[str, Any]) -> tuple[int, int]:
    contents, ranges = signature.get("Contents"), signature.get("ByteRange")
    if not isinstance(contents, HexString) or not isinstance(ranges, list):
        raise Refused("The signature has no contents or no byte range.")
    if ranges != [0, contents.start, contents.end, len(document.data) - contents.end] or not all(
        type(each) is int for each in ranges
    ):
        raise Refused("The signature does not cover the whole file: its byte range leaves out more than the signature itself.")
    return contents.start, contents.end


def _cms_bytes(hole: bytes) -> bytes:
    digits = hole[1:-1]
    if not re.fullmatch(rb"(?:[0-9A-F]{2})+", digits):
        raise Refused("The place of the signature holds something else than pairs of upper-case hexadecimal digits.")
    filled = bytes.fromhex(digits.decode("ascii"))
    length = der_length(filled)
    if filled[length:].strip(b"\x00"):
        raise Refused("The place of the signature holds something after the signature where only zeros may be.")
    return filled[:length]


def _signed_at(signature: dict[str, Any]) -> str:
    when = SIGNED_AT.fullmatch(bytes(signature.get("M") or b"")) if isinstance(signature.get("M"), bytes) else None
    if when is None:
        return ""
    year, month, day, hour, minute, second = (part.decode() for part in when.groups())
    return f"{year}-{month}-{day} {hour}:{minute}:{second} UTC"
