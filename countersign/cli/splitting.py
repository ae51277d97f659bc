"""`countersign split`, which writes a file of rows and asks no site, and `countersign cross-validate`, which hands folds in."""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign.cli.commands import ALLOWED, NOT_ALLOWED, Unusable, given_file, say
from countersign.client import JSON, Client
from countersign.splitting import load_split, making
from countersign.splitting.plan import METHODS


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The command's options."""
    one.add_argument("file", metavar="FILE", help="CSV with a header, Parquet, npz or safetensors")
    one.add_argument("--method", required=True, choices=METHODS)
    one.add_argument("--seed", required=True, type=int, help="any whole number; the same seed gives the same rows")
    one.add_argument(
        "--stratify", metavar="COLUMN", help="its values keep their shares in each part (a tensor's name, such as targets)"
    )
    one.add_argument("--group", metavar="COLUMN", help="rows of one value stay together, such as those of one patient")
    one.add_argument("--folds", metavar="K", type=int, help=f"of a kfold; {making.FOLDS} if not given")
    one.add_argument("--replicates", metavar="B", type=int, help=f"of a bootstrap; {making.REPLICATES} if not given")
    one.add_argument("--test", metavar="SHARE", type=float, help=f"of the rows, held out by holdout; {making.SHARE} if not given")
    one.add_argument("-o", "--output", metavar="FILE", default="split.json")


_BELONGS = {"folds": "kfold", "replicates": "bootstrap", "test": "holdout"}


def split(args: argparse.Namespace) -> int:
    """The split lies in a file; nothing is drawn anew where one is already."""
    chosen = {name: getattr(args, name) for name in _BELONGS if getattr(args, name) is not None}
    for name in chosen:
        if args.method != _BELONGS[name]:
            raise Unusable(f"--{name} is for --method {_BELONGS[name]}.")
    target = Path(args.output)
    if target.exists():
        raise Unusable(f"{target} exists already, and models may rest on it; name another file with -o.")
    made = making.split(args.file, method=args.method, seed=args.seed, stratify=args.stratify, group=args.group, **chosen)
    made.save(target)
    sizes = sorted(len(part.held_out) for part in made.parts)
    held = f"{sizes[0]:,}" if sizes[0] == sizes[-1] else f"{sizes[0]:,} to {sizes[-1]:,}"
    what = {"holdout": "A hold-out", "kfold": f"{len(made.parts)} folds", "bootstrap": f"{len(made.parts)} resamples"}[
        made.method
    ]
    words = f"{what} of {made.rows:,} rows, {held} held out, drawn with seed {made.seed}: {target}."
    facts = {**made.as_json(), "file": str(target)}
    facts["parts"] = [
        {"name": part.name, "train_rows": len(part.train), "held_out_rows": len(part.held_out)} for part in made.parts
    ]
    return say(args, facts, words)


def cross_validate(args: argparse.Namespace) -> int:
    """The checkpoints are handed in and will be measured on what their parts hold out; with --wait, the numbers are told."""
    parts = load_split(given_file(args.split)).parts
    files = [given_file(name) for name in args.checkpoints]
    if len(files) != len(parts):
        raise Unusable(f"{args.split} has {len(parts)} parts: give one checkpoint for each, in their order, not {len(files)}.")
    client = Client()
    version = client.version(args.name)
    made = client.begin_resampling(version["id"], Path(args.split))
    for number, file in enumerate(files, start=1):
        client.send_fold(made["id"], number, file)
    made = client.submit_resampling(made["id"])
    if not args.wait:
        return say(args, made, f"{len(parts)} checkpoints of {version['name']} are submitted as {made['id']}.")
    made = client.wait_for_resampling(made["id"])
    say(args, made, "\n".join([f"{version['name']}, {len(parts)} parts: {made['state']}", *_lines(made)]))
    return ALLOWED if made["state"] == "completed" else NOT_ALLOWED


def _lines(made: JSON) -> list[str]:
    """The numbers with their intervals, or why there are none."""
    if made["state"] != "completed":
        return [f"  {made['error']}"]
    return [
        f"  {one['name']}{' of ' + one['label'] if one['label'] else ''}: {one['value']:.4f} "
        f"({one['confidence'] * 100:g} % interval {one['low']:.4f} to {one['high']:.4f}, n = {one['n']:,}; {one['method']})"
        for one in made["metrics"]
    ]
