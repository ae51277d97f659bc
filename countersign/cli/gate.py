"""`countersign gate`: may exactly these bytes run there? Asked of the site, or answered offline by an attestation.

0: they may; 1: they may not, with every reason; 2: it could not be asked or not be checked. A pipeline goes on only after 0.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from countersign.cli.commands import Unusable, given_file, plain, say
from countersign.client import JSON, Client, Refused, Unreachable, digest_of
from countersign.settings import NotSignedIn, known_trust
from countersign.verify import limits
from countersign.verify.attestation import Summary, read_summary
from countersign.verify.outcome import NotChecked, Unopened
from countersign.verify.outcome import Refused as NotGenuine
from countersign.verify.trust import load_trust

ALLOWED, NOT_ALLOWED, UNKNOWN = 0, 1, 2
SKEW = 60  # seconds by which this machine's clock may differ from the site's
MOST_SKEW = 3600
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser what `run` expects."""
    parser.add_argument("what", metavar="FILE|DIGEST", help="a checkpoint file, or sha256:<64 hex>")
    parser.add_argument("--env", "--environment", dest="environment", default="production", help="where it is to run")
    parser.add_argument("--model", metavar="NAME", help="which model is meant, where several have these bytes")
    parser.add_argument("--save", metavar="FILE", help="keep the signed attestation of an allowed answer")
    parser.add_argument("--offline", metavar="FILE", help="ask nobody: check this attestation instead")
    parser.add_argument("--trust", metavar="FILE", help="with --offline: trust.json of the site; else as saved at login")
    parser.add_argument("--resource", metavar="URI", default="", help="with --offline: the version that must be meant")
    parser.add_argument(
        "--clock-skew",
        metavar="SECONDS",
        type=_seconds,
        default=SKEW,
        help=f"with --offline: how far this clock may be off (default {SKEW}, at most {MOST_SKEW})",
    )


def run(args: argparse.Namespace) -> int:
    """The answer is printed with every reason; returns 0, 1 or 2 as above."""
    if args.what.startswith("sha256:") and not _DIGEST.match(args.what):
        raise Unusable("A digest is written sha256: followed by 64 lower-case hexadecimal digits.")
    if args.offline and (args.save or args.model):
        raise Unusable("With --offline nobody is asked: leave out --save and --model.")
    if not args.offline and (args.trust or args.resource):
        raise Unusable("--trust and --resource belong to --offline FILE.")
    digest = args.what if _DIGEST.match(args.what) else digest_of(given_file(args.what))
    return _offline(args, digest) if args.offline else _asked(args, digest)


def _asked(args: argparse.Namespace, digest: str) -> int:
    try:
        answer = Client().gate(digest, environment=args.environment, model=args.model)
        allowed, reasons = answer["allowed"] is True, [str(reason) for reason in answer["reasons"]]
    except (Refused, Unreachable, NotSignedIn) as error:
        return _unknown(args, str(error), problem=getattr(error, "problem", None))
    except (KeyError, TypeError):
        return _unknown(args, "The site answers in another form than this version of countersign knows; update one of them.")
    if not allowed:
        return _not_allowed(args, answer, reasons)
    if args.save:
        _save(Path(args.save), answer.get("attestation"))
    words = [f"Allowed: {answer.get('name')} may run in {args.environment} under {answer.get('policy')}."]
    words += [str(answer["notice"])] if answer.get("notice") else []
    words += [f"Its attestation is in {args.save}."] if args.save else []
    say(args, answer, "\n".join(words))
    return ALLOWED


def _save(target: Path, attestation: object) -> None:
    """The attestation lies there whole, or nothing does."""
    if not isinstance(attestation, dict):
        raise Unusable("The site gave no attestation with its answer; update it, or leave out --save.")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_text(json.dumps(attestation, indent=1) + "\n", encoding="utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _offline(args: argparse.Namespace, digest: str) -> int:
    """Nobody is asked and nothing is sent: the attestation, the pinned key and this machine's clock decide."""
    trust_file = args.trust or known_trust()
    if trust_file is None:
        return _unknown(args, "Name the site's trust file with --trust FILE: without its key nothing can be checked.")
    skew = timedelta(seconds=args.clock_skew)
    try:
        trust = load_trust(trust_file)
        data = _read(args.offline)
        found = read_summary(
            data,
            trust,
            digest=digest,
            environment=args.environment,
            resource=args.resource,
            now=datetime.now(UTC),
            skew=skew,
        )
    except (Unopened, NotChecked) as error:
        return _unknown(args, str(error))
    except NotGenuine as error:
        return _not_allowed(args, {"allowed": False, "reasons": [str(error)], "digest": digest}, [str(error)])
    facts = _facts(found, digest, args)
    if not found.allowed:
        return _not_allowed(args, facts, found.reasons)
    words = [f"Allowed: {found.resource} may run in {found.environment} under {found.policy}."]
    words += [f"Given {found.verified_at}, good until {found.expires}; checked by this machine's clock, which may be off by"]
    words[-1] += f" {args.clock_skew} s. Whether it was taken back since, only the site can say."
    say(args, facts, "\n".join(words))
    return ALLOWED


def _facts(found: Summary, digest: str, args: argparse.Namespace) -> JSON:
    return {
        "allowed": found.allowed,
        "reasons": found.reasons,
        "digest": digest,
        "environment": found.environment,
        "resource": found.resource,
        "policy": found.policy,
        "verified_at": found.verified_at,
        "expires": found.expires,
        "levels": found.levels,
        "clock_skew": args.clock_skew,
    }


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(limits.ENVELOPE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Unopened(f"The attestation cannot be opened: {getattr(error, 'strerror', None) or error}.") from None


def _not_allowed(args: argparse.Namespace, facts: JSON, reasons: list[str]) -> int:
    say(args, facts, "\n".join(["Not allowed:", *(f"  - {reason}" for reason in reasons)]))
    return NOT_ALLOWED


def _unknown(args: argparse.Namespace, sentence: str, *, problem: JSON | None = None) -> int:
    if args.json:
        print(json.dumps({"error": sentence, **({"problem": problem} if problem else {})}, indent=1))
    else:
        print(f"countersign: {plain(sentence)}", file=sys.stderr)
    return UNKNOWN


def _seconds(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 4 and int(given) <= MOST_SKEW):
        raise argparse.ArgumentTypeError(f"give 0 to {MOST_SKEW} seconds")
    return int(given)
