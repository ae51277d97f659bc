"""`python -m benchmarks [--only NAME]`: prints every measure and ends with 1 when a target is missed.

Each is a figure with a target, measured against a named reference in one run, and written to benchmarks/results/NAME.json.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.ground import ground
from benchmarks.results import Result

# name of the measure -> module and function; a function may measure several at once
ALONE = {
    "evaluation_against_loader": ("evaluating", "against_loader"),
    "evaluation_against_tuned_digits": ("evaluating", "against_tuned_digits"),
    "evaluation_against_tuned_residual": ("evaluating", "against_tuned_residual"),
    "bootstrap_against_resampling": ("resampling", "against_rows"),
    "slices_against_polars": ("slices", "against_polars"),
    "evaluation_memory": ("peak", "many_rows_against_few"),
    "tensorboard_against_accumulator": ("tensorboard", "against_event_accumulator"),
}
ON_A_SITE = {  # these take the folder of a site of their own, and need a database and Redis
    "upload_against_sha256sum": ("uploads", "measure"),
    "upload_memory": ("uploads", "measure"),
    "inspection_memory": ("inspecting", "measure"),
    "acts_against_inserts": ("log", "measure"),
    "sequencing_against_inserts": ("log", "measure"),
    "verifier_against_pyhanko": ("verifier", "measure"),
    "mlflow_import": ("mlflow_import", "measure"),
    "curves": ("curves", "measure"),
    "gate_at_scale": ("scale", "gate"),
    "lists_at_scale": ("scale", "lists"),
    "model_list_against_mlflow": ("scale", "model_list"),
    "policy_dry_run": ("scale", "policy_dry_run"),
    "mlflow_log": ("mlflow_edge", "measure"),
    "mlflow_search": ("mlflow_edge", "measure"),
    "mlflow_register": ("mlflow_edge", "measure"),
}


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ended from outside, what was begun is still put away
    names = [*ALONE, *ON_A_SITE]
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help=f"one of {', '.join(names)}")
    only = parser.parse_args().only
    if only and only not in names:
        parser.error(f"there is no measure named {only}; there are {', '.join(names)}")
    met = [_all_met(place, only=only) for place in _asked(ALONE, only)]
    on_a_site = _asked(ON_A_SITE, only)
    with ExitStack() as held:
        folder = held.enter_context(ground()) if on_a_site else None
        met += [_all_met(place, folder, only=only) for place in on_a_site]
    return 0 if all(met) else 1


def _asked(table: dict[str, tuple[str, str]], only: str) -> list[tuple[str, str]]:
    return list(dict.fromkeys(place for name, place in table.items() if only in ("", name)))


def _all_met(place: tuple[str, str], *folder: Path | None, only: str) -> bool:
    """Every result of the function, or the one that was asked for, is printed once it is known, kept, and meets its target."""
    module, function = place
    found: Iterable[Result] = getattr(importlib.import_module(f"benchmarks.{module}"), function)(*folder)
    met = True
    for result in found:
        if only in ("", result.name):
            print(result.line(), flush=True)
            result.keep()
            met = met and result.met
    return met


if __name__ == "__main__":
    sys.exit(main())
