"""Charts: Vega-Lite specifications drawn once, in a light and a dark theme, each with a sentence and a table.

`bars`, `matrix`, `heat`, `lines`, `reliability` and `timeline` make a `Figure` from rows; `figure_of` makes one from a chart in
an evaluation's result; `draw` renders figures in one spawned process. A figure's numbers stand in its table too, because nobody
must need the picture. `line_chart` is drawn by the server itself while a page is asked for: curves that still grow.
"""

from core.charts.bars import bars
from core.charts.figure import Chart, Figure, Limit, Line, LineChart, Mark, Table
from core.charts.heat import heat
from core.charts.line_chart import line_chart
from core.charts.lines import lines
from core.charts.matrix import matrix
from core.charts.reliability import reliability
from core.charts.rendering import ChartsFailed, draw, render, render_all
from core.charts.results import figure_of
from core.charts.timeline import timeline

__all__ = [
    "Chart",
    "ChartsFailed",
    "Figure",
    "Limit",
    "Line",
    "LineChart",
    "Mark",
    "Table",
    "bars",
    "draw",
    "figure_of",
    "heat",
    "line_chart",
    "lines",
    "matrix",
    "reliability",
    "render",
    "render_all",
    "timeline",
]
