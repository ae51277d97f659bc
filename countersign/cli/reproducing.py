"""`countersign reproduce`: trains a recorded run again on this machine, and shows what came out differently."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from countersign.cli.commands import ALLOWED, NOT_ALLOWED, Unusable, plain, say
from countersign.client import Client
from countersign.reproducing.comparing import TOLERANCE, Metric, Tolerances
from countersign.reproducing.environments import AUTO, CHOICES, CURRENT
from countersign.reproducing.recorded import recorded
from countersign.reproducing.reproduction import Choice, Result, reproduce, steps
from countersign.reproducing.tensors import Checkpoint

SHOWN = 10  # tensors and packages


def add_arguments(one: argparse.ArgumentParser) -> None:
    """The command's options."""
    one.add_argument("run_id", metavar="RUN", help="the run's id")
    one.add_argument("--repository", default="", metavar="PATH", help="take the commit from here, not from the recorded remote")
    one.add_argument("--folder", default="", metavar="FOLDER", help="a new folder for everything; reproduced-RUN if not given")
    one.add_argument(
        "--environment",
        default=AUTO,
        choices=CHOICES,
        help=f"what the packages are installed from; {CURRENT} installs nothing and says what differs here",
    )
    one.add_argument("--entry", default="", metavar="NAME", help="entry point of the MLproject, or the script to run")
    one.add_argument("--arguments", metavar="WORDS", help="of the script, where {name} stands for a recorded parameter")
    one.add_argument("-P", "--param", action="append", default=[], metavar="NAME=VALUE", help="another value of a parameter")
    one.add_argument("--without-changes", action="store_true", help="leave out what was not committed")
    one.add_argument("--checkpoint", default="", metavar="PATH", help="compare this artifact alone; else all that both kept")
    one.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="[NAME=]SHARE",
        help=f"how far a metric or tensor may be from the recorded one, as a share of it or of 1, the larger; {TOLERANCE:g}",
    )
    one.add_argument("--ignore", action="append", default=[], metavar="PATTERN", help="metrics that are not compared: time*")
    one.add_argument("--yes", action="store_true", help="do not ask before the code runs")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 where everything is within its tolerance, 3 where something is not or nothing could be compared."""
    client = Client()
    found = recorded(client, args.run_id)
    choice = Choice(
        folder=Path(args.folder or f"reproduced-{found.id}").absolute(),
        repository=args.repository,
        environment=args.environment,
        changes=not args.without_changes,
        entry=args.entry,
        arguments=args.arguments,
        params=dict(_pair(one, "-P") for one in args.param),
        tolerances=_tolerances(args.tolerance, args.ignore),
        checkpoint=args.checkpoint,
    )
    _agree(steps(found, choice), asks=not args.yes)
    result = reproduce(client, found, choice, say=lambda sentence: print(plain(sentence), file=sys.stderr, flush=True))
    say(args, result.as_json(), "\n".join(_lines(result)))
    return ALLOWED if result.holds else NOT_ALLOWED


def _agree(sentences: list[str], *, asks: bool) -> None:
    """The person has read what will be done, and wants it."""
    print(plain("\n".join(sentences)), file=sys.stderr, flush=True)
    if not asks:
        return
    if not sys.stdin.isatty():
        raise Unusable("There is nobody to ask whether this may run: add --yes.")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Unusable("Nothing was run.")


def _tolerances(given: list[str], ignored: list[str]) -> Tolerances:
    everywhere, named = TOLERANCE, {}
    for one in given:
        name, mark, number = one.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not 0 <= share < float("inf") or (mark and not name):
            raise Unusable(f"--tolerance {one} is no share: write 0.001, or accuracy=0.02 for one metric.")
        if name:
            named[name] = share
        else:
            everywhere = share
    return Tolerances(everywhere, named, tuple(ignored))


def _pair(text: str, option: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise Unusable(f"{option} {text} is no parameter: write NAME=VALUE.")
    return name, value


def _lines(result: Result) -> list[str]:
    words = [f"{result.run.name} of commit {result.run.commit[:12]}, trained again in {result.folder}:"]
    words += _metric_lines(result.metrics)
    words += [line for checkpoint in result.checkpoints for line in _checkpoint_lines(checkpoint)]
    if result.params:
        words.append("Parameters that differ:")
        words += [f"  {one['name']}: {one['recorded']} recorded, {one['reproduced']} now" for one in result.params[:SHOWN]]
    if differs := result.environment.differs:
        words.append(f"{len(differs):,} packages are not as they were ({result.environment.source}):")
        words += [
            f"  {one['name']}: {one['recorded'] or 'none'} recorded, {one['here'] or 'none'} here" for one in differs[:SHOWN]
        ]
        words += [f"  and {len(differs) - SHOWN:,} more, in comparison.json"] if len(differs) > SHOWN else []
    words += [f"Note: {note}" for note in result.notes]
    return [*words, "Within the tolerance." if result.holds else "NOT within the tolerance."]


def _metric_lines(metrics: list[Metric]) -> list[str]:
    if not metrics:
        return ["  No metrics."]
    wide = max(6, *(len(one.name) for one in metrics))
    words = [f"  {'metric':{wide}}  {'recorded':>14}  {'reproduced':>14}  {'difference':>12}  {'tolerance':>9}"]
    for one in metrics:
        numbers = f"{_number(one.recorded):>14}  {_number(one.reproduced):>14}  {_number(one.difference):>12}"
        words.append(f"  {one.name:{wide}}  {numbers}  {one.tolerance:>9g}  {one.verdict}")
    return words


def _checkpoint_lines(one: Checkpoint) -> list[str]:
    if one.digest == one.recorded_digest:
        return [f"  {one.path}: the same bytes ({one.digest[:19]}…)"]
    if one.problem:
        return [f"  {one.path}: other bytes; not compared by tensors, because {one.problem}"]
    equal = sum(tensor.verdict == "equal" for tensor in one.tensors)
    words = [f"  {one.path}: other bytes; {equal:,} of {len(one.tensors):,} tensors are equal"]
    others = sorted((tensor for tensor in one.tensors if tensor.verdict != "equal"), key=lambda tensor: -(tensor.difference or 0))
    for tensor in others[:SHOWN]:
        words.append(f"    {tensor.name} {tensor.shape}: largest difference {_number(tensor.difference)}, {tensor.verdict}")
    return [*words, f"    and {len(others) - SHOWN:,} more, in comparison.json"] if len(others) > SHOWN else words


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
