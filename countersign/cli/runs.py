"""`countersign runs` and `countersign compare`: training runs are found, listed and set side by side."""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from countersign.cli.commands import Unusable, say
from countersign.client import JSON, Client, Refused
from countersign.tracking.api import team_id

SHOWN = 20  # runs, where no limit is given
MOST = 10_000
COLUMNS = 3  # metrics, where none is chosen
NAME = 36  # characters of a name in the table
PAGE = 200  # runs that the site gives at once
_PLAIN = re.compile(r"\w+(?:[/:@.-]\w+)*\Z")
_METRIC = re.compile(r"""\bmetrics?\.("(?:[^"]|"")+"|`(?:[^`]|``)+`|\w+(?:[/:@.-]\w+)*)""", re.I)
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.I)


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The options of `runs`."""
    one.add_argument("--filter", default="", metavar="TEXT", help="such as 'metrics.val_accuracy > 0.9 and params.lr < 0.01'")
    one.add_argument("--order", default="", metavar="TEXT", help="such as 'metrics.val_accuracy desc, started_at asc'")
    one.add_argument("--experiment", default="", metavar="NAME", help="only this experiment's runs; its name or id")
    one.add_argument("--team", default="", metavar="TEAM", help="only this team's runs; name, short name or id")
    one.add_argument("--metric", action="append", default=[], metavar="NAME", help="a column of the table; may be repeated")
    one.add_argument(
        "--best", default="", metavar="METRIC", help="only the best run: the highest last value (NAME.max, NAME.min)"
    )
    one.add_argument("--lower", action="store_true", help="with --best: the lowest value is the best")
    one.add_argument("--limit", type=_limit, metavar="N", help=f"at most so many runs; {SHOWN} if not given, 1 with --best")


def add_comparison(one: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    one.add_argument("runs", metavar="RUN", nargs="+", help="ids of 2 to 8 runs")
    one.add_argument("--lower", action="append", default=[], metavar="METRIC", help="lower is better; may be repeated")
    one.add_argument("--higher", action="append", default=[], metavar="METRIC", help="higher is better; may be repeated")
    one.add_argument("--all", action="store_true", help="also what is equal")


def runs(args: argparse.Namespace) -> int:
    """The runs that fulfil the filter stand in a table; with --best the one that is best."""
    if args.best and args.order:
        raise Unusable("--best is an order of its own; leave --order out.")
    if args.lower and not args.best:
        raise Unusable("--lower says which run is the best: give --best METRIC with it.")
    client = Client()
    limit = args.limit or (1 if args.best else SHOWN)
    order = f"{_field(args.best)} {'asc' if args.lower else 'desc'}" if args.best else args.order
    query = {"filter": args.filter, "order": order, **scope(client, args)}
    query = {name: value for name, value in query.items() if value} | {"page_size": min(limit + 1, PAGE)}
    try:
        found = list(islice(client.every("runs/", **query), limit + 1))
    except Refused as refusal:
        raise _pointing(refusal, args.filter, order) from refusal
    if args.best:
        found = [run for run in found if _value(run, args.best) is not None]
        if not found:
            raise Unusable(f"None of these runs has a number for the metric {args.best}.")
    more, found = len(found) > limit, found[:limit]
    metrics = args.metric or ([_named(args.best)[0]] if args.best else _shown(found, f"{args.filter} {args.order}"))
    words = _table(found, metrics) if found else "No run fulfils this."
    if more and not args.best:
        words += f"\n\nThere are more; show them with --limit {min(MOST, limit * 5)}."
    return say(args, found, words)


def compare(args: argparse.Namespace) -> int:
    """What differs between the runs is told, each under a letter."""
    for run in args.runs:
        if not _ID.match(run):
            raise Unusable(f"{run} is not the id of a run; countersign runs shows the ids.")
    found = Client().get("runs/comparison/", run=args.runs, lower=args.lower, higher=args.higher)
    return say(args, found, "\n".join(_compared(found, everything=args.all)))


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST:,}, not {text}")
    return int(text)


def scope(client: Client, args: argparse.Namespace) -> JSON:
    """The team and the experiment as ids."""
    try:
        team = team_id(client, args.team) if args.team else ""
    except ValueError as error:
        raise Unusable(str(error)) from error
    if not args.experiment or _ID.match(args.experiment):
        return {"team": team, "experiment": args.experiment}
    known = list(client.every("experiments/", **({"team": team} if team else {})))
    named = [one for one in known if one["name"] == args.experiment]
    if not named:
        names = ", ".join(sorted({str(one["name"]) for one in known})[:20]) or "none"
        raise Unusable(f"There is no experiment {args.experiment} that you may see; there are {names}.")
    if len(named) > 1:
        raise Unusable(f"Several teams have an experiment {args.experiment}; say which one with --team.")
    return {"team": team, "experiment": named[0]["id"]}


def best_of(client: Client, metric: str, *, lower: bool = False, **query: str) -> tuple[JSON, float]:
    """The run of this query whose metric is best, and the value by which it is."""
    order = f"{_field(metric)} {'asc' if lower else 'desc'}"
    asked = {name: value for name, value in query.items() if value}
    found = next(client.every("runs/", order=order, page_size=1, **asked), None)
    value = _value(found, metric) if found else None
    if found is None or value is None:
        raise Unusable(f"None of these runs has a number for the metric {metric}.")
    return found, value


def _named(metric: str) -> tuple[str, str]:
    """A metric's name and which of its values is meant."""
    name, _dot, part = metric.rpartition(".")
    return (name, part) if name and part in {"min", "max", "last"} else (metric, "last")


def _field(metric: str) -> str:
    """The metric as the language of filters writes it."""
    name, part = _named(metric)
    quoted = name if _PLAIN.match(name) and name.rpartition(".")[2] not in {"min", "max", "last"} else _quoted(name)
    return f"metrics.{quoted}" + ("" if part == "last" else f".{part}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(run: JSON, metric: str) -> float | None:
    name, part = _named(metric)
    value = run["metrics"].get(name, {}).get({"min": "lowest", "max": "highest", "last": "last"}[part])
    number = None if value is None else float(value)
    return None if number is None or math.isnan(number) else number


def _pointing(refusal: Refused, filter_text: str, order: str) -> Refused:
    """The refusal with the text below it, and a mark under what could not be read."""
    text = {"filter": filter_text, "order": order}.get(refusal.problem.get("field", ""))
    start, end = refusal.problem.get("start"), refusal.problem.get("end")
    if refusal.code != "unreadable_search" or text is None or not isinstance(start, int) or not isinstance(end, int):
        return refusal
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    marked = f"{refusal.detail}\n  {line}\n  {' ' * start}{'^' * max(1, end - start)}"
    return Refused({**refusal.problem, "detail": marked})


def _shown(found: Sequence[JSON], asked: str) -> list[str]:
    """The metrics that filter and order name; beside them the most frequent ones, up to `COLUMNS`."""
    counts = Counter(name for run in found for name in run["metrics"])
    named = [_unquoted(word) for word in _METRIC.findall(asked)]
    named = [name if name in counts else _named(name)[0] for name in named]
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:COLUMNS]
    known = [name for name in dict.fromkeys(named) if name in counts]
    return known + [name for name in frequent if name not in known][: max(0, COLUMNS - len(known))]


def _unquoted(word: str) -> str:
    return word[1:-1].replace(word[0] * 2, word[0]) if word[0] in '"`' else word


def _table(found: Sequence[JSON], metrics: Sequence[str]) -> str:
    head = ["ID", "NAME", "EXPERIMENT", "STATE", *metrics, "STARTED (UTC)", "DURATION", "COMMIT"]
    rows = [
        [
            run["id"],
            _short(run["name"], NAME),
            _short(run["experiment"], 20),
            run["state"],
            *(_figure(run["metrics"].get(name, {}).get("last")) for name in metrics),
            _moment(run["started_at"]),
            _lasted(run["started_at"], run["ended_at"]),
            str(run["code"].get("commit") or "-")[:10] + ("+" if run["code"].get("dirty") else ""),
        ]
        for run in found
    ]
    return aligned([head, *rows], right=set(range(4, 4 + len(metrics))))


def aligned(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """The rows in columns, with two spaces between."""
    cells = [[" ".join(str(cell).split()) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _figure(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _moment(text: str | None) -> str:
    moment = _when(text)
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "-"


def _lasted(start: str | None, end: str | None) -> str:
    first, last = _when(start), _when(end)
    if first is None or last is None:
        return "-"
    seconds = (last - first).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


# -- side by side ------------------------------------------------------------------------------------------------------------

LETTERS = "ABCDEFGH"


def _compared(found: JSON, *, everything: bool) -> list[str]:
    letters = LETTERS[: len(found["runs"])]
    lines = [
        f"{letter}  {run['name']}  ({run['experiment']}, {run['state']}, {run['id']})"
        for letter, run in zip(letters, found["runs"], strict=True)
    ]
    lines += _part("Parameters", found["params"], letters, everything=everything)
    if found["metrics"]:
        rows = [["", *letters, ""], *(_metric(row) for row in found["metrics"])]
        lines += ["", "Metrics: best (last); * leads", aligned(rows, right=set(range(1, 1 + len(letters))))]
    lines += _part("Code", found["code"], letters, everything=everything)
    lines += [f"  A to {letter}: {address}" for letter, address in zip(letters[1:], found["commits"], strict=True) if address]
    if data := [row for row in found["data"] if row["differs"] or everything]:
        rows = [
            ["", *letters],
            *([f"{row['name']} ({row['context'] or 'use not said'})", *map(_digests, row["cells"])] for row in data),
        ]
        lines += ["", "Data", aligned(rows)]
    lines += _part("Environment", found["machine"], letters, everything=everything)
    return lines + _part("Packages", found["packages"], letters, everything=everything)


def _part(title: str, sides: JSON, letters: str, *, everything: bool) -> list[str]:
    rows = sides["differing"] + (sides["equal"] if everything else [])
    if not rows:
        return ["", f"{title}: no difference ({len(sides['equal'])} equal)" if sides["equal"] else f"{title}: not reported"]
    table = [
        ["", *letters],
        *([_short(row["name"], 40), *(_short("-" if value is None else value, 40) for value in row["values"])] for row in rows),
    ]
    alike = "" if everything or not sides["equal"] else f" ({len(sides['equal'])} equal, shown with --all)"
    return ["", f"{title}{alike}", aligned(table)]


def _metric(row: JSON) -> list[str]:
    cells = []
    for cell in row["cells"]:
        if cell is None:
            cells.append("-")
        elif row["direction"] is None:
            cells.append(f"({_figure(cell['last'])})")
        else:
            cells.append(f"{'*' if cell['leads'] else ''}{_figure(cell['best'])} ({_figure(cell['last'])})")
    direction = f"{row['direction']} is better" if row["direction"] else ""
    return [_short(row["name"], 40), *cells, direction + (", assumed" if direction and row["assumed"] else "")]


def _digests(cell: Sequence[JSON]) -> str:
    return ", ".join(_short(one["digest"], 20) or "no digest" for one in cell) or "-"
