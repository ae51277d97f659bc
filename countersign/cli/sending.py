"""`countersign send-run`: what a training could not send itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign.cli import commands
from countersign.tracking.resending import send_spool


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("spool", metavar="SPOOL", help="the folder that the training named")
    one.add_argument("--team", metavar="TEAM", default="", help="the team to record it in, where the training named none")


def send(args: argparse.Namespace) -> int:
    """The run has arrived with everything that the spool holds, and the spool is gone. What was sent before is not sent twice."""
    done = send_spool(Path(args.spool), team=args.team)
    words = f"The run {done['name'] or done['run']} has arrived: {done['url']}"
    if done["refused"]:
        words += f"\nThe site took {done['refused']} parts of it not; they are kept, with the reasons, in {args.spool}."
    return commands.say(args, done, words)
