"""The answers to what a policy asks, as a page or a report lists them: what stands against approval first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from governance.requirements import Answer, Outcome, kinds

_ORDER = [Outcome.NOT_MET, Outcome.NOT_ASSESSED, Outcome.EXCEPTED, Outcome.MET]


@dataclass(frozen=True, slots=True)
class Row:
    """One answer under the title of its kind."""

    title: str
    outcome: str
    sentence: str
    href: str


def title_of(answer: Answer) -> str:
    """The title of the answer's kind; of a kind that is gone, its own name."""
    kind = kinds.get(answer.kind)
    return str(kind.title) if kind else answer.kind


def gravest_first(answers: Iterable[Answer]) -> list[Answer]:
    """By outcome, and within it in the order in which they were given."""
    return sorted(answers, key=lambda answer: _ORDER.index(answer.outcome))


def rows_of(answers: Iterable[Answer]) -> list[Row]:
    return [Row(title_of(one), one.outcome.value, one.sentence, one.href) for one in gravest_first(answers)]
