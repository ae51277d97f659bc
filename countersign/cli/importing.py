"""`countersign import`: history that other tools have written comes in; one sub-command for each of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from countersign.cli import tensorboard
from countersign.cli.commands import ALLOWED, Unusable, say
from countersign.client import Client
from countersign.importing.mlflow import Choice, Import, NotMLflow, open_source
from countersign.importing.mlflow.taking import ARTIFACT_LIMIT
from countersign.importing.progress import Progress, Summary
from countersign.tracking.api import team_id

REFUSED = 1  # as for every other refusal of the site


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The sub-commands with their options."""
    kinds = one.add_subparsers(dest="kind", required=True, metavar="KIND", parser_class=type(one))

    def kind(name: str, does: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = kinds.add_parser(name, help=does, description=does)
        sub.set_defaults(run=run)
        sub.add_argument("--team", default="", metavar="TEAM", help="name, short name or id; needed where you are in several")
        sub.add_argument("--json", action="store_true", help="print the summary as JSON")
        return sub

    sub = kind("mlflow", "Take in runs from an mlruns folder, MLflow's SQLite file or a server.", mlflow)
    sub.add_argument("source", metavar="SOURCE", help="a folder, a file, or http://HOST:PORT; nothing in it is changed")
    sub.add_argument("--experiment", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    sub.add_argument("--since", type=_day, metavar="DATE", help="only runs that started on this day (UTC) or later: 2026-01-31")
    sub.add_argument("--no-artifacts", action="store_true", help="leave the files of the runs where they are")
    sub.add_argument("--artifacts", metavar="FOLDER", help="where the files of the runs lie, if not beside the source")
    sub.add_argument(
        "--artifact-limit",
        type=_mebibytes,
        default=ARTIFACT_LIMIT >> 20,
        metavar="MIB",
        help=f"leave out larger files; {ARTIFACT_LIMIT >> 20:,} if not given",
    )
    tensorboard.add_arguments(kind("tensorboard", "Take in the scalars of TensorBoard's event files.", tensorboard.run))


def mlflow(args: argparse.Namespace) -> int:
    """The runs stand on the site; exit code 1 where one that was wanted does not."""
    choice = Choice(
        experiments=frozenset(args.experiment),
        since=args.since,
        artifacts=not args.no_artifacts,
        artifact_limit=args.artifact_limit << 20,
    )
    summary = Summary(args.source)
    with closing(Client()) as client:
        try:
            with closing(open_source(args.source, artifacts=Path(args.artifacts) if args.artifacts else None)) as source:
                Import(
                    source,
                    Client,
                    team=_team(client, args.team),
                    choice=choice,
                    summary=summary,
                    progress=lambda total: Progress(total, what="runs", silent=args.json),
                ).run()
        except NotMLflow as error:
            raise Unusable(str(error)) from error
    return finish(args, summary)


def finish(args: argparse.Namespace, summary: Summary) -> int:
    """The summary is said; the exit code tells whether everything that was wanted came in."""
    say(args, summary.as_json(), summary.words())
    return REFUSED if summary.refused else ALLOWED


def _team(client: Client, named: str) -> str:
    try:
        return team_id(client, named)
    except ValueError as error:
        raise Unusable(f"{error} Say it with --team.") from error


def _day(text: str) -> int:
    """Milliseconds since 1970 at the beginning of the day."""
    try:
        day = datetime.fromisoformat(f"{text}T00:00:00+00:00")
    except ValueError as error:
        raise argparse.ArgumentTypeError("write the day as 2026-01-31") from error
    return int(day.timestamp() * 1000)


def _mebibytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 2**20:
        raise argparse.ArgumentTypeError("give a whole number of MiB")
    return int(text)
