"""`countersign register-data`: a new version of a dataset, sent to the site or left where it is."""

from __future__ import annotations

import argparse

from countersign.cli import commands
from countersign.client import Client
from countersign.places import place_of

FORMATS = ("safetensors", "csv", "parquet", "npz", "images", "other")


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("dataset", metavar="DATASET", help="id of the dataset")
    one.add_argument("file", metavar="FILE", help="the content, or a copy of it with --stays")
    one.add_argument("--provenance", required=True, metavar="FILE", help="provenance as JSON")
    one.add_argument("--format", choices=FORMATS, default="other")
    one.add_argument(
        "--stays",
        metavar="PLACE",
        help="do not send it: it stays at s3://bucket/key, in the DVC remote (give FILE.dvc), or at a path in the site's folder",
    )


def register(args: argparse.Namespace) -> int:
    """The dataset has a new, registered version."""
    done = Client().register_data(
        args.dataset,
        commands.given_file(args.file),
        format=args.format,
        provenance=commands.given_object(args.provenance),
        stays=place_of(args.stays) if args.stays else None,
    )
    words = f"{done['name']} is registered: {done['digest']}."
    if args.stays:
        words += f" Its content stays at {args.stays}; the site's workers read it there."
    return commands.say(args, done, words)
