"""`countersign check`: what a policy would find missing, one line for each thing with what to do about it."""

from __future__ import annotations

import argparse

from countersign.checking import check as look
from countersign.cli.commands import ALLOWED, NOT_ALLOWED, given_file, given_object, say
from countersign.submitting import USES


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The command's options."""
    one.add_argument("file", metavar="FILE", help="the checkpoint; it is looked at here and not sent")
    one.add_argument("--policy", required=True, metavar="NAME", help="a published policy; its highest number, or NAME:NUMBER")
    one.add_argument("--model", metavar="MODEL", help="the model that it is to be a version of")
    one.add_argument("--card", metavar="FILE", help="the card as JSON: one text for each field")
    one.add_argument("--architecture", metavar="FILE", help='JSON {"name": ..., "config": {...}} for weight-only files')
    one.add_argument(
        "--provenance",
        action="append",
        default=[],
        metavar="FILE",
        help="provenance of data that are still to be registered, as JSON",
    )
    for use in USES:
        one.add_argument(
            f"--{use}", action="append", default=[], metavar="ID", help=f"dataset version for {use}; may be repeated"
        )


def check(args: argparse.Namespace) -> int:
    """Exit code 0 where nothing is missing, 3 where something is."""
    found = look(
        given_file(args.file),
        policy=args.policy,
        model=args.model,
        data={use: getattr(args, use) for use in USES},
        card=given_object(args.card) if args.card else None,
        architecture=given_object(args.architecture) if args.architecture else None,
        provenance={name: given_object(name) for name in args.provenance},
        environment=args.environment,
    )
    rules = f"{found.policy['name']} {found.policy['number']}"
    lines = [f"{found.file}: {found.says}"]
    if found.missing:
        lines += [
            f"Under policy {rules}, {len(found.missing)} {'thing is' if len(found.missing) == 1 else 'things are'} missing:"
        ]
        lines += [f"  - {point}" for point in found.missing]
    else:
        lines += [f"Policy {rules} would find nothing missing; what the measurement shows remains to be seen."]
    if found.notes:
        lines += ["To be known:", *(f"  - {point}" for point in found.notes)]
    say(args, found.as_json(), "\n".join(lines))
    return NOT_ALLOWED if found.missing else ALLOWED
