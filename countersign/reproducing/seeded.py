"""Starts a script as Python would, after torch's seed was set: `python seeded.py SEED SCRIPT ARGUMENT…`; “-” sets none.

A script that sets its own seed sets it again. Runs in the training's environment, so it stands alone.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    seed, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(script).parent)
    if seed != "-":
        try:
            import torch  # noqa: PLC0415 - only a training that was recorded with torch has a seed of it
        except ImportError:
            pass
        else:
            torch.manual_seed(int(seed))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
