"""A split of a file, with every rule that it keeps checked before it is handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from countersign.splitting import drawing
from countersign.splitting.plan import METHODS, CannotSplit, Part, Split, complement
from countersign.splitting.reading import Table, open_table
from countersign.transport import digest_of

MISSING = "(missing)"
FOLDS, REPLICATES, SHARE = 5, 50, 0.2
MOST_SHOWN = 1_000  # strata whose sizes are written down


def split(
    file: str | Path,
    *,
    method: str,
    seed: int,
    stratify: str | None = None,
    group: str | None = None,
    folds: int = FOLDS,
    replicates: int = REPLICATES,
    test: float = SHARE,
) -> Split:
    """Seeded parts of the rows of `file`; the same file, method, seed and columns give the same rows on every machine.

    `stratify` names a column whose values keep their shares in each part, `group` one whose rows stay together. `folds` is for
    kfold, `replicates` for bootstrap, `test` (a share between 0 and 1) for holdout. Raises `CannotSplit`.
    """
    path = Path(file)
    if method not in METHODS:
        raise CannotSplit(f"A split is one of {', '.join(METHODS)}, not {method}.")
    if not path.is_file():
        raise CannotSplit(f"There is no file {path}.")
    table = open_table(path)
    if table.rows < 2:
        raise CannotSplit(f"{path} has {table.rows} rows; at least two are needed.")
    labels = _labels(table, stratify)
    groups = _groups(table, group)
    if method == "holdout":
        options, parts = {"test": test}, _hold_out(table.rows, labels, groups, test=test, seed=seed)
    elif method == "kfold":
        options, parts = {"folds": folds}, _folds(table.rows, labels, groups, count=folds, seed=seed)
    else:
        options, parts = {"replicates": replicates}, _bags(table.rows, labels, groups, count=replicates, seed=seed)
    return Split(
        method=method,
        seed=seed,
        file=path.name,
        sha256=digest_of(path),
        rows=table.rows,
        parts=parts,
        stratify=stratify,
        group=group,
        options=options,
        counts=_counts(labels, groups),
    )


def _labels(table: Table, column: str | None) -> list[str] | None:
    if column is None:
        return None
    labels = [MISSING if value is None else value for value in table.column(column)]
    different = len(set(labels))
    if different > max(2, table.rows // 2):
        raise CannotSplit(f"{column} has {different:,} different values in {table.rows:,} rows: stratify by one that repeats.")
    return labels


def _groups(table: Table, column: str | None) -> dict[str, list[int]] | None:
    if column is None:
        return None
    found: dict[str, list[int]] = {}
    for row, value in enumerate(table.column(column)):
        if value is None:
            raise CannotSplit(f"Row {row} has no value in {column}, so it is not clear which group it belongs to.")
        found.setdefault(value, []).append(row)
    if len(found) < 2:
        raise CannotSplit(f"{column} has the same value in every row: one group cannot be divided.")
    return found


def _hold_out(rows: int, labels: list[str] | None, groups: dict[str, list[int]] | None, *, test: float, seed: int) -> list[Part]:
    if not 0.0 < test < 1.0:
        raise CannotSplit(f"The share to hold out lies between 0 and 1, not at {test:g}.")
    if groups is None:
        held = drawing.hold_out(drawing.strata_of(labels, rows), rows=rows, share=test, seed=seed)
    else:
        held = drawing.grouped_hold_out(groups, labels or [""] * rows, rows=rows, share=test, seed=seed)
    return [Part("hold-out", complement(held, rows), held)]


def _folds(rows: int, labels: list[str] | None, groups: dict[str, list[int]] | None, *, count: int, seed: int) -> list[Part]:
    units, what = (rows, "rows") if groups is None else (len(groups), "groups")
    if not 2 <= count <= units:
        raise CannotSplit(f"{units:,} {what} make 2 to {units:,} folds, not {count:,}.")
    if groups is None:
        held = drawing.folds(drawing.strata_of(labels, rows), rows=rows, count=count, seed=seed)
    else:
        held = drawing.grouped_folds(groups, labels or [""] * rows, count=count, seed=seed)
    return [Part(f"fold-{number}", complement(one, rows), one) for number, one in enumerate(held, start=1)]


def _bags(rows: int, labels: list[str] | None, groups: dict[str, list[int]] | None, *, count: int, seed: int) -> list[Part]:
    if count < 2:
        raise CannotSplit(f"A bootstrap has two replicates or more, not {count}.")
    if groups is not None and labels is not None:
        raise CannotSplit("A bootstrap draws whole groups or keeps the shares of a column, not both: leave one of them out.")
    parts = []
    strata = drawing.strata_of(labels, rows)
    for number in range(1, count + 1):
        if groups is None:
            bag = drawing.bag(strata, rows=rows, number=number, seed=seed)
        else:
            bag = drawing.grouped_bag(groups, rows=rows, number=number, seed=seed)
        parts.append(Part(f"replicate-{number}", bag, complement(bag, rows)))
    return parts


def _counts(labels: Sequence[str] | None, groups: dict[str, list[int]] | None) -> dict[str, object]:
    strata = Counter(labels).most_common(MOST_SHOWN) if labels is not None else None
    return {"strata": None if strata is None else dict(sorted(strata)), "groups": None if groups is None else len(groups)}
