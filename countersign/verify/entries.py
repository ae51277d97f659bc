"""The log entries that a report carries, each with its proof under the report's seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from countersign.verify import limits, merkle
from countersign.verify.canonical import parse_canonical, parse_json
from countersign.verify.encoding import is_digest, strict_base64
from countersign.verify.note import Seal
from countersign.verify.outcome import Refused

EXTRACT = "log-extract.jsonl"
LINE_FIELDS = {"index", "body", "proof"}
BODY_FIELDS = {"id", "type", "v", "at", "actor", "on", "data", "request"}


@dataclass(frozen=True)
class Entry:
    """One event as the log holds it."""

    index: int
    body: bytes
    proof: tuple[bytes, ...]
    event: dict[str, Any]

    @property
    def moment(self) -> str:
        """When it was recorded, for people: `2026-11-20 13:06:39 UTC`."""
        at = str(self.event["at"])
        return f"{at[:10]} {at[11:19]} UTC"

    @property
    def type(self) -> str:
        """What kind of fact it is, such as `sign_off.given`."""
        return str(self.event["type"])

    @property
    def data(self) -> dict[str, Any]:
        """The fact's own fields."""
        data: dict[str, Any] = self.event["data"]
        return data

    @property
    def actor(self) -> str:
        """Pseudonym of the person, or name of the part of the system, that did it."""
        return str(self.event["actor"]["id"])

    def is_about(self, kind: str, key: str) -> bool:
        """Whether the event's subject is this one."""
        return bool(self.event["on"]["type"] == kind and self.event["on"]["id"] == key)

    @property
    def commitments(self) -> dict[str, str]:
        """The fields whose values the log holds only as commitments."""
        return {
            name: value["commitment"]
            for name, value in self.data.items()
            if isinstance(value, dict) and value.keys() == {"commitment"} and is_digest(value["commitment"])
        }


def read_entries(extract: bytes) -> dict[int, Entry]:
    """The entries of log-extract.jsonl by index. They ascend, and no index and no event comes twice."""
    if not extract.endswith(b"\n"):
        raise Refused(f"{EXTRACT} is empty or its last line does not end.")
    lines = extract[:-1].split(b"\n")
    if len(lines) > limits.LOG_ENTRIES:
        raise Refused(f"{EXTRACT} has more than {limits.LOG_ENTRIES} lines.")
    entries: dict[int, Entry] = {}
    last = -1
    ids: set[str] = set()
    for number, line in enumerate(lines, start=1):
        entry = _entry(line, what=f"Line {number} of {EXTRACT}")
        if entry.index <= last:
            raise Refused(f"Line {number} of {EXTRACT} does not ascend: index {entry.index} comes after {last}.")
        if entry.event["id"] in ids:
            raise Refused(f"Line {number} of {EXTRACT} repeats the event {entry.event['id']}.")
        last = entry.index
        ids.add(entry.event["id"])
        entries[entry.index] = entry
    return entries


def _entry(line: bytes, *, what: str) -> Entry:
    value = parse_json(line, what=what)
    if not isinstance(value, dict) or value.keys() != LINE_FIELDS:
        raise Refused(f"{what} does not consist of index, body and proof.")
    index, body, proof = value["index"], value["body"], value["proof"]
    if type(index) is not int or index < 0 or not isinstance(body, str) or not isinstance(proof, list):
        raise Refused(f"{what} has an index, a body or a proof of a wrong kind.")
    if len(proof) > limits.PROOF_HASHES:
        raise Refused(f"{what} has a proof that is too long for any log.")
    encoded = body.encode("utf-8", "replace")  # half a surrogate pair would not survive; its canonical form is refused below
    return Entry(
        index=index,
        body=encoded,
        proof=tuple(strict_base64(each, what=f"A hash in {what[0].lower()}{what[1:]}", length=32) for each in proof),
        event=_event(encoded, what=f"The event of entry {index}"),
    )


def _event(body: bytes, *, what: str) -> dict[str, Any]:
    event = parse_canonical(body, what=what)
    if not isinstance(event, dict) or event.keys() != BODY_FIELDS:
        raise Refused(f"{what} does not have exactly the parts of an event.")
    actor, on = event["actor"], event["on"]
    texts = [event["id"], event["type"], event["at"], event["request"]]
    if (
        not isinstance(actor, dict)
        or actor.keys() != {"kind", "id"}
        or not isinstance(on, dict)
        or on.keys() != {"type", "id", "seq"}
    ):
        raise Refused(f"{what} does not name its actor and its subject.")
    texts += [actor["kind"], actor["id"], on["type"], on["id"]]
    if not all(isinstance(text, str) for text in texts) or not isinstance(event["data"], dict):
        raise Refused(f"{what} has a part of a wrong kind.")
    if type(event["v"]) is not int or type(on["seq"]) is not int:
        raise Refused(f"{what} has no version or no place among the events of its subject.")
    return event


def require_entries_under(seal: Seal, entries: dict[int, Entry]) -> None:
    """Return only if each entry is in the log whose head `seal` is, at its index."""
    for entry in entries.values():
        try:
            merkle.require_inclusion(
                index=entry.index, size=seal.size, leaf=merkle.leaf_hash(entry.body), proof=entry.proof, root=seal.root
            )
        except Refused as refused:
            raise Refused(f"Entry {entry.index} ({entry.type}) is not in the log under this seal. {refused}") from None
