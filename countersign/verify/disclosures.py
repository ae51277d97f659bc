"""Values that the log holds only as commitments, and that a report may show: names, comments, reasons in free words."""

from __future__ import annotations

from countersign.verify.canonical import canonical_bytes, parse_json
from countersign.verify.encoding import digest_of, strict_base64
from countersign.verify.entries import Entry
from countersign.verify.outcome import Refused

DISCLOSURES = "disclosures.json"
DOMAIN = b"countersign/private/v1\n"
FIELDS = {"index", "path", "salt", "value"}

Disclosed = dict[tuple[int, str], str]


def read_disclosures(data: bytes, entries: dict[int, Entry]) -> Disclosed:
    """The disclosed values by entry and field, each of them the one that its entry is committed to."""
    listed = parse_json(data, what=DISCLOSURES)
    if not isinstance(listed, list):
        raise Refused(f"{DISCLOSURES} is no list.")
    disclosed: Disclosed = {}
    for number, each in enumerate(listed, start=1):
        if not isinstance(each, dict) or each.keys() != FIELDS:
            raise Refused(f"Disclosure {number} does not consist of index, path, salt and value.")
        index, path, value = each["index"], each["path"], each["value"]
        if type(index) is not int or not isinstance(path, str) or not isinstance(value, str):
            raise Refused(f"Disclosure {number} has an index, a path or a value of a wrong kind.")
        if (index, path) in disclosed:
            raise Refused(f"The {path} of entry {index} is disclosed twice.")
        entry = entries.get(index)
        if entry is None or path not in entry.commitments:
            raise Refused(f"Disclosure {number} names the {path} of entry {index}, which holds no such commitment.")
        salt = strict_base64(each["salt"], what=f"The salt of disclosure {number}", length=32)
        if digest_of(DOMAIN + salt + canonical_bytes([path, value])) != entry.commitments[path]:
            raise Refused(f"The {path} disclosed for entry {index} is not the one that the log is committed to.")
        disclosed[index, path] = value
    return disclosed


def count_withheld(entries: dict[int, Entry], disclosed: Disclosed) -> int:
    """How many committed values the report does not show: withheld, or erased since."""
    return sum(len(entry.commitments) for entry in entries.values()) - len(disclosed)
