"""A split as it is kept: one JSON file that names the data by digest, the method with its seed, and the rows of each part.

    {"format": "countersign.split/1",
     "data": {"file": "digits.csv", "sha256": "sha256:…", "rows": 1797},
     "method": "kfold", "seed": 7, "stratify": "label", "group": null, "options": {"folds": 5},
     "counts": {"strata": {"0": 178, …}, "groups": null},
     "parts": [{"name": "fold-1", "train_rows": 1437, "held_out_rows": 360, "held_out": [3, 8, …]}, …]}

Rows are numbered from 0 in the order of the file (a CSV's header is no row). A part of a hold-out or a k-fold lists the rows
that it holds out, ascending, and trains on all others. A part of a bootstrap lists the rows in its bag, ascending, each as
often as it was drawn; it trains on these, and holds out all that are not in the bag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "countersign.split/1"
METHODS = ("holdout", "kfold", "bootstrap")


class CannotSplit(Exception):
    """The data cannot be split so, or a file is no split of these data; the message says why and what to do."""


@dataclass(frozen=True)
class Part:
    """One training with what it holds out. Rows are positions in the file; those of a bootstrap's bag may stand repeatedly."""

    name: str
    train: Sequence[int]
    held_out: Sequence[int]


@dataclass(frozen=True)
class Split:
    """All parts of one split, and what they were drawn from."""

    method: str
    seed: int
    file: str
    sha256: str
    rows: int
    parts: Sequence[Part]
    stratify: str | None = None
    group: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What is written: see the top of this file."""
        listed = "in_bag" if self.method == "bootstrap" else "held_out"
        return {
            "format": FORMAT,
            "data": {"file": self.file, "sha256": self.sha256, "rows": self.rows},
            "method": self.method,
            "seed": self.seed,
            "stratify": self.stratify,
            "group": self.group,
            "options": dict(self.options),
            "counts": dict(self.counts),
            "parts": [
                {
                    "name": part.name,
                    "train_rows": len(part.train),
                    "held_out_rows": len(part.held_out),
                    listed: list(part.train if listed == "in_bag" else part.held_out),
                }
                for part in self.parts
            ],
        }

    def save(self, path: Path) -> None:
        """The file holds this split; a line for each part."""
        whole = self.as_json()
        parts = ",\n  ".join(json.dumps(part, separators=(",", ":")) for part in whole.pop("parts"))
        head = json.dumps(whole, indent=1, ensure_ascii=False)
        path.write_text(f'{head[:-2]},\n "parts": [\n  {parts}\n ]\n}}\n', encoding="utf-8")


def load_split(path: str | Path) -> Split:
    """The split that `countersign split` wrote; raises `CannotSplit` for anything else."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CannotSplit(f"There is no file {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CannotSplit(f"{path} cannot be read as JSON.") from error
    try:
        if found["format"] != FORMAT or found["method"] not in METHODS:
            raise CannotSplit(f"{path} is a split of another format than {FORMAT}: write it again with countersign split.")
        data = found["data"]
        return Split(
            method=found["method"],
            seed=int(found["seed"]),
            file=str(data["file"]),
            sha256=str(data["sha256"]),
            rows=int(data["rows"]),
            parts=[_part(found["method"], one, int(data["rows"])) for one in found["parts"]],
            stratify=found.get("stratify"),
            group=found.get("group"),
            options=found.get("options", {}),
            counts=found.get("counts", {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotSplit(f"{path} is no split: write one with countersign split.") from error


def _part(method: str, one: Mapping[str, Any], rows: int) -> Part:
    """A part with the rows that its file leaves out, because they are all the others."""
    listed = one["in_bag"] if method == "bootstrap" else one["held_out"]
    if not all(type(row) is int and 0 <= row < rows for row in listed):
        raise CannotSplit(f"The part {one['name']} names rows that the data do not have.")
    others = complement(listed, rows)
    return Part(str(one["name"]), listed, others) if method == "bootstrap" else Part(str(one["name"]), others, listed)


def complement(listed: Sequence[int], rows: int) -> list[int]:
    """The rows from 0 to `rows` - 1 that are not listed, ascending."""
    taken = bytearray(rows)
    for row in listed:
        taken[row] = 1
    return [row for row in range(rows) if not taken[row]]
