"""`countersign send-code`: the commits and the differences that people read in the review of a version."""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign.capturing.changes import CannotTell
from countersign.cli.commands import Unusable, say
from countersign.client import JSON, Client
from countersign.submitting import send_code


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("name", metavar="MODEL:NUMBER", help="or a version's id")
    one.add_argument("--folder", metavar="DIR", default=".", help="of the repository; else where you are")
    one.add_argument("--whole", action="store_true", help="compare with nothing instead of the version approved last")
    one.add_argument(
        "--without", action="append", default=[], metavar="PATH", help="a file to hold back; the page names it; may be repeated"
    )


def send(args: argparse.Namespace) -> int:
    """The site has the commits and the differences since the version approved last; what was left out is said."""
    site = Client()
    version = site.version(args.name)
    try:
        sent = send_code(site, str(version["id"]), folder=Path(args.folder), whole=args.whole, without=args.without)
    except CannotTell as why:
        raise Unusable(str(why)) from why
    return say(args, sent, _words(version, sent))


def _words(version: JSON, sent: JSON) -> str:
    since = f"since {sent['base'][:12]}" if sent["base"] else "compared with nothing"
    words = [
        f"The code of {version['name']} was sent, {since}: {sent['commits_total']} commits, {sent['files']} files, "
        f"{sent['added']} lines added, {sent['removed']} removed. Digest {sent['digest']}"
    ]
    if sent["left_out_total"]:
        shown = ", ".join(one["path"] for one in sent["left_out"][:5])
        words.append(f"Left out: {sent['left_out_total']} files ({shown}{' …' if sent['left_out_total'] > 5 else ''}).")
    return "\n".join(words)
