"""`countersign findings import`: findings of another system come in from a file, all rows or none."""

from __future__ import annotations

import argparse

from countersign.cli.commands import ALLOWED, given_file, plain, say
from countersign.client import JSON, Client

REFUSED = 1  # as for every other refusal of the site
SHOWN = 50  # rows that are printed; --json has all


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The sub-commands with their options."""
    deeds = one.add_subparsers(dest="deed", required=True, metavar="DEED", parser_class=type(one))
    does = "Say what each row of a CSV or XLSX file would do, and do it if no row is refused."
    sub = deeds.add_parser("import", help=does, description=does)
    sub.set_defaults(run=run)
    sub.add_argument("file", metavar="FILE", help="with the columns of an export of the findings")
    sub.add_argument("--dry-run", action="store_true", help="only say what would happen")
    sub.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """0: done, or it could be done, or there is nothing to do; 1: a row is refused, and nothing was done."""
    file, client = given_file(args.file), Client()
    told = client.import_findings(file, dry_run=True)
    if not told["refused"] and not args.dry_run and told["new"] + told["changed"]:
        told = client.import_findings(file, plan=told["plan"])
    say(args, told, "\n".join(_lines(told)))
    return REFUSED if told["refused"] else ALLOWED


def _lines(told: JSON) -> list[str]:
    rows = [one for one in told["rows"] if one["outcome"] != "unchanged"]
    rows.sort(key=lambda one: one["outcome"] != "refused")
    lines = [plain(f"row {one['row']}  {one['outcome']}  {one['title']}: {one['sentence']}") for one in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"... and {len(rows) - SHOWN} more rows (see them with --json)")
    if told["unread"]:
        lines.append("columns that are not read: " + ", ".join(told["unread"]))
    counts = ", ".join(f"{told[name]} {name}" for name in ("new", "changed", "unchanged", "refused"))
    return [*lines, f"{'Imported' if told['written'] else 'Nothing was imported'}: {counts}."]
