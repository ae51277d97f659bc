"""What of a run the site takes. One tag of 10 MB must not cost a whole run: it is left out, and a sentence says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from countersign.importing.mlflow.records import Data, Points
from countersign.tracking.api import packed

# What the site keeps of a run, at most. It refuses more with a sentence of its own; a new site may take more.
PARAMS, TAGS = 250 * 1024, 1000 * 1024  # bytes as JSON
NAME, TAG = 250, 64 * 1024  # characters
CURVES, POINTS = 2_000, 150_000  # points in one message of about 5 MB
NUMBER = 2**53 - 1
DATA = {"context": 100, "name": 500, "digest": 100, "source_type": 100, "source": 16_384, "schema": 131_072, "profile": 131_072}


def clean(text: str) -> str:
    """Without the two things that no database of texts holds: NUL, and half of a pair of surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def texts(given: Mapping[str, str], *, what: str, most: int, longest: int, notes: list[str]) -> dict[str, str]:
    """Names and texts that fit into `most` bytes together, the short ones first; the others are named in `notes`."""
    kept, room, left = {}, most, 0
    for name, text in sorted(given.items(), key=lambda pair: (len(pair[1]), pair[0])):
        needs = len(json.dumps([name, text], ensure_ascii=False).encode("utf-8", "replace"))
        if not 1 <= len(name) <= NAME:
            notes.append(f"{what} {name[:40]}…: its name has more than {NAME} characters")
        elif len(text) > longest:
            notes.append(f"{what} {name[:80]}: {len(text):,} characters are too many; at most {longest:,} are kept")
        elif needs > room:
            left += 1
        else:
            kept[clean(name)] = clean(text)
            room -= needs
    if left:
        notes.append(f"{left:,} {what}s: together they take more than {most >> 10:,} KiB, so the longest are left out")
    return kept


def data(given: tuple[Data, ...], *, notes: list[str]) -> list[dict[str, str]]:
    """The inputs; a description that is too long for the site is left out of one, not the input."""
    kept = []
    for one in given[:1000]:
        facts = {key: clean(getattr(one, key)) for key in DATA}
        for key, most in DATA.items():
            if len(facts[key]) > most:
                notes.append(f"input {one.name[:80]}: its {key} of {len(facts[key]):,} characters is too long to keep")
                facts[key] = facts[key][:most] if key == "name" else ""
        if facts["name"]:
            kept.append(facts)
    return kept


def series(given: Mapping[str, Points], *, notes: list[str]) -> dict[str, Points]:
    """The curves, without points whose step or time is beyond what the site (and JSON) can count."""
    kept: dict[str, Points] = {}
    for name, points in given.items():
        if len(kept) == CURVES or len(name) > NAME or not name.strip():
            why = f"a run has at most {CURVES:,} curves" if len(kept) == CURVES else "no curve can have this name"
            notes.append(f"metric {name[:80]}: {why}")
            continue
        fitting = points if _fits(points) else _fitting(points)
        if len(fitting) < len(points):
            notes.append(f"metric {name}: points whose step or time is beyond 2^53 ({len(points) - len(fitting):,})")
        if len(fitting):
            kept[clean(name).strip()] = fitting
    return kept


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed curves that fit into one message, and how many points they have."""

    series: list[dict[str, Any]]
    points: int


def batches(given: Mapping[str, Points]) -> Iterator[Batch]:
    """The curves packed, in messages that the site takes."""
    message: list[dict[str, Any]] = []
    room = POINTS
    for name, points in given.items():
        start = 0
        while start < len(points):
            part = slice(start, start + room)
            message.append(packed(name, points.steps[part], points.values[part], points.times[part]))
            taken = min(room, len(points) - start)
            start, room = start + taken, room - taken
            if not room:
                yield Batch(message, POINTS)
                message, room = [], POINTS
    if message:
        yield Batch(message, POINTS - room)


def _fits(points: Points) -> bool:
    return all(min(column) >= -NUMBER and max(column) <= NUMBER for column in (points.steps, points.times))


def _fitting(points: Points) -> Points:
    kept = Points.empty()
    for step, value, time in points.rows():
        if abs(step) <= NUMBER and abs(time) <= NUMBER:
            kept.add(step=step, value=value, time=time)
    return kept
