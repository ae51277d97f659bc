"""Parts of a page: cards, banners, facts, tables, lists, charts, progress, pager."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

from core.charts.figure import LineChart
from core.components.vocabulary import look_of

TONES = {"ok", "bad", "warn", "info", "idle"}
BANNER_ICONS = {"ok": "circle-check", "bad": "octagon-x", "warn": "triangle-alert", "info": "info", "idle": "circle-pause"}


def _block(component: str, /, **context: Any) -> SafeString:
    return render_to_string(f"components/{component}.html", context)


def _filled(content: str) -> str:
    return content if content.strip() else ""


def card(
    content: str, title: str, *, note: object = "", href: str = "", link: str = "", name: str = "", flush: bool = False
) -> SafeString:
    """A section with its header. `note`: quiet text on the right; `href` and `link`: a link there; `flush`: no padding,
    for tables and lists; `name`: the id, otherwise made of the title."""
    name = name or slugify(title) or "section"
    return _block("card", content=content, title=title, note=note, href=href, link=link, name=name, flush=flush)


def banner(content: str, tone: str, title: str = "", icon: str = "") -> SafeString:
    """A sentence above everything else: ok, bad (what blocks), warn, info, idle."""
    if tone not in TONES:
        raise ValueError(f"{tone!r} is not a tone; take one of {', '.join(sorted(TONES))}.")
    return _block("banner", content=_filled(content), tone=tone, title=title, icon_name=icon or BANNER_ICONS[tone])


def empty(content: str, title: str, icon: str = "inbox") -> SafeString:
    """What would be here, and how to get it."""
    return _block("empty", content=_filled(content), title=title, icon_name=icon)


def fact(content: str, label: str) -> SafeString:
    """One row of `{% facts %}`."""
    return format_html("<div><dt>{}</dt><dd>{}</dd></div>", label, content)


def facts(content: str) -> SafeString:
    """Names and values in two columns."""
    return format_html('<dl class="facts">{}</dl>', content)


def table(content: str, caption: str, *, stack: bool = False, shown: bool = False) -> SafeString:
    """A table that scrolls in its own box. `caption` names it for screen readers (`shown`: for everybody); `stack` turns
    rows into blocks on a phone, each `<td data-label="…">` under its label."""
    return _block("table", content=content, caption=caption, stack=stack, shown=shown)


def sort(context: Context, key: str, label: str, numeric: bool = False) -> SafeString:
    """A column's header whose link sorts by `?sort=key`, then by `?sort=-key`; everything else in the address stays."""
    request: HttpRequest = context["request"]
    given = request.GET.get("sort", "")
    query = request.GET.copy()
    query["sort"] = f"-{key}" if given == key else key
    for page in ("after", "before"):
        query.pop(page, None)
    direction = {key: "ascending", f"-{key}": "descending"}.get(given, "")
    return _block("sort", label=label, href=f"?{query.urlencode()}", direction=direction, numeric=numeric)


def check(content: str, outcome: str, name: str, *, figure: object = "", href: str = "", axis: str = "check") -> SafeString:
    """One row of `<ul class="checks">`: the outcome's badge, what was asked, what came out, a figure on the right."""
    return _block("check", content=_filled(content), axis=axis, outcome=outcome, name=name, figure=figure, href=href)


def readiness(content: str, title: str, axis: str, state: str, href: str = "") -> SafeString:
    """One card of `<ul class="readiness">`: an aspect of the version, its state, one line that says why."""
    return _block("readiness", content=_filled(content), title=title, look=look_of(axis, state), href=href)


def folded(content: str, summary: str, open: bool = False, *, name: str = "") -> SafeString:
    """Details that few need, behind one line. `name`: an id; with it, what is open stays open when the part is drawn anew."""
    return _block("folded", content=content, summary=summary, open=open, name=name)


def code(value: object, label: str = "") -> SafeString:
    """Code, lines (a list of texts) or any other JSON value with sorted keys; it scrolls in its own box and can be copied."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        text = "\n".join(value)
    else:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return _block("code", text=text, label=label)


def commands(content: str, label: str = "") -> SafeString:
    """Lines of a shell or a notebook, written between the tags as they are typed; they can be copied."""
    return _block("code", text=html.unescape(content).strip(), label=label)


def timeline(entries: Iterable[Any], empty_text: str = "") -> SafeString:
    """What happened, newest or oldest first as given. Each entry has `at`, `sentence`, and may have `actor`, `href`,
    `icon`, `tone`, `detail`, `index` (its place in the log); attributes or keys."""
    return _block("timeline", entries=list(entries), empty_text=empty_text)


def changes(items: Iterable[Mapping[str, Any]]) -> SafeString:
    """A list of differences: each `{kind: changed | added | removed, label, before, after}`."""
    return _block("changes", items=list(items))


def crumb(label: object, href: str = "") -> SafeString:
    """One step of the way here, in `{% block breadcrumbs %}`; the page itself is not among them."""
    return format_html('<li><a href="{}">{}</a></li>', href, label) if href else format_html("<li>{}</li>", label)


def tab(context: Context, label: object, href: str, count: int | None = None, *, beneath: bool = False) -> SafeString:
    """One tab of `{% block tabs %}`; the one whose address is open is marked (`beneath`: or an address under it)."""
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    return _block("tab", label=label, href=href, count=count, current=path == href or (beneath and path.startswith(href)))


def pager(page: Any) -> SafeString:
    """Links to the rows before and after: `page` has `previous_url`, `next_url` (core.paging.page_by_key)."""
    return _block("pager", page=page)


def chart(picture: Any, light: str = "", dark: str = "") -> SafeString:
    """A drawn chart with its table. `picture` has `title`, `description`, `table` ({columns, rows}); the addresses of its
    two drawings are given, or stand in its `light_url` and `dark_url`."""
    rows: Mapping[str, Any] = _part(picture, "table") or {}
    return _block(
        "chart",
        title=_part(picture, "title"),
        description=_part(picture, "description"),
        light=light or _part(picture, "light_url"),
        dark=dark or _part(picture, "dark_url"),
        columns=list(rows.get("columns", [])),
        rows=[list(row.values()) if isinstance(row, Mapping) else list(row) for row in rows.get("rows", [])],
    )


def line_chart(chart: LineChart, name: str = "") -> SafeString:
    """Curves drawn by the server (core.charts.line_chart), with a key, what the picture leaves out, and a table.
    `name`: the table's id, otherwise made of the title; a table that is open stays open when the page is drawn anew."""
    return _block("line_chart", chart=chart, name=f"table-{name or slugify(chart.title)}")


def _part(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def progress(
    axis: str, state: str, sentence: str, *, fragment: str = "", done: int | None = None, total: int | None = None
) -> SafeString:
    """Work that goes on: its state, one sentence, a bar. With scripts `fragment` (an address that answers this very
    partial) is asked every two seconds; without, the page says how to look again (see base.html, block refresh)."""
    return _block("progress", axis=axis, state=state, sentence=sentence, fragment=fragment, done=done, total=total)
