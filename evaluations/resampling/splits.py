"""The split that a client drew, read with nothing taken on trust: which rows each part trains on and which it holds out.

The format is `countersign.split/1`: see docs/reference/split-format.md. The server draws nothing itself: what counts is which
rows were held out, and these are listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from core.errors import InvalidInput

FORMAT = "countersign.split/1"
LIMIT = 32 << 20  # bytes: about five million row numbers
MOST_PARTS = 200
MOST_ROWS = LIMIT // 2  # a row that some part names takes two bytes of the file
MOST_COUNTS = 8 * MOST_ROWS  # rows times parts of a bootstrap: each part draws about as many rows as there are
_TEXT = 100  # characters of a name that are kept
Rows = NDArray[np.int64]


class NoSplit(InvalidInput):
    """The file is no split, or its parts do not keep the rules of their method."""

    code = "split"


@dataclass(frozen=True, slots=True)
class Plan:
    """A split with its parts: of a kfold the held-out rows of each, ascending; of a bootstrap its bag, with repetitions."""

    method: str
    seed: int
    sha256: str
    rows: int
    names: list[str]
    listed: list[Rows]
    about: dict[str, Any]

    def bag(self, number: int) -> Rows:
        """How often each row is in the bag of the part `number` (from 1), [rows]."""
        return np.bincount(self.listed[number - 1], minlength=self.rows).astype(np.int64)

    def held_out(self, number: int) -> Rows:
        """The rows that the part `number` (from 1) did not train on, ascending."""
        if self.method == "kfold":
            return self.listed[number - 1]
        return np.flatnonzero(self.bag(number) == 0).astype(np.int64)

    def facts(self) -> dict[str, Any]:
        """What is kept beside the file: everything but the rows."""
        parts = []
        for number, name in enumerate(self.names, start=1):
            held = len(self.held_out(number))
            trained = self.rows - held if self.method == "kfold" else len(self.listed[number - 1])
            parts.append({"name": name, "train_rows": trained, "held_out_rows": held})
        return {"seed": self.seed, "rows": self.rows, **self.about, "parts": parts}


def read_split(raw: bytes) -> Plan:
    """The split in `raw`; refuses with a sentence what is none, or what would let a row be measured that was trained on."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise NoSplit(_("The split is not JSON. Send the file that `countersign split` wrote.")) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NoSplit(
            _("This is no file of the format %(format)s. Send the file that `countersign split` wrote.") % {"format": FORMAT}
        )
    method, data, parts = _printable(found.get("method")), found.get("data"), found.get("parts")
    if method == "holdout":
        raise NoSplit(
            _("A hold-out has one part: register its held-out rows as test data of the version, which is then measured on them.")
        )
    if method not in {"kfold", "bootstrap"} or not isinstance(data, dict) or not isinstance(parts, list):
        raise NoSplit(_("The split has no method, no data or no parts that are known here."))
    rows, seed = data.get("rows"), found.get("seed")
    if type(rows) is not int or rows < 2 or type(seed) is not int or abs(seed) >= 2**63:
        raise NoSplit(_("The split does not say with whole numbers how many rows there are and which seed was used."))
    if not 2 <= len(parts) <= MOST_PARTS:
        raise NoSplit(_("A set has 2 to %(most)s parts, not %(count)s.") % {"most": MOST_PARTS, "count": len(parts)})
    if rows > MOST_ROWS or (method == "bootstrap" and rows * len(parts) > MOST_COUNTS):
        raise NoSplit(_("The split promises more rows than a file of this size can list."))
    key = "held_out" if method == "kfold" else "in_bag"
    listed = [_rows(part, key, rows) for part in parts]
    plan = Plan(method, seed, _printable(data.get("sha256")), rows, _names(parts), listed, _about(found))
    _keeps_its_rules(plan)
    return plan


def _rows(part: Any, key: str, rows: int) -> Rows:
    found = part.get(key) if isinstance(part, dict) else None
    if not isinstance(found, list) or not found or not all(type(row) is int for row in found):
        raise NoSplit(_("A part of the split does not list its rows as whole numbers under %(key)s.") % {"key": key})
    if min(found) < 0 or max(found) >= rows:
        raise NoSplit(_("A part of the split names a row that the data do not have; they have %(rows)s.") % {"rows": f"{rows:,}"})
    return np.sort(np.asarray(found, dtype=np.int64))


def _names(parts: list[Mapping[str, Any]]) -> list[str]:
    names = [_printable(part.get("name")) or str(number) for number, part in enumerate(parts, start=1)]
    if len(set(names)) != len(names):
        raise NoSplit(_("Two parts of the split have the same name."))
    return names


def _about(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _printable(found.get(key)) or None for key in ("stratify", "group")}


def _printable(text: Any) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:_TEXT] if isinstance(text, str) else ""


def _keeps_its_rules(plan: Plan) -> None:
    if plan.method == "kfold":
        held = np.concatenate(plan.listed)
        if held.size != plan.rows or not (np.sort(held) == np.arange(plan.rows)).all():
            raise NoSplit(_("The folds do not hold each row out exactly once, so a mean over them would weigh rows unequally."))
        return
    for number, name in enumerate(plan.names, start=1):
        if not plan.held_out(number).size:
            raise NoSplit(_("%(name)s leaves no row out, so there is nothing to measure it on.") % {"name": name})
