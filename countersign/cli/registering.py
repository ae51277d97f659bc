"""`countersign register`: a training run becomes a draft version of a model; where none is named, the best of an experiment."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from countersign.cli import runs
from countersign.cli.commands import Unusable, given_object, say
from countersign.client import JSON, Client


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("trained", metavar="RUN", nargs="?", default="", help="the run's id; or give --best and --experiment")
    one.add_argument("--model", required=True, metavar="NAME", help="the model (or its id) of which it becomes a version")
    one.add_argument("--artifact", default="", metavar="PATH", help="the run's file that is the checkpoint, if it keeps several")
    one.add_argument("--note", default="", help="what changed since the version before")
    one.add_argument("--architecture", metavar="FILE", help="as JSON; else that of the version before")
    one.add_argument("--reading", metavar="FILE", help="as JSON; else that of the version before")
    one.add_argument("--best", default="", metavar="METRIC", help="the highest last value (METRIC.max, METRIC.min) of ended runs")
    one.add_argument("--lowest", action="store_true", help="with --best: the lowest value is the best")
    one.add_argument("--experiment", default="", metavar="NAME", help="with --best: of this experiment's runs; its name or id")
    one.add_argument("--team", default="", metavar="TEAM", help="with --best: only this team's runs")


def register(args: argparse.Namespace) -> int:
    """The model has a draft made from the run; what it still lacks is said."""
    if bool(args.trained) == bool(args.best):
        raise Unusable("Name the run, or --best METRIC with --experiment NAME: one of the two.")
    if args.best and not args.experiment:
        raise Unusable("Say of which experiment: --best METRIC --experiment NAME.")
    body: JSON = {"artifact": args.artifact, "note": args.note}
    body |= {name: given_object(getattr(args, name)) for name in ("architecture", "reading") if getattr(args, name)}
    site = Client()
    said, run = "", args.trained
    if args.best:
        query = {"filter": "state != 'running'", **runs.scope(site, args)}
        best, value = runs.best_of(site, args.best, lower=args.lowest, **query)
        said, run = f"The best of {args.experiment} is {best['name']}, {best['id']}: {args.best} {value:g}.\n", best["id"]
    version = site.post(f"runs/{quote(run, safe='')}/registration/", {"model": site.model(args.model)["id"], **body})
    return say(args, version, said + _words(version))


def _words(version: JSON) -> str:
    words = [f"{version['name']} was begun with the checkpoint {version['checkpoint_name']}, {version['checkpoint_digest']}."]
    for one in version["not_linked"]:
        words.append(f"Not taken over: {one['name']} ({one['context'] or 'use not said'}). {one['why']}")
    if version["gaps"]:
        words += ["Before it can be submitted:", *(f"  - {gap}" for gap in version["gaps"])]
    else:
        words.append("Nothing is missing: submit it on its page, or over the API.")
    return "\n".join(words)
