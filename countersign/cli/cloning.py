"""`countersign clone`: a version's bytes become a draft of another model, which is reviewed anew."""

from __future__ import annotations

import argparse

from countersign.cli.commands import Unusable, say
from countersign.client import JSON, Client
from countersign.tracking.api import team_id


def add_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("name", metavar="MODEL:NUMBER", help="or MODEL@ENVIRONMENT, or a version's id")
    one.add_argument("--as", dest="called", default="", metavar="NAME", help="the name of a new model")
    one.add_argument("--team", default="", metavar="TEAM", help="with --as: the team of the new model; else your only one")
    one.add_argument("--description", default="", metavar="TEXT", help="with --as: what the new model is for")
    one.add_argument("--into", default="", metavar="MODEL", help="instead of --as: a model that exists, or its id")
    one.add_argument("--note", default="", help="why it is cloned")


def clone(args: argparse.Namespace) -> int:
    """The other model has a draft with the same bytes; what it still lacks is said."""
    if bool(args.called) == bool(args.into):
        raise Unusable("Say where to: --as NAME for a new model, or --into MODEL for one that exists.")
    site = Client()
    where: JSON = {"note": args.note}
    if args.into:
        where["model"] = site.model(args.into)["id"]
    else:
        where |= {"team": team_id(site, args.team), "name": args.called, "description": args.description}
    original = site.version(args.name)
    made = site.clone(original["id"], **where)
    return say(args, made, _words(original, made))


def _words(original: JSON, made: JSON) -> str:
    words = [f"{made['name']} was cloned from {original['name']}, with the same checkpoint, {made['checkpoint_digest']}."]
    words += [made["not_taken_over"]] if made["not_taken_over"] else []
    words.append("Nothing that was decided about the original holds for it.")
    if made["gaps"]:
        words += ["Before it can be submitted:", *(f"  - {gap}" for gap in made["gaps"])]
    else:
        words.append("Nothing is missing: submit it on its page, or over the API.")
    return "\n".join(words)
