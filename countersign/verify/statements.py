"""What report.json states, held against the events it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from countersign.verify.canonical import canonical_bytes
from countersign.verify.disclosures import Disclosed
from countersign.verify.encoding import digest_of, is_digest
from countersign.verify.entries import Entry
from countersign.verify.outcome import Refused

REPORT = "report.json"
REPORT_FORMAT = "countersign-report/1"
SECTIONS = {
    "sign_offs": "sign-off",
    "refusals": "refusal",
    "releases": "release",
    "alerts": "alert",
    "timeline": "timeline entry",
}
SIGN_OFF = "sign_off.given"
SECTION_OF = {SIGN_OFF: "sign_offs", "attempt.refused": "refusals", "release.made": "releases", "alert.opened": "alerts"}
NEEDED = {
    "sign_offs": ("role", "verdict", "meaning", "digest", "signed_at", "person"),
    "refusals": (),
    "releases": (),
    "alerts": (),
    "timeline": ("at", "type"),
}
WITHHELD = (None, "", "[withheld or erased]")


@dataclass(frozen=True)
class Content:
    """report.json, as far as the verifier relies on its shape."""

    report: str
    version: str
    checkpoint: str
    state: str
    raw: dict[str, Any]

    def section(self, name: str) -> list[dict[str, Any]]:
        """The statements of a section."""
        section: list[dict[str, Any]] = self.raw[name]
        return section


def read_content(value: Any) -> Content:
    """The content of a report; refuses one that lacks what every report has."""
    if not isinstance(value, dict) or value.get("format") != REPORT_FORMAT:
        raise Refused(f"{REPORT} is not of the format {REPORT_FORMAT}.")
    report, version, decision = (value.get(name) for name in ("report", "version", "decision"))
    if not isinstance(report, dict) or not isinstance(version, dict) or not isinstance(decision, dict):
        raise Refused(f"{REPORT} does not say which report and which version it is about, and what was decided.")
    wanted = [report.get("id"), version.get("id"), version.get("state"), decision.get("outcome")]
    if not all(isinstance(text, str) and text for text in wanted) or not is_digest(version.get("checkpoint")):
        raise Refused(f"{REPORT} lacks the report's id, or the version's id, state or checkpoint, or the decision's outcome.")
    for name in SECTIONS:
        section = value.get(name)
        if not isinstance(section, list) or not all(isinstance(each, dict) for each in section):
            raise Refused(f"{REPORT} has no list of {name}.")
    return Content(
        report=report["id"], version=version["id"], checkpoint=version["checkpoint"], state=version["state"], raw=value
    )


def require_statements(content: Content, entries: dict[int, Entry], disclosed: Disclosed) -> str:
    """Return, with a summary, only if every statement agrees with the event it names and nothing in between is left out."""
    for section in SECTIONS:
        for number, statement in enumerate(content.section(section), start=1):
            _require_agreement(section, number, statement, entries, disclosed)
    _require_version(content, entries)
    _require_no_gaps(content, entries)
    _require_none_left_out(content, entries)
    counts = [f"{len(content.section(name))} {word}{_plural(len(content.section(name)))}" for name, word in SECTIONS.items()]
    return f"They agree with their events: {', '.join(counts)}.".replace("entrys", "entries")


def _plural(count: int) -> str:
    return "" if count == 1 else "s"


def _require_agreement(
    section: str, number: int, statement: dict[str, Any], entries: dict[int, Entry], disclosed: Disclosed
) -> None:
    what = f"The {SECTIONS[section]} {number}"
    index = statement.get("event")
    if type(index) is not int or index not in entries:
        raise Refused(f"{what} of {REPORT} names no entry of the log extract.")
    entry = entries[index]
    what = f"{what} of {REPORT} (entry {index})"
    if not _fits(section, entry.type):
        raise Refused(f"{what} names an event of the type {entry.type}.")
    for name in NEEDED[section]:
        if name not in statement:
            raise Refused(f"{what} does not say {name}.")
    for name, stated, recorded in _comparisons(statement, entry):
        if isinstance(recorded, bool) != isinstance(stated, bool) or stated != recorded:
            raise Refused(f"{what} says {name} {_short(stated)}, but the log says {_short(recorded)}.")
    for name in entry.commitments.keys() & statement.keys():
        shown = disclosed.get((index, name))
        if statement[name] != shown and not (shown is None and statement[name] in WITHHELD):
            raise Refused(f"{what} states a {name} that is not the one disclosed for it.")


def _fits(section: str, event_type: str) -> bool:
    match section:
        case "sign_offs":
            return event_type == SIGN_OFF
        case "refusals":
            return event_type.endswith(".refused")
        case "releases":
            return event_type == "release.made"
        case "alerts":
            return event_type.startswith("alert.")
    return True


def _comparisons(statement: dict[str, Any], entry: Entry) -> Iterator[tuple[str, Any, Any]]:
    """What is said beside what is recorded: the event's frame, then every field that both have."""
    frame = {"type": entry.type, "at": entry.event["at"], "signed_at": entry.event["at"], "person": entry.actor}
    for name in statement.keys() & frame.keys():
        yield name, statement[name], frame[name]
    for name in statement.keys() & (entry.data.keys() - entry.commitments.keys() - frame.keys()):
        yield name, statement[name], entry.data[name]
    if "facts" in statement and "facts_digest" in entry.data:
        yield "facts with the digest", digest_of(canonical_bytes(statement["facts"])), entry.data["facts_digest"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def events_about(content: Content, entries: dict[int, Entry]) -> list[Entry]:
    """The extract's events about the version, in the log's order."""
    return [entry for entry in entries.values() if entry.is_about("version", content.version)]


def reviews_of(content: Content, entries: dict[int, Entry]) -> set[str]:
    """The ids of the version's reviews, as its own events and theirs name them."""
    named = {entry.data["review"] for entry in events_about(content, entries) if isinstance(entry.data.get("review"), str)}
    theirs = {
        entry.event["on"]["id"]
        for entry in entries.values()
        if entry.event["on"]["type"] == "review" and entry.data.get("version_id") == content.version
    }
    return (named | theirs) - {""}


def _require_version(content: Content, entries: dict[int, Entry]) -> None:
    about = events_about(content, entries)
    if not about:
        raise Refused(f"No entry of the log extract is about the version that {REPORT} names.")
    named = [entry for entry in about if is_digest(entry.data.get("checkpoint"))]
    received = [entry for entry in about if entry.type == "version.checkpoint_received"]
    for entry in named:
        if entry.data["checkpoint"] != content.checkpoint:
            raise Refused(f"{REPORT} names another checkpoint for the version than entry {entry.index} ({entry.type}) does.")
    if not named and content.checkpoint not in [entry.data.get("digest") for entry in received]:
        raise Refused(f"No entry about the version names the checkpoint that {REPORT} names.")


def _require_no_gaps(content: Content, entries: dict[int, Entry]) -> None:
    reviews = reviews_of(content, entries)
    for kind, key in [("version", content.version), *(("review", review) for review in sorted(reviews))]:
        places = [entry.event["on"]["seq"] for entry in entries.values() if entry.is_about(kind, key)]
        if places != list(range(1, len(places) + 1)) or not places:
            raise Refused(f"The log extract leaves out events about the {kind} {key}, or they stand in a wrong order.")


def _require_none_left_out(content: Content, entries: dict[int, Entry]) -> None:
    reviews = reviews_of(content, entries)
    named = {name: {statement["event"] for statement in content.section(name)} for name in SECTIONS}
    for entry in entries.values():
        on = entry.event["on"]
        ours = on["id"] == content.version or on["id"] in reviews or entry.data.get("version_id") == content.version
        section = SECTION_OF.get(entry.type)
        if ours and section and entry.index not in named[section]:
            raise Refused(f"{REPORT} keeps silent about entry {entry.index} ({entry.type}), which belongs among its {section}.")
