"""What is asked of every page, whatever is on it."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # all that a change of theme can change


def barriers(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe finds on the page as it is shown now, one line for each kind of element."""
    only: dict[str, Any] = {"type": "rule", "values": COLOURS} if colours_only else {"type": "tag", "values": STANDARDS}
    found = Axe().run(page, options={"runOnly": only, "resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found for node in one["nodes"][:3]]


def overflow(page: Page) -> list[str]:
    """The elements that make the page wider than its window."""
    return list(
        page.evaluate(
            """() => {
              const wide = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= wide) return [];
              const out = [...document.body.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > wide + 1);
              return out.slice(0, 5).map(one => one.outerHTML.slice(0, 160));
            }"""
        )
    )


def spilled(page: Page) -> list[str]:
    """Texts that stick out of the card that they stand in."""
    return list(
        page.evaluate(
            """() => {
              const cards = [...document.querySelectorAll(".card, .banner, .readiness > li")];
              const out = [];
              for (const card of cards) {
                const edge = card.getBoundingClientRect().right + 1;
                for (const one of card.querySelectorAll("p, time, span, a, code, dd, td, th, label, button")) {
                  const box = one.getBoundingClientRect();
                  if (box.width && box.right > edge && !one.closest(".table-box, .chart-box, .code, .visually-hidden")) {
                    out.push(one.outerHTML.slice(0, 160));
                    break;
                  }
                }
              }
              return out;
            }"""
        )
    )


def look_at(page: Page) -> list[str]:
    """Every complaint about the page that is open: in both themes, wide and on a phone."""
    complaints = []
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a plain table of two numbers
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its two words
            complaints += [f"{size}, {theme}: {line}" for line in barriers(page, colours_only=theme == "dark")]
        complaints += [f"{size}: wider than the window: {line}" for line in overflow(page)]
        complaints += [f"{size}: out of its card: {line}" for line in spilled(page)]
    return complaints
