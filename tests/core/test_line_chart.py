"""The server's own line chart: every peak is in the picture, nothing is lost silently, and words say what the picture shows."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree

import pytest
from django.template import Context, Template

from core.charts import Line, Mark, line_chart
from core.charts.axes import decimal, logarithmic_axis, seconds_axis, short, steps_axis, values_axis
from core.charts.line_svg import HEIGHT, WIDTH
from core.charts.look import DASHES, LIGHT

NAN, INF = math.nan, math.inf


def _chart(*lines, **more):
    return line_chart(lines or [Line("loss", range(4), [4.0, 3, 2, 1])], **{"x_label": "step", "y_label": "loss"} | more)


def _paths(chart):
    """The lines' ways, as lists of (x, y)."""
    found = re.findall(r'class="line"[^>]* d="([^"]*)"', chart.svg)
    return [[tuple(map(float, point.split())) for point in re.split("[ML]", way) if point] for way in found if "l5" not in way]


def _root(chart):
    return ElementTree.fromstring(str(chart.svg))  # noqa: S314 - our own


def _elements(chart):
    return _root(chart).iter()


def test_a_chart_is_safe_under_the_strictest_policy_and_named_for_those_who_do_not_see_it():
    chart = _chart(Line("<script>", [0, 1], [1, 2]), title='a "b" & <c>', marks=[Mark(1, "<best>")])
    root = _root(chart)
    assert root.get("role") == "img" and root.get("aria-label") == 'a "b" & <c>'
    texts = {element.tag.rpartition("}")[2]: element.text for element in root}
    assert texts["title"] == 'a "b" & <c>' and "<script>, 2 points: from 1 at step 0 to 2 at 1" in texts["desc"]
    assert "<best>: step 1." in texts["desc"]
    for element in root.iter():
        assert element.tag.rpartition("}")[2] in {"svg", "title", "desc", "g", "path", "circle", "text"}
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}


def test_the_highest_value_lies_above_all_others_and_everything_inside_the_picture():
    values = [1.0] * 500
    values[250] = 90.0
    way = _paths(_chart(Line("loss", range(500), values)))[0]
    assert len(way) == 500
    assert min(range(500), key=lambda place: way[place][1]) == 250
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in way)


def test_what_is_no_number_breaks_the_line_is_marked_and_said():
    chart = _chart(Line("loss", range(7), [1, 2, NAN, 4, INF, 6, 7.0]))
    assert chart.svg.count("l5 5") == 2
    ways = re.findall(r'class="line"[^>]* d="(M[^"]*)"', chart.svg)[0]
    assert ways.count("M") == 2  # 0-1 and 5-6; the point at step 3 stands alone
    assert chart.svg.count("<circle") == 5
    assert chart.notes == ["loss: 2 values are not finite numbers (marked × below; the line breaks there)."]
    assert ["2", "NaN"] in chart.table.rows and ["4", "∞"] in chart.table.rows


def test_a_logarithmic_scale_says_what_it_cannot_show():
    chart = _chart(Line("loss", range(5), [100, 10, 1, 0, -1]), logarithmic=True)
    heights = [y for _x, y in _paths(chart)[0]]
    assert len(heights) == 3
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    assert "no place on a logarithmic scale" in chart.notes[0] and "(logarithmic)" in chart.svg


def test_lines_differ_without_their_colours_and_more_than_twelve_are_refused():
    lines = [Line(f"run {place}", [0, 1], [place, place + 1]) for place in range(12)]
    looks = re.findall(r'class="line" fill="none" stroke="([^"]+)"[^>]*?(?:stroke-dasharray="([^"]+)")? d=', _chart(*lines).svg)
    assert len(set(looks)) == 12
    assert len({dashes for _colour, dashes in looks[:6]}) == len(DASHES) == len(LIGHT.series)
    with pytest.raises(ValueError, match="13 lines cannot be told apart"):
        _chart(*lines, Line("run 12", [0], [0]))


def test_names_at_the_ends_do_not_lie_on_each_other():
    lines = [Line(f"run {place}", [0, 1], [place, 20]) for place in range(12)]
    places = sorted(float(y) for y in re.findall(r'line-name"[^>]* y="([\d.]+)"', _chart(*lines).svg))
    assert len(places) == 12 and places[-1] <= HEIGHT
    assert min(after - before for before, after in itertools.pairwise(places)) >= 11.9


def test_marks_stand_at_their_step_and_those_beyond_the_lines_are_left_out():
    chart = _chart(
        Line("loss", [0, 50, 100], [3, 2, 1]), marks=[Mark(50, "best"), Mark(100, "stopped", "stop"), Mark(400, "far")]
    )
    middle = _paths(chart)[0][1][0]
    assert f'class="mark" stroke="{LIGHT.ink}" d="M{middle} ' in chart.svg
    assert chart.svg.count('class="mark"') == 2 and chart.svg.count('stroke-dasharray="2 3"') == 1
    assert ">far<" not in chart.svg


@pytest.mark.parametrize(
    "values", [[], [0.3], [NAN], [7, 7, 7], [0, 0], [1.7e308, -1.7e308], [5e-324, 1e-323], [INF, -INF], [1e15, 1e15 + 0.25]]
)
@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("seconds", [False, True])
def test_no_values_are_too_odd_to_draw(values, logarithmic, seconds):
    chart = _chart(
        Line("loss", [2**53 - 9 + place for place in range(len(values))], values), logarithmic=logarithmic, seconds=seconds
    )
    for element in _elements(chart):
        assert not re.search(r"nan|inf", element.get("d", "") + element.get("y", ""))
    assert len(chart.svg) < 5_000


def test_few_steps_make_a_row_each_and_many_a_choice_with_ends_and_extremes():
    pair = _chart(Line("train", [0, 1, 2], [3, 2, 1]), Line("valid", [1], [2.5]))
    assert pair.table.columns == ["step", "train", "valid"]
    assert pair.table.rows == [["0", "3", "–"], ["1", "2", "2.5"], ["2", "1", "–"]]
    values = [math.sin(place / 900) for place in range(3000)]
    long = _chart(Line("a", range(3000), values, count=9_000), Line("b", range(3000), values))
    assert long.thinned and long.table.columns == ["Line", "step", "Value"] and len(long.table.rows) <= 60
    of_a = [row for row in long.table.rows if row[0] == "a"]
    assert of_a[0] == ["a", "0", "0"] and of_a[-1][1] == "2,999"
    assert {f"{max(values):.6g}", f"−{-min(values):.6g}"} <= {row[2] for row in of_a}
    twice = _chart(Line("a", [1, 1, 2], [5, 6, 7]))
    assert [row[1:] for row in twice.table.rows] == [["1", "5"], ["1", "6"], ["2", "7"]]


@pytest.mark.parametrize("count", [1, 59, 60, 61, 250, 100_000])
def test_rows_of_long_lines_are_chosen_evenly_and_keep_ends_and_extremes(count):
    chart = _chart(Line("loss", range(count), [float(-step) for step in range(count)]))
    steps = [int(row[-2].replace(",", "")) for row in chart.table.rows]
    assert len(steps) <= 60 and steps[0] == 0 and steps[-1] == count - 1
    assert chart.table.rows[-1][-1] == f"{1 - count:.6g}".replace("-", "−")
    gaps = [after - before for before, after in itertools.pairwise(steps)] or [0]
    assert max(gaps) - min(gaps) <= 1
    assert len(steps) >= min(count, 58)


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        (steps_axis(0, 3), ["0", "1", "2", "3"]),
        (steps_axis(0, 12), ["0", "5", "10"]),
        (steps_axis(0, 1_000_000), ["0", "200k", "400k", "600k", "800k", "1M"]),
        (seconds_axis(0, 8 * 3600), ["0 h", "2 h", "4 h", "6 h", "8 h"]),
        (seconds_axis(0, 90), ["0 s", "30 s", "60 s", "90 s"]),
        (seconds_axis(0, 40 * 86_400), ["0 d", "10 d", "20 d", "30 d", "40 d"]),
        (values_axis(0, 1), ["0", "0.5", "1.0"]),
        (values_axis(-3e-7, 3e-7), ["−2e−7", "0", "2e−7"]),
        (values_axis(91.2, 91.9), ["91.2", "91.4", "91.6", "91.8"]),
        (logarithmic_axis(0.01, 40), ["0.01", "0.1", "1", "10"]),
        (logarithmic_axis(0.3, 3), ["0.5", "1", "2"]),
        (logarithmic_axis(1e-12, 1), ["1e−12", "1e−9", "1e−6", "0.001", "1"]),
    ],
)
def test_ticks_are_round_and_few(axis, texts):
    assert [text for _place, text in axis.ticks] == texts
    assert all(-0.01 <= place <= 1.01 for place, _text in axis.ticks)


def test_numbers_are_short_beside_an_axis():
    assert [short(1500), short(-2_000_000), short(7)] == ["1.5k", "−2M", "7"]
    assert [decimal(0.25, 0.25), decimal(2.5, 2.5), decimal(25, 25), decimal(1e6, 1e5)] == ["0.25", "2.5", "25", "1e6"]


def test_on_a_page_a_chart_has_its_key_its_notes_and_its_table():
    chart = _chart(Line("<i>", range(3), [1, NAN, 3]), title="Loss")
    shown = Template("{% load components %}{% line_chart chart %}").render(Context({"chart": chart}))
    for words in (
        'class="line-chart"',
        "&lt;i&gt;",
        "marked ×",
        '<th scope="row">2</th>',
        '<details class="folded" id="table-loss">',
    ):
        assert words in shown
    assert "<i>" not in shown
