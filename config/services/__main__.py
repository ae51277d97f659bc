"""python -m config.services up | demo | run -- COMMAND | manage COMMAND"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from config.services.guard import guarded
from config.setup.problem import EXIT, Problem


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.services", description="Starts site, demo or private services.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="the site, until it is stopped")
    demo = verbs.add_parser("demo", help="the demo's site, with its story")
    for verb in (up, demo):
        verb.add_argument("--port", type=_port, default=8000)
    demo.add_argument("--out", type=Path, default=Path("out"))
    demo.add_argument("--once", action="store_true")
    demo.add_argument("--fresh", action="store_true")
    run = verbs.add_parser("run", help="a command with private services of its own")
    manage = verbs.add_parser("manage", help="a management command for the running site")
    manage.add_argument("--demo", action="store_true", help="for the running demo")
    for verb in (run, manage):
        verb.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(words)
    if given.verb == "manage":
        return told(lambda: _manage(given))
    return guarded(lambda: told(lambda: {"up": _up, "demo": _demo, "run": _run}[given.verb](given)))


def told(program: Callable[[], int]) -> int:
    """The program's code; what stopped it from starting is one sentence."""
    try:
        return program()
    except Problem as problem:
        print(problem, file=sys.stderr, flush=True)  # noqa: T201 - a command line prints
        return EXIT


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a number from 1 to 65535.")
    return int(text)


def _up(given: argparse.Namespace) -> int:
    from config.services.up import up  # noqa: PLC0415 - each verb loads what it needs

    return up(port=given.port, environment=os.environ)


def _demo(given: argparse.Namespace) -> int:
    from config.services.demo import demo  # noqa: PLC0415 - as above

    return demo(port=given.port, out=given.out, once=given.once, fresh=given.fresh, environment=os.environ)


def _run(given: argparse.Namespace) -> int:
    from config.services.run import run  # noqa: PLC0415 - as above

    return run(given.command[given.command[:1] == ["--"] :], environment=os.environ)


def _manage(given: argparse.Namespace) -> int:
    from config.services.run import manage  # noqa: PLC0415 - as above

    return manage(given.command, kind="demo" if given.demo else "site", environment=os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
