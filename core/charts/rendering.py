"""Figures become pictures, all of them in one spawned process: vl-convert hangs in a process that was forked after its use."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from core.charts.figure import Chart, Figure
from core.charts.look import DARK, LIGHT

CHILD = Path(__file__).with_name("child.py")
SECONDS = 120
# What fonts and the loader need; nothing that could hold a secret.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"),
    *("FONTCONFIG_PATH", "FONTCONFIG_FILE", "XDG_CACHE_HOME"),
)


class ChartsFailed(RuntimeError):
    """The charts could not be drawn; the message says why."""


def render_all(specs: Sequence[dict[str, Any]], *, format: str = "svg", seconds: float = SECONDS) -> list[bytes]:
    """Each Vega-Lite specification drawn as SVG (or PNG), in one new process that may fetch nothing.

    The same specification gives the same bytes. A specification that cannot be drawn fails all of them.
    """
    if not specs:
        return []
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(CHILD)],
            input=json.dumps({"specs": list(specs), "format": format}, allow_nan=False).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise ChartsFailed(f"The charts were not drawn within {seconds:g} seconds.") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = next((line for line in reversed(said) if "rror" in line), said[-1] if said else "the process said nothing")
        raise ChartsFailed(f"The charts could not be drawn: {why[:300]}")
    drawn = json.loads(done.stdout)
    return [base64.b64decode(one) if format == "png" else one.encode() for one in drawn]


def render(spec: dict[str, Any]) -> bytes:
    """One specification as SVG."""
    return render_all([spec])[0]


def draw(figures: Sequence[Figure]) -> list[Chart]:
    """Every figure in both themes, in their order."""
    specs = [figure.spec(palette) for figure in figures for palette in (LIGHT, DARK)]
    pictures = render_all(specs)
    return [
        Chart(
            name=figure.name,
            title=figure.title,
            description=figure.description,
            light=_named(pictures[2 * i], figure),
            dark=_named(pictures[2 * i + 1], figure),
            table=figure.table,
        )
        for i, figure in enumerate(figures)
    ]


def _named(svg: bytes, figure: Figure) -> bytes:
    """The picture with its title and description inside, which vl-convert leaves out."""
    head, mark, rest = svg.partition(b">")
    if not head.startswith(b"<svg") or not mark:
        raise ChartsFailed("What was drawn is not an SVG picture.")
    words = f"<title>{escape(figure.title)}</title><desc>{escape(figure.description)}</desc>"
    return head + b' role="img">' + words.encode() + rest
