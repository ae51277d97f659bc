"""`countersign releases`: what is live, or was live on a day or at a moment, under which approval."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from countersign.cli.commands import plain, say
from countersign.client import JSON, Client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser what `run` expects."""
    parser.add_argument("--at", metavar="WHEN", default="", help="2026-03-03 (that day in UTC), or 2026-03-03T14:00:00+09:00")
    parser.add_argument("--env", "--environment", dest="environment", default=None, help="only there, such as production")
    parser.add_argument("--model", metavar="NAME", help="only this model")


def run(args: argparse.Namespace) -> int:
    """A line for each release: version, environment, from when until when, whether an approval held."""
    at = args.at or datetime.now(UTC).isoformat(timespec="seconds")
    rows = Client().releases_as_of(at, environment=args.environment, model=args.model)
    lines = [_line(row) for row in rows] or [f"Nothing was live {at}, as far as you may see."]
    say(args, {"at": at, "releases": rows}, "\n".join(lines))
    return 0


def _line(row: JSON) -> str:
    until = str(row["ended_at"])[:19] if row["ended_at"] else "now"
    held = f"approval {str(row['approval'])[:19]}…" if row["approval"] else "without an approval"
    return plain(f"{row['name']}  {row['environment']}  {str(row['released_at'])[:19]} to {until} UTC  {held}")
