"""`countersign verify FILE [--trust FILE] [--json]`: what was checked in a report, item by item, in words or as JSON."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from countersign.verify import limits
from countersign.verify.outcome import Item, Refused, Unopened, Verification
from countersign.verify.report import verify_report
from countersign.verify.signatures import verify_signature
from countersign.verify.trust import Trust, load_trust

WRONG_USE = 64  # EX_USAGE: 1 and 2 already say something about a report
MARKS = {"verified": "verified", "failed": "FAILED", "not checked": "not checked"}
RESULTS = {
    0: "VERIFIED: every item holds.",
    1: "FAILED: do not rely on this {thing}.",
    2: "NOT FULLY CHECKED: nothing failed, but not everything could be checked.",
}
Verify = Callable[[bytes, Trust | None], Verification]


@dataclass(frozen=True)
class Words:
    """What is verified, and what lies beyond it."""

    thing: str
    beyond: str


REPORT = Words(
    "report",
    "Beyond this check: whether what people and programs recorded was true; whether the printed pages say the same as "
    "report.json (read them side by side where it matters); and what happened after the report was made.",
)
SIGNATURE = Words(
    "signature record",
    "Beyond this check: whether the site let the right person in; what happened after the file was made; and that the log "
    "holds the signature (its event names the digest of this record's payload; a report or the trail shows it).",
)


def add_arguments(parser: argparse.ArgumentParser, *, what: str = "the report (PDF)") -> None:
    """Give a parser what `run` expects."""
    parser.add_argument("file", metavar="FILE", help=what)
    parser.add_argument("--trust", metavar="FILE", help="trust.json of the site, obtained another way than the report")
    parser.add_argument("--json", action="store_true", help="print the items as JSON")


def run_signature(args: argparse.Namespace) -> int:
    """As `run`, for the record of one signature."""
    return run(args, verify=verify_signature, words=SIGNATURE)


def run(args: argparse.Namespace, *, verify: Verify = verify_report, words: Words = REPORT) -> int:
    """Verify `args.file` against `args.trust` (a path or None), print what came out, and return the exit code.

    A file that cannot be opened is wrong use (64), as it is of every other command: no verdict on a report.
    """
    try:
        verification = _verify(args.file, args.trust, verify, words)
    except Unopened as why:
        if args.json:
            _print(json.dumps({"error": str(why)}, indent=2))
        else:
            sys.stderr.write(f"countersign: {why}\n")
        return WRONG_USE
    _print(
        json.dumps(verification.as_json(), indent=2) if args.json else in_words(verification, name=str(args.file), words=words)
    )
    return verification.exit_code


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _verify(file: str, trust_file: str | None, verify: Verify, words: Words) -> Verification:
    trust: Trust | None = None
    if trust_file is not None:
        try:
            trust = load_trust(trust_file)
        except Refused as refused:
            return Verification([Item("trust file", "failed", str(refused))])
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(limits.FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Unopened(f"The {words.thing} cannot be opened: {getattr(error, 'strerror', None) or error}.") from None
    return verify(data, trust)


def in_words(verification: Verification, *, name: str, words: Words = REPORT) -> str:
    """The verification as a person reads it in a terminal."""
    width = min(max(shutil.get_terminal_size().columns, 60), 110)
    shown = "".join(sign if sign.isprintable() else "?" for sign in name)
    lines = [f"Verification of {shown}", ""]
    indent = " " * 15
    for item in verification.items:
        lines.append(f"  {MARKS[item.status]:<11}  {item.name}")
        lines += textwrap.wrap(item.detail, width=width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    lines += ["", RESULTS[verification.exit_code].format(thing=words.thing), "", *textwrap.wrap(words.beyond, width=width)]
    return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The verifier by itself; the exit code says what came out (64: it was called wrongly, or a file cannot be opened)."""
    parser = _Parser(prog="countersign verify", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(arguments))
