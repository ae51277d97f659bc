"""Charts: every number stands in picture, table and sentence; the same figure gives the same bytes; nothing is fetched."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.charts import ChartsFailed, Limit, bars, draw, figure_of, heat, lines, matrix, reliability, render, render_all, timeline
from core.charts.look import DARK, LIGHT, blend, contrast, readable_on
from core.charts.matrix import MOST_WITH_TEXT
from core.errors import InvalidInput
from core.quantities import write, write_exactly

ROOT = Path(__file__).parents[2]
CLASSES = [str(i) for i in range(10)]
RECALL = [
    {"label": "0", "value": 0.98, "low": 0.92, "high": 0.997, "n": 50},
    {"label": "1", "value": 0.85, "low": 0.72, "high": 0.93, "n": 45},
    {"label": "2", "value": 0.5, "low": 0.36, "high": 0.64, "n": 48},
    {"label": "3", "value": 0.0, "low": 0.0, "high": 1.0, "n": 0},
]
CURVE = [{"series": s, "x": i, "y": (i + 1.0) ** -1 + d} for s, d in (("train", 0), ("validation", 0.1)) for i in range(9)]
TIMES = [
    {"series": c, "x": f"2026-10-0{i + 1}T06:00:00+00:00", "value": v, "low": 0.05, "high": 0.15, "reference": 0.1, "n": 200}
    for c in ("0", "8")
    for i, v in enumerate((0.1, 0.11, 0.3 if c == "8" else 0.09))
]


def _bars(**changes):
    named = {"name": "recall", "title": "Recall of each class", "description": "Recall is lowest for class 2.", "rows": RECALL}
    return bars(**{**named, "x_title": "Recall", "y_title": "Class", "limit": Limit(0.8), **changes})


def _matrix(categories=CLASSES, **changes):
    rows = [{"truth": c, "predicted": c, "count": 40 + i} for i, c in enumerate(categories)]
    rows.append({"truth": categories[0], "predicted": categories[-1], "count": 3})
    named = {"name": "confusion", "title": "Classes", "description": "Most are right.", "rows": rows, "categories": categories}
    return matrix(**{**named, "x_title": "Predicted class", "y_title": "True class", **changes})


def _lines(**changes):
    named = {"name": "loss", "title": "Loss", "description": "Loss falls.", "rows": CURVE, "x_title": "Epoch", "y_title": "Loss"}
    return lines(**{**named, **changes})


def _heat(**changes):
    rows = [{"row": f"{r}", "column": f"{c}", "value": r * c / 7} for r in range(8) for c in range(10)]
    named = {"name": "where", "title": "Where", "description": "In the corner.", "rows": rows, "x_title": "Column"}
    return heat(**{**named, "y_title": "Row", "value_title": "Importance", **changes})


def _timeline(**changes):
    named = {"name": "means", "title": "Means", "description": "Class 8 left its limits.", "rows": TIMES, "x_title": "When"}
    return timeline(**{**named, "y_title": "Mean probability", "series_title": "Class", **changes})


def _reliability(**changes):
    points = [(0.1, 0.12, 40), (0.5, 0.3, 0), (0.9, 0.71, 120)]
    rows = [{"p": p, "observed": o, "low": p - 0.08, "high": p + 0.08, "n": n} for p, o, n in points]
    named = {"name": "reliability", "title": "Reliability", "description": "Too sure above 30 %.", "rows": rows}
    return reliability(**{**named, "x_title": "Confidence", "y_title": "Observed share", **changes})


@pytest.fixture(scope="module")
def drawn():
    """One process for every picture that the tests look at."""
    wicked = [{**RECALL[0], "label": "<script>alert(1)</script>"}, {**RECALL[1], "label": "datum.low > 0 ? 'x' : 'y'"}]
    figures = [
        _bars(),
        _matrix(),
        _lines(),
        _timeline(),
        _reliability(),
        _heat(),
        _bars(name="wicked", rows=wicked, title="a <b> & c", description="</desc><script>"),
        _matrix([f"{i}" for i in range(30)], name="many"),
        _bars(name="korean", rows=[{**RECALL[0], "label": "전체"}]),
        _bars(name="empty", rows=[]),
        _lines(name="gaps", rows=[{"series": "a", "x": i, "y": y} for i, y in enumerate((1.0, math.nan, None, 3.0, math.inf))]),
    ]
    return {chart.name: chart for chart in draw(figures)}


def _texts(svg):
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")]  # noqa: S314 - our own


def test_each_figure_is_drawn_in_both_themes_and_says_what_it_is(drawn):
    for chart in drawn.values():
        assert chart.light != chart.dark or chart.name == "empty"
        for svg in (chart.light, chart.dark):
            root = ElementTree.fromstring(svg)  # noqa: S314 - our own picture, and it must be well formed
            assert root.get("role") == "img" and root[0].tag.endswith("title") and root[1].tag.endswith("desc")
            assert root[0].text == chart.title and root[1].text == chart.description
            assert 600 <= float(root.get("width")) <= 660 or chart.name == "empty"


def test_the_numbers_of_bars_are_written_with_sample_sizes_and_signs(drawn):
    texts = _texts(drawn["recall"].light)
    for text in ("98.0 %", "85.0 % ?", "50.0 % ▼", "not known", "n = 50", "n = 0", "minimum 80 %", "Recall, %", "Class"):
        assert text in texts, (text, texts)


def test_counts_are_written_in_the_matrix_and_zeros_are_not(drawn):
    texts = _texts(drawn["confusion"].light)
    assert {"40", "49", "3", "Predicted class", "True class"} <= set(texts)
    assert sum(text == "0" for text in texts) == 2  # the two axis labels of class 0


def test_a_large_matrix_leaves_the_counts_to_its_table(drawn):
    assert "69" not in _texts(drawn["many"].light)
    assert drawn["many"].table.rows == [["0", "29", "3", "43"]] and len(drawn["many"].light) < 60_000
    assert MOST_WITH_TEXT < 30


def test_lines_have_axes_with_units_and_a_legend_of_names(drawn):
    texts = _texts(drawn["loss"].light)
    assert {"Epoch", "Loss", "train", "validation"} <= set(texts)
    assert b"NaN" not in drawn["gaps"].light and b"Infinity" not in drawn["gaps"].light


def test_a_timeline_shows_each_series_and_marks_what_lies_outside(drawn):
    texts = _texts(drawn["means"].light)
    assert {"Class 0", "Class 8"} <= set(texts) and any("times in UTC" in text for text in texts)
    assert drawn["means"].light.count(LIGHT.bad.encode()) == 1  # one triangle
    assert [row[-1] for row in drawn["means"].table.rows] == ["within"] * 5 + ["outside"]


def test_a_reliability_curve_has_its_band_its_rows_and_its_table(drawn):
    chart = drawn["reliability"]
    texts = _texts(chart.light)
    assert {"Confidence, %", "Observed share, %", "120"} <= set(texts) and any(text.startswith("Band: ") for text in texts)
    assert LIGHT.band.encode() in chart.light and LIGHT.accent.encode() in chart.light
    assert chart.table.rows[2] == ["90.0 %", "71.0 %", "82.0–98.0 %", "120"]


def test_an_axis_of_small_shares_is_numbered_with_the_decimals_it_needs():
    rows = [{**RECALL[0], "value": 0.09, "low": 0.08, "high": 0.1}]
    (chart,) = draw([_bars(rows=rows, limit=None)])
    assert {"2.5", "7.5"} <= set(_texts(chart.light))


def test_names_from_outside_are_only_text(drawn):
    for svg in (drawn["wicked"].light, drawn["wicked"].dark):
        assert b"<script" not in svg and b"a &lt;b&gt; &amp; c" in svg
        assert any(text.startswith("<script>alert(1)") for text in _texts(svg))
        assert any(text.startswith("datum.low > 0") for text in _texts(svg))


def test_pictures_hold_no_styles_scripts_or_addresses(drawn):
    """An inline style would be blocked by the content security policy, an address would be fetched."""
    for chart in drawn.values():
        svg = re.sub(rb"<desc>.*?</desc>", b"", chart.light)
        assert b"style=" not in svg and b"<style" not in svg and b"<script" not in svg and b"<image" not in svg
        assert set(re.findall(rb"https?://[^\"' ]+", svg)) <= {b"http://www.w3.org/2000/svg", b"http://www.w3.org/1999/xlink"}


def test_korean_names_are_drawn(drawn):
    assert "전체" in _texts(drawn["korean"].light)


def test_the_same_figure_gives_the_same_bytes_in_another_process(drawn):
    again = draw([_bars(), _timeline()])
    assert [(c.light, c.dark) for c in again] == [(drawn[n].light, drawn[n].dark) for n in ("recall", "means")]


def test_nothing_is_fetched():
    """A specification that names an address is refused: nobody may reach the network through a picture."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def answer():
            with contextlib.suppress(OSError):
                asked.append(server.accept()[0].recv(100))

        listener = threading.Thread(target=answer, daemon=True)
        listener.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/data.json"
        spec = {"data": {"url": address}, "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}
        with pytest.raises(ChartsFailed, match="could not be drawn"):
            render(spec)
    assert asked == []


def test_what_cannot_be_drawn_fails_with_a_sentence():
    with pytest.raises(ChartsFailed, match="could not be drawn"):
        render({"mark": "no such mark", "data": {"values": [{"a": 1}]}})
    with pytest.raises(ChartsFailed, match=r"within 0\.01 seconds"):
        render_all([{"mark": "point"}], seconds=0.01)
    assert render_all([]) == []


def test_drawing_works_in_a_process_that_has_drawn_before_and_was_forked():
    """vl-convert hangs when forked after its first use; the spawned process does not care."""
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from core.charts.rendering import render
import vl_convert
spec = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}
vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
child = os.fork()
if child == 0:
    os._exit(0 if render(spec).startswith(b"<svg") else 1)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "0"


def test_the_drawing_process_sees_no_secrets(monkeypatch):
    seen = {}
    monkeypatch.setenv("COUNTERSIGN_SECRET_KEY", "hidden")
    monkeypatch.setattr(
        subprocess, "run", lambda *args, **kwargs: seen.update(kwargs) or subprocess.CompletedProcess(args, 0, b"[]")
    )
    render_all([{"mark": "point"}])
    assert "COUNTERSIGN_SECRET_KEY" not in seen["env"] and set(seen["env"]) <= set(os.environ)


def test_tables_hold_every_number_even_where_the_picture_does_not():
    many = [{"label": f"c{i}", "value": i / 100, "low": i / 200, "high": i / 100 + 0.01, "n": 10} for i in range(60)]
    figure = _bars(rows=many, description="Sixty.")
    assert (
        len(figure.table.rows) == 60 and figure.description == "Sixty. The picture shows the 40 lowest of 60; the table has all."
    )
    shown = [row["label"] for row in figure.spec(LIGHT)["data"]["values"]]
    assert shown == [f"c{i}" for i in range(40)]
    assert _bars().table.columns == ["Class", "Recall", "95 % interval", "Rows", "Minimum 80 %"]
    assert _bars().table.rows[1] == ["1", "85.0 %", "72.0–93.0 %", "45", "not settled"]
    assert _bars().table.rows[3] == ["3", "not known", "–", "0", "not known"]
    assert _matrix().table.columns == ["True class ↓ / Predicted class →", *CLASSES, "Rows"]
    assert _matrix().table.rows[0] == ["0", "40", *["0"] * 8, "3", "43"]


def test_long_curves_are_thinned_and_keep_their_ends():
    figure = _lines(rows=[{"series": "a", "x": i, "y": i * 1.0} for i in range(50_000)])
    drawn = [row["x"] for row in figure.spec(LIGHT)["data"]["values"]]
    assert len(drawn) == 1000 and (drawn[0], drawn[-1]) == (0, 49_999)
    assert len(figure.table.rows) == 200 and figure.table.rows[-1] == ["49999", "49999"]
    with pytest.raises(ValueError, match="cannot be told apart"):
        _lines(rows=[{"series": f"s{i}", "x": 0, "y": 1} for i in range(7)])


def test_a_timeline_of_many_series_shows_the_alarming_ones_first():
    rows = [{**TIMES[0], "series": f"{i:02d}", "value": 0.3 if i == 29 else 0.1} for i in range(30)]
    figure = _timeline(rows=rows)
    panels = figure.spec(LIGHT)["facet"]["sort"]
    assert panels[0] == "Class 29" and len(panels) == 20 and len(figure.table.rows) == 30
    assert "20 of 30" in figure.description


@pytest.mark.parametrize(
    ("limit", "low", "high", "state"),
    [
        (Limit(0.8), 0.8, 0.9, "met"),
        (Limit(0.8), 0.79, 0.9, "not settled"),
        (Limit(0.8), 0.7, 0.79, "missed"),
        (Limit(0.8), 0.7, 0.8, "not settled"),
        (Limit(0.8, is_minimum=False), 0.7, 0.8, "met"),
        (Limit(0.8, is_minimum=False), 0.7, 0.81, "not settled"),
        (Limit(0.8, is_minimum=False), 0.81, 0.9, "missed"),
        (Limit(0.8, is_minimum=False), 0.7, None, "not settled"),
        (Limit(0.8), None, 0.9, "not settled"),
    ],
)
def test_a_bar_stands_to_its_limit_as_the_verdict_does(limit, low, high, state):
    value = low if low is not None else high
    figure = _bars(rows=[{"label": "a", "value": value, "low": low, "high": high, "n": 9}], limit=limit)
    assert figure.table.rows[0][-1] == state


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)
def test_colours_can_be_told_from_the_page_and_text_can_be_read(palette):
    for colour in (palette.accent, palette.warn, palette.bad, palette.muted):
        bar = blend(palette.surface, colour, palette.tint)
        assert contrast(bar, palette.surface) >= 3 and contrast(palette.ink, bar) >= 3
    for colour in (*palette.series, palette.accent, palette.bad):
        assert contrast(colour, palette.surface) >= 4.5
    assert min(contrast(palette.ink, palette.surface), contrast(palette.muted, palette.surface)) >= 4.5
    for values in (_matrix().spec(palette)["data"]["values"],):
        assert all(contrast(value["ink"], value["fill"]) >= 4.5 for value in values if value["text"])
    assert readable_on("#ffffff") == "#16181d" and readable_on("#000000") == "#ffffff"


def test_an_evaluations_charts_become_figures():
    columns = [{"key": key, "title": key.title()} for key in ("label", "value", "low", "high", "n", "mark")]
    given = {"name": "d", "title": "D", "description": "d.", "kind": "bars", "columns": columns, "unit": "proportion"}
    figure = figure_of({**given, "rows": [{**RECALL[0], "mark": 0.9}], "mark_title": "Share"}, limit=Limit(0.5))
    assert figure.table.columns == ["Label", "Value", "95 % interval", "Share", "N", "Minimum 50 %"]
    truth = [{"key": key, "title": key.title()} for key in ("truth", "predicted", "count")]
    rows = [{"truth": "a", "predicted": "b", "count": 2}]
    figure = figure_of({**given, "kind": "matrix", "columns": truth, "rows": rows, "categories": ["a", "b"]})
    assert figure.table.rows == [["a", "0", "2", "2"], ["b", "0", "0", "0"]]
    xy = [{"key": key, "title": key.upper()} for key in ("series", "x", "y")]
    assert figure_of({**given, "kind": "lines", "columns": xy, "rows": CURVE}).table.columns == ["X", "train", "validation"]
    with pytest.raises(InvalidInput, match="pie"):
        figure_of({**given, "kind": "pie", "rows": []})


def test_specifications_are_plain_json():
    for figure in (_bars(), _matrix(), _lines(), _timeline(), _reliability()):
        for palette in (LIGHT, DARK):
            json.dumps(figure.spec(palette), allow_nan=False)


@pytest.mark.parametrize(
    ("size", "words", "exactly"),
    [
        (0, "0 B", "0 B"),
        (640, "640 B", "640 B"),
        (24_360, "24.4 kB", "24.36 kB"),
        (50_000_000, "50.0 MB", "50 MB"),
        (256 << 20, "268.4 MB", "256 MiB"),
        (3 << 30, "3.2 GB", "3 GiB"),
        (1_234_567_891, "1.2 GB", "1.234568 GB"),
    ],
)
def test_sizes_are_written_in_the_unit_that_fits_them(size, words, exactly):
    assert (write(size, "bytes"), write_exactly(size, "bytes")) == (words, exactly)


def test_numbers_are_written_in_their_unit():
    assert write(0.97777, "proportion") == "97.8 %" and write(None, "proportion") == "–"
    assert write(0.0123, "seconds") == "12.30 ms" and write(3_100_000, "bytes") == "3.1 MB" and write(0.5, "nats") == "0.500"
    assert write(0.5, "proportion", bare=True, decimals=0) == "50"
    assert write_exactly(0.95, "proportion") == "95 %" and write_exactly(0.9525, "proportion") == "95.25 %"
    assert write_exactly(0.02, "seconds") == "20 ms" and write_exactly(100, "parameters") == "100"


def test_a_heat_map_is_darkest_where_the_number_is_greatest_and_its_table_has_all(drawn):
    texts = _texts(drawn["where"].light)
    assert "Importance: the stronger the colour, the more; strongest 9" in texts and "Column" in texts and "Row" in texts
    assert _heat().table.columns == ["Row ↓ / Column →", *"0123456789"] and _heat().table.rows[7][10] == "9"
    shades = [one["fill"] for one in _heat().spec(LIGHT)["data"]["values"]]
    assert shades[0] == blend(LIGHT.surface, LIGHT.accent, 0.04) and shades[-1] == blend(LIGHT.surface, LIGHT.accent, 0.96)
    with pytest.raises(ValueError, match="at least 0"):
        _heat(rows=[{"row": "a", "column": "b", "value": -1.0}])


def test_a_heat_map_comes_from_a_result_as_other_charts_do():
    columns = [{"key": key, "title": key.title()} for key in ("row", "column", "value")]
    chart = {"name": "n", "title": "t", "kind": "heat", "columns": columns, "description": "d"}
    found = figure_of({**chart, "rows": [{"row": "1", "column": "2", "value": 0.5}]})
    assert found.table.columns == ["Row ↓ / Column →", "2"] and found.table.rows == [["1", "0.5"]]
