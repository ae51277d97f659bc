"""`countersign import tensorboard LOGDIR`: every scalar of its event files, once or as they are written."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from countersign.cli import commands
from countersign.client import Client
from countersign.importing.progress import Progress
from countersign.importing.tensorboard import LogFolder
from countersign.importing.tensorboard.log_folder import InUse, alone_in, passes
from countersign.tracking import api
from countersign.transport import Refused, Unreachable

INCOMPLETE = 1  # as for every other refusal
EVERY = 2.0  # seconds between two looks at files that are followed
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a site that does not answer is asked again


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("folder", metavar="LOGDIR", help="each folder in it that holds event files is a run")
    one.add_argument("--experiment", default="", metavar="NAME", help="made where there is none of this name; else Default")
    one.add_argument("--name", default="", metavar="NAME", help="of the run in LOGDIR itself, and before those of the others")
    one.add_argument("--watch", action="store_true", help="follow the files while they grow, until Ctrl-C")
    one.add_argument(
        "--until-idle", type=_seconds, metavar="SECONDS", help="with --watch: end once nothing was written for so long"
    )
    one.add_argument(
        "--ended-after",
        type=_seconds,
        default=3600.0,
        metavar="SECONDS",
        help="a run without an event for so long has ended; else it stays open (3600)",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0: all is on the site; 1: something that should be is not, and it is said what and why."""
    top = Path(args.folder)
    if not top.is_dir():
        raise commands.Unusable(f"There is no folder {args.folder}.")
    if args.until_idle is not None and not args.watch:
        raise commands.Unusable("--until-idle goes with --watch.")
    client = Client()
    try:
        team = api.team_id(client, args.team)
    except ValueError as error:
        raise commands.Unusable(f"{error} Say it with --team.") from error
    logs = LogFolder(client, top, team=team, experiment=args.experiment, name=args.name.strip("/"), ended_after=args.ended_after)
    try:
        with alone_in(top):
            _once(logs, silent=args.json)
            if args.watch:
                _follow(logs, until_idle=args.until_idle, silent=args.json)
    except InUse as error:
        raise commands.Unusable(str(error)) from error
    summary = logs.summary()
    if not summary.taken.get("runs") and not summary.left:
        raise commands.Unusable(f"No event file lies in {top}: their names hold “tfevents”.")
    commands.say(args, summary.as_json(), summary.words())
    return INCOMPLETE if summary.refused else commands.ALLOWED


def _once(logs: LogFolder, *, silent: bool) -> None:
    """All that is there, with a bar of the bytes read; a site that is away for a moment is waited for."""
    progress = Progress(logs.size(), what="bytes", silent=silent)
    try:
        for pause in (*PAUSES, None):
            try:
                logs.send(progress.advance)
                return
            except (Unreachable, Refused) as error:
                if pause is None or (isinstance(error, Refused) and not passes(error)):
                    raise
                time.sleep(pause)
    finally:
        progress.close()


def _follow(logs: LogFolder, *, until_idle: float | None, silent: bool) -> None:
    """New points are sent within seconds. Ctrl-C ends it between two batches, and leaves open what is not over."""
    _tell(f"Following {logs.top}: {logs.points:,} points sent so far. Ctrl-C ends it.", silent=silent)
    grown, answered = time.monotonic(), True
    try:
        while until_idle is None or time.monotonic() - grown < until_idle:
            time.sleep(EVERY if until_idle is None else min(EVERY, until_idle))
            try:
                if new := logs.send():
                    grown = time.monotonic()
                    _tell(f"{time.strftime('%H:%M:%S')}  {new:,} new points, {logs.points:,} in all", silent=silent)
                answered = True
            except (Unreachable, Refused) as error:
                if isinstance(error, Refused) and not passes(error):
                    raise
                grown = time.monotonic()  # what was written meanwhile is still to be sent
                if answered:
                    _tell(f"{error} What is written is sent as soon as it does.", silent=silent)
                answered = False
        logs.end()
    except KeyboardInterrupt:
        _tell("", silent=silent)


def _tell(words: str, *, silent: bool) -> None:
    if not silent:
        print(commands.plain(words), file=sys.stderr, flush=True)


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 < seconds < 10**9:
        raise argparse.ArgumentTypeError("give a number of seconds above 0")
    return seconds
