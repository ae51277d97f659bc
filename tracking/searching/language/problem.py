"""What could not be read, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def gettext_noop(text: str) -> str:
    """Marks a sentence for translation; whoever shows it translates it (this package knows no Django)."""
    return text


class Misread(ValueError):
    """A filter or an order that cannot be read: a sentence with its facts, and the characters that it is about."""

    def __init__(self, sentence: str, start: int, end: int, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.start, self.end = start, max(end, start)
        self.facts = {name: shortened(fact) if isinstance(fact, str) else _listed(fact) for name, fact in facts.items()}

    def __str__(self) -> str:
        return f"At character {self.start + 1}: {self.sentence % self.facts}"


def _listed(fact: object) -> str:
    """Our own words, in full."""
    return ", ".join(str(one) for one in fact) if isinstance(fact, Iterable) else str(fact)


def shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or nothing."""
    near = difflib.get_close_matches(word[:60].lower(), list(known), n=1)
    return near[0] if near else ""
