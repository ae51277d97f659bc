"""The columns beside the inputs that a check may take apart: which of them, under what names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject

MOST_VALUES = 1000  # of one column; beyond, it names rows rather than parts of the data
MISSING = "(missing)"
LONGEST = 100  # characters of a label


@dataclass(frozen=True, slots=True)
class Part:
    """One column: its name, and a name for each place; the last place holds rows without a value."""

    name: str
    values: list[str]

    def places(self, columns: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
        """The place [n] of each row of a chunk."""
        codes = columns[self.name]
        return np.where(codes < 0, len(self.values) - 1, codes)

    def label(self, place: int) -> str:
        """`column = value`, as a number is labelled."""
        return label_of(f"{self.name} = {self.values[place]}")


def together(subject: Subject) -> str:
    """What a description says of intervals that take each row for itself where rows belong together; else nothing."""
    if subject.group is None:
        return ""
    return f" Rows of one {subject.group} belong together; these intervals take each row for itself and are too short."


def label_of(text: str) -> str:
    """The text, or as much of it as a label holds with a sign that tells it from others that begin alike."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 9]}…{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def parts_of(subject: Subject, asked: Sequence[str] | None) -> list[Part]:
    """The columns asked for; without any, every column with at most 1,000 named values that is not the group.

    Raises NotRun where there is none, or one that was asked for cannot be used.
    """
    if asked is None:
        names = [name for name, values in subject.columns.items() if values and len(values) <= MOST_VALUES]
        chosen = [name for name in names if name != subject.group]
        if not chosen:
            raise NotRun(
                "The data set has no column that names parts of the data; add one as column.NAME, and name its values "
                "in the metadata key columns."
            )
    else:
        chosen = list(dict.fromkeys(asked))
        for name in chosen:
            if name not in subject.columns:
                known = ", ".join(sorted(subject.columns)) or "none"
                raise NotRun(f"The data set has no column named {name!r}; it has {known}.")
            if not 0 < len(subject.columns[name]) <= MOST_VALUES:
                raise NotRun(
                    f"The column {name} names {len(subject.columns[name]):,} values; a column whose values are compared names "
                    f"1 to {MOST_VALUES:,} (metadata key columns)."
                )
    return [Part(name, [*subject.columns[name], MISSING]) for name in chosen]
