"""`python3 config/setup [--tools] [--browser]`: checks the host, sees to missing packages, fills `.venv`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from config.setup import host, packages
from config.setup.environment import Environment, fill
from config.setup.problem import EXIT, Problem


def say(sentence: str) -> None:
    print(f"setup  {sentence}", flush=True)


def bootstrap(root: str, words: list[str]) -> int:
    begun = time.monotonic()
    environment = Environment(Path(root).resolve(), tools="--tools" in words)
    try:
        host.check_writable(environment.root)
        ready = environment.is_ready()
        missing = host.missing_for_venv()
        if missing and not ready and packages.is_debian() and packages.may_install():
            packages.install([f"python{sys.version_info.major}.{sys.version_info.minor}-venv"], say=say)
        packages.ensure_packages(for_tests="--browser" in words, say=say)
        fill(environment, say=say)
    except Problem as problem:
        print(f"setup  {problem}", file=sys.stderr)
        return EXIT
    except KeyboardInterrupt:
        print("setup  Stopped; start again and it goes on where it stopped.", file=sys.stderr)
        return 130
    if not ready:
        say(f"Ready after {time.monotonic() - begun:.0f} s: {environment.folder}")
    return 0
