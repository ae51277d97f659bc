"""One search over everything: each package registers how it finds its own things within a person's sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from core.registry import Registry

MOST = 10  # of each kind; whoever looks for more writes more letters
SHORTEST = 2  # letters
LONGEST = 200
DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})\Z")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: what it is called, where it is ("" where it has no page), and what tells it from others."""

    label: str
    href: str
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finder:
    """How one kind of thing is found: `find(person, words, digest)` gives at most MOST hits, the best first. `digest` is the hex
    part of what looks like (the beginning of) a digest, "" otherwise."""

    title: str | Promise
    find: Callable[[Any, str, str], list[Hit]]


finders: Registry[Finder] = Registry("kind of thing that is searched")  # registered in AppConfig.ready


def digest_in(words: str) -> str:
    """The hex digits of what may be (the beginning of) a digest: six or more, with or without `sha256:`."""
    found = DIGEST.match(words.lower())
    return found[1] if found else ""


def search(person: Any, words: str) -> list[tuple[str, list[Hit]]]:
    """What `person` may see that goes by `words`, kind by kind; kinds without a hit are left out."""
    found = [(str(finder.title), finder.find(person, words, digest_in(words))[:MOST]) for finder in finders]
    return [(title, hits) for title, hits in found if hits]
