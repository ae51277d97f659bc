"""Parses the command line, runs one command, and turns every refusal into one sentence and an exit code."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from countersign import __version__
from countersign.capturing.changes import CannotTell
from countersign.cli import (
    checking,
    cloning,
    code,
    commands,
    data,
    findings,
    gate,
    importing,
    registering,
    releases,
    reproducing,
    runs,
    sending,
    splitting,
)
from countersign.client import JSON, Refused, Unreachable
from countersign.places import NoPlace
from countersign.reproducing import CannotReproduce, TrainingFailed
from countersign.settings import NotSignedIn, OtherKeys
from countersign.splitting import CannotSplit
from countersign.submitting import USES, CannotSave
from countersign.tracking.api import NoTeam
from countersign.tracking.spool import Unreadable
from countersign.verify import cli as verifying

REFUSED, WRONG_USE, UNREACHABLE, UNEXPECTED, CANNOT_WRITE, INTERRUPTED = 1, 64, 69, 70, 74, 130  # 64 to 74 as in sysexits.h


class WrongUse(Exception):
    """The command line cannot be understood."""


WRONG = (
    WrongUse,
    NotSignedIn,
    OtherKeys,
    CannotSave,
    CannotSplit,
    CannotTell,
    NoPlace,
    NoTeam,
    Unreadable,
    CannotReproduce,
    commands.Unusable,
)


class Parser(argparse.ArgumentParser):
    """Wrong use leaves with 64: 1, 2 and 3 say something about a version or a report."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{message}. See: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = Parser(
        prog="countersign",
        description="Find and register training runs, hand in models, ask the gate, fetch and verify reports.",
    )
    top.add_argument("--version", action="version", version=f"countersign {__version__}")
    several = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, does: str, run: object) -> argparse.ArgumentParser:
        one = several.add_parser(name, help=does, description=does)
        one.set_defaults(run=run)
        return one

    one = command("login", "Save a site's address, your key and the site's public keys.", commands.login)
    one.add_argument("url", metavar="URL")
    one.add_argument("--key-file", metavar="FILE", help="file that holds the key; else COUNTERSIGN_KEY, else it is asked for")
    one = command("check", "Say what a policy would find missing, before anything is uploaded.", checking.check)
    checking.add_arguments(one)
    _submitting(command)
    one = command("status", "Say where a version stands and what blocks it.", commands.status)
    one.add_argument("name", metavar="MODEL:NUMBER", help="or MODEL@ENVIRONMENT, or a version's id")
    one.add_argument("--wait", action="store_true", help="wait until the workers are done")
    one = command("pull", "Fetch a version's checkpoint and check its digest.", commands.pull)
    one.add_argument("name", metavar="MODEL@ENVIRONMENT", help="or MODEL:NUMBER, or a version's id")
    one.add_argument("-o", "--output", metavar="FILE", help="where to save it")
    gate.add_arguments(command("gate", "May exactly these bytes run? 0: they may; 1: not; 2: not known.", gate.run))
    releases.add_arguments(command("releases", "What is live, or was live on a day or at a moment?", releases.run))
    cloning.add_arguments(command("clone", "Make a version the draft of another model: the same bytes.", cloning.clone))
    one = command("report", "Make an audit report of a version and save the PDF.", commands.report)
    one.add_argument("name", metavar="MODEL:NUMBER")
    one.add_argument("-o", "--output", metavar="FILE", default="report.pdf")
    findings.add_arguments(command("findings", "Bring findings in from a file.", None))
    data.add_arguments(command("register-data", "Register a new version of a dataset, sent or left where it is.", data.register))
    one = command("cross-validate", "Hand in one checkpoint for each part of a split.", splitting.cross_validate)
    one.add_argument("name", metavar="MODEL:NUMBER", help="or a version's id; it was trained on the data of the split")
    one.add_argument("split", metavar="SPLIT", help="file that `countersign split` wrote (kfold or bootstrap)")
    one.add_argument("checkpoints", metavar="FILE", nargs="+", help="one for each part, in the order of the split")
    one.add_argument("--wait", action="store_true", help="wait for the numbers; exit code 3 where there are none")
    one = command("split", "Draw seeded hold-outs, folds or resamples of a file's rows.", splitting.split)
    splitting.add_arguments(one)
    _verifying(command)
    _tracking(command)
    for name, sub in several.choices.items():
        if name not in {"verify", "verify-signature", "import", "findings"}:  # the last two have theirs further down
            sub.add_argument("--json", action="store_true", help="print the answer as JSON")
        if name in {"check", "submit", "status", "report"}:
            sub.add_argument("--environment", default="production")
    return top


def _submitting(command: Callable[[str, str, Callable[[argparse.Namespace], int]], argparse.ArgumentParser]) -> None:
    """The commands by which a version and its code reach a site."""
    one = command("submit", "Hand in a checkpoint as a new version of a model.", commands.submit)
    one.add_argument("model", metavar="MODEL")
    one.add_argument("checkpoint", metavar="FILE")
    one.add_argument("--card", required=True, metavar="FILE", help="the card as JSON: one text for each field")
    for use in USES:
        one.add_argument(
            f"--{use}", action="append", default=[], metavar="ID", help=f"dataset version for {use}; may be repeated"
        )
    one.add_argument("--architecture", metavar="FILE", help='JSON {"name": ..., "config": {...}} for weight-only files')
    one.add_argument("--reading", metavar="FILE", help="JSON that says how tables and images are read: features, target, slices")
    one.add_argument("--curves", metavar="FILE", help="JSON {measure: [value of each step]}")
    one.add_argument("--note", default="", help="what changed since the version before")
    one.add_argument("--send-code", action="store_true", help="also send commits and differences for the review of the code")
    one.add_argument("--wait", action="store_true", help="wait until the workers are done")
    one = command("send-code", "Send commits and differences for the review of a version's code.", code.send)
    code.add_arguments(one)


def _verifying(command: Callable[[str, str, object], argparse.ArgumentParser]) -> None:
    """What is checked offline."""
    report = "Verify a report offline, trusting neither the site nor its administrator."
    verifying.add_arguments(command("verify", report, commands.verify))
    one = command("verify-signature", "Verify the record of one signature offline.", commands.verify_signature)
    verifying.add_arguments(one, what="the signature record (JSON)")


def _tracking(command: Callable[[str, str, object], argparse.ArgumentParser]) -> None:
    """What is about training runs."""
    importing.add_arguments(command("import", "Take in what other tools have recorded.", None))
    reproducing.add_arguments(command("reproduce", "Train a recorded run again, here, and compare.", reproducing.run))
    sending.add_arguments(command("send-run", "Send what a training could not send itself.", sending.send))
    runs.add_arguments(command("runs", "Find and list training runs, or the best of them.", runs.runs))
    registering.add_arguments(
        command("register", "Make a version of a training run: of the one named, or the best one.", registering.register)
    )
    runs.add_comparison(command("compare", "Set 2 to 8 training runs side by side.", runs.compare))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Whatever goes wrong is one sentence, or one JSON object with --json."""
    given = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in given
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows “?” rather than nothing at all
    try:
        args = parser().parse_args(given)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `countersign ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain when it flushes at its end
        return 0
    except Exception as error:
        code, sentence, problem = _meaning(error)
        return _refuse(sentence, code, as_json=as_json, problem=problem)


def _meaning(error: Exception) -> tuple[int, str, JSON | None]:
    """The exit code and the sentence of whatever went wrong, and the server's problem where it was the server's."""
    if isinstance(error, Refused):
        return REFUSED, str(error), error.problem
    if isinstance(error, TrainingFailed):
        return REFUSED, str(error), None
    if isinstance(error, WRONG):
        return WRONG_USE, str(error), None
    if isinstance(error, Unreachable):
        return UNREACHABLE, str(error), None
    if isinstance(error, OSError):
        return CANNOT_WRITE, f"{error.filename or 'A file'}: {error.strerror or error}.", None
    if isinstance(error, KeyError | TypeError | ValueError):
        return UNREACHABLE, "The site answers in another form than this version of countersign knows; update one of them.", None
    return UNEXPECTED, f"Something went wrong here ({type(error).__name__}). Tell the people who maintain countersign.", None


def _refuse(sentence: str, code: int, *, as_json: bool, problem: JSON | None) -> int:
    if as_json:
        print(json.dumps({"error": sentence, **({"problem": problem} if problem else {})}, indent=1))
    else:
        print(f"countersign: {commands.plain(sentence)}", file=sys.stderr)
    return code
