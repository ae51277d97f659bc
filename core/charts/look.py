"""Two palettes (the tokens of app.css) and one configuration, so that all charts look like the pages around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH = 640  # pixels; text of 15 pixels stays legible when a narrow page scales the picture down
TEXT = 15
SMALL = 13
FONT = "Inter, DejaVu Sans, Noto Sans CJK KR, sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme; the ground is transparent, so the page's surface shows through."""

    name: str
    surface: str
    sunken: str
    ink: str
    muted: str
    line: str
    accent: str
    ok: str
    bad: str
    warn: str
    band: str
    tint: float  # of a bar: 3:1 against the page, and the interval still stands out on it
    series: tuple[str, ...]  # told apart by colour-blind people too, and each has a dash of its own


LIGHT = Palette(
    name="light",
    surface="#ffffff",
    sunken="#f3f3f0",
    ink="#16181d",
    muted="#565c66",
    line="#e2e2de",
    accent="#2f4bc9",
    ok="#186a3b",
    bad="#b3261e",
    warn="#8a5300",
    band="#dfe4fb",
    tint=0.68,
    series=("#2f4bc9", "#b3541e", "#186a3b", "#8f2f8a", "#00727a", "#6b5b00"),
)
DARK = Palette(
    name="dark",
    surface="#171a1f",
    sunken="#1e2228",
    ink="#e6e8ec",
    muted="#a2a9b5",
    line="#2b3038",
    accent="#a3b3ff",
    ok="#7ed3a2",
    bad="#ff9e95",
    warn="#f0bd68",
    band="#272f57",
    tint=0.55,
    series=("#a3b3ff", "#ffb27d", "#7ed3a2", "#eda3e6", "#6fd3db", "#e0cf6b"),
)
DASHES = ([1, 0], [7, 3], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2])


def config(p: Palette) -> dict[str, Any]:
    """Vega-Lite's configuration in a palette."""
    return {
        "background": None,
        "font": FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": {
            "labelColor": p.muted,
            "titleColor": p.muted,
            "labelFontSize": TEXT,
            "titleFontSize": TEXT,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": p.line,
            "domainColor": p.line,
            "tickColor": p.line,
            "labelPadding": 6,
            "labelLimit": 200,
        },
        "legend": {
            "labelColor": p.ink,
            "titleColor": p.muted,
            "labelFontSize": TEXT,
            "titleFontSize": TEXT,
            "symbolStrokeWidth": 3,
            "symbolSize": 220,
            "labelLimit": 260,
        },
        "header": {"labelColor": p.ink, "labelFontSize": TEXT, "labelFontWeight": "normal", "labelPadding": 4},
        "title": {
            "color": p.muted,
            "fontSize": SMALL + 1,
            "fontWeight": "normal",
            "anchor": "start",
            "frame": "group",
            "offset": 14,
        },
        "text": {"color": p.ink, "fontSize": TEXT},
    }


def frame(p: Palette, spec: dict[str, Any]) -> dict[str, Any]:
    """`spec` with schema, configuration and outer measures."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.21.json",  # a name; nothing is fetched
        "padding": 4,
        "config": config(p),
        **spec,
    }


def blend(a: str, b: str, share: float) -> str:
    """The colour `share` of the way from a to b, both #rrggbb."""
    share = min(max(share, 0.0), 1.0)
    mixed = (round(int(a[i : i + 2], 16) + (int(b[i : i + 2], 16) - int(a[i : i + 2], 16)) * share) for i in (1, 3, 5))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours (WCAG 2), 1 to 21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable_on(ground: str) -> str:
    """Near-black or white, whichever stands out more on `ground`."""
    return max(("#16181d", "#ffffff"), key=lambda text: contrast(text, ground))
