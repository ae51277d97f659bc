"""`python -m config.demo --url URL --out DIR`: make the demo's accounts, play the story, say where everything is.

The story runs as a program of its own (examples/digits), which knows the site only by its address and its keys.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Play the story on the running site; returns 0 when every step went as told."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415 - the settings' name must stand first

    django.setup()
    from config.demo import accounts  # noqa: PLC0415 - models can be imported only now

    parser = argparse.ArgumentParser(description="Play the demo's story on a running site.")
    parser.add_argument("--url", required=True, help="address of the running site")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report and the trust file")
    parser.add_argument("--data", type=Path, help="folder in which the demo keeps its accounts")
    args = parser.parse_args()
    out = args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    try:
        cast = accounts.prepare(url=args.url, folder=args.data or out)
    except accounts.NotTheDemo as refusal:
        print(f"demo: {refusal}", file=sys.stderr)
        return 2
    if not cast.played:
        print("The story, through the public API:", flush=True)
        command = [sys.executable, "-m", "examples.digits.story", "--cast", str(cast.file), "--out", str(out)]
        code = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], check=False).returncode
        if code != 0:
            return code
        cast.save(played=True)
    print(cast.summary(out))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
