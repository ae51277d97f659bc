"""Numbers on a page: each once, under its check, with a name, its interval and its sample size; unknown ones too."""

from __future__ import annotations

from typing import Any

import pytest

from evaluations import names, wording
from evaluations.engine.checks import CHECKS
from evaluations.figures import MOST_ROWS, Section, figures_of, sections_of
from evaluations.models import Chart, Metric
from evaluations.verdicts import judge, title_of


class Run:
    """A run with these metrics and charts loaded."""

    def __init__(self, *metrics: Metric, charts: list[Chart] | None = None) -> None:
        self.metrics, self.charts = Held(list(metrics)), Held(charts or [])


class Held:
    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def all(self) -> list[Any]:
        return self._rows


def one(name: str, label: str = "", *, check: str = "performance", n: int = 60, **more: Any) -> Metric:
    given = {"value": 0.95, "low": 0.9, "high": 0.98, "confidence": 0.95, "method": "jeffreys", "unit": "proportion"}
    return Metric(check_name=check, name=name, label=label, n=n, **(given | more))


def counted(name: str, value: float, unit: str, **more: Any) -> Metric:
    given = {"check": "resources", "n": 1, "low": None, "high": None, "confidence": None, "method": "counted"}
    return one(name, value=value, unit=unit, **(given | more))


def named(sections: list[Section], check: str) -> Section:
    return next(section for section in sections if section.check == check)


def test_every_number_stands_exactly_once_under_its_check() -> None:
    found = sections_of(
        [
            counted("weight_bytes", 24_360, "bytes"),
            one("accuracy"),
            one("top_k_accuracy", "3"),
            *[one(name, label) for label in "01" for name in ("precision", "recall", "f1")],
            one("mean_probability", "0", check="prediction_distribution", method="normal, of the mean"),
            one("ece", check="calibration"),
            *[one("ece", label, check="calibration") for label in "01"],
        ]
    )
    assert [section.title for section in found] == [
        "Performance",
        "Calibration",
        "Distribution of the predictions",
        "Resources",
    ]
    performance, calibration, distribution, resources = found
    assert [figure.title for figure in performance.figures] == ["Accuracy", "Top-3 accuracy"]
    (grid,) = performance.grids
    assert [name for name, _method in grid.columns] == ["Recall", "Precision", "F1"] and grid.kind == "Class"
    assert [(row.label, [cell.rows for _name, cell in row.named if cell]) for row in grid.rows] == [
        ("0", ["n = 60"] * 3),
        ("1", ["n = 60"] * 3),
    ]
    assert [figure.title for figure in calibration.figures] == ["Expected calibration error"] and len(calibration.grids) == 1
    assert [figure.title for figure in distribution.figures] == ["Mean probability of class 0"]
    assert [(figure.value, figure.bounds, figure.method) for figure in resources.figures] == [
        ("24.4 kB", "", "Counted, not estimated")
    ]


def test_a_check_that_no_table_knows_shows_its_own_words() -> None:
    odd = one("moon_phase", "waxing", check="astrology", unit="moons", value=3.2, low=1.0, high=5.0)
    (section,) = sections_of([odd, one("moon_phase", "waning", check="astrology"), one("star_count", check="astrology")])
    assert (section.title, section.says) == ("Astrology", "")
    assert section.figures[0].title == "Star count" and section.headline == "Star count: 95.0 % (90.0–98.0 %)"
    assert section.grids[0].columns[0][0] == "Moon phase" and section.grids[0].kind == "Case"
    assert section.grids[0].rows[0].named[0][1].value == "3.200"


def test_a_check_without_words_says_what_its_own_description_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(names.CHECKS, "slices")
    (section,) = sections_of([one("accuracy", "site = Jeju", check="slices")])
    assert section.title == "Slices" and section.says.startswith("Every value of every declared column")


def test_each_check_of_the_engine_that_measures_has_words() -> None:
    assert set(CHECKS) - {"row_losses"} <= set(names.CHECKS)


def test_charts_stand_with_their_check_and_old_ones_with_the_one_they_are_known_by() -> None:
    charts = [
        Chart(pk=1, name="slices", check_name="slices", title="a"),
        Chart(pk=2, name="confusion", title="b"),
        Chart(pk=3, name="moons", check_name="astrology", title="c"),
    ]
    found = figures_of(Run(one("accuracy"), one("worse_by", "x = y", check="slices"), charts=charts))
    assert [(section.check, [picture["title"] for picture in section.charts]) for section in found] == [
        ("performance", ["b"]),
        ("slices", ["a"]),
        ("astrology", ["c"]),
    ]


def test_the_first_section_with_the_gravest_outcome_is_open() -> None:
    run = Run(one("accuracy"), one("ece", check="calibration"), one("churn", check="comparison"))

    def lines(**limits: float) -> list[dict[str, Any]]:
        checks = {"accuracy": "performance", "ece": "calibration", "churn": "comparison"}
        return [
            {"check": checks[name], "metric": name, "label": "", "bound": "lower", "minimum": limit}
            for name, limit in limits.items()
        ]

    def opened(**limits: float) -> list[str]:
        return [section.check for section in figures_of(run, judge(run.metrics.all(), lines(**limits))) if section.open]

    assert opened(accuracy=0.8, ece=0.99, churn=0.95) == ["calibration"]
    assert opened(accuracy=0.8, ece=0.95, churn=0.95) == ["calibration"]  # both are not settled: the first of them
    assert opened(accuracy=0.8, ece=0.8) == ["performance"] == opened()
    sections = figures_of(run, judge(run.metrics.all(), lines(accuracy=0.8, churn=0.99)))
    assert [section.outcome for section in sections] == ["passed", "", "failed"]


def test_an_estimate_names_its_interval_its_sample_and_its_method() -> None:
    latency = one(
        "latency_p50",
        check="resources",
        n=400,
        value=0.0066,
        low=0.0065,
        high=0.0068,
        unit="seconds",
        method="order statistics, 256 rows a batch",
    )
    figure = sections_of([latency])[0].figures[0]
    assert (figure.title, figure.value) == ("Median latency", "6.60 ms")
    assert figure.bounds == "95 % interval 6.50–6.80 ms, 400 timed batches"
    assert figure.method == "Order statistics, 256 rows a batch"


def test_a_counted_number_says_how_many_rows_it_was_counted_on() -> None:
    z = counted("spiegelhalter_z", -1.2, "score", check="calibration", n=450, method="test statistic")
    assert sections_of([z])[0].figures[0].bounds == "450 rows"


def test_a_number_without_rows_is_not_known() -> None:
    figure = sections_of([one("accuracy", n=0)])[0].figures[0]
    assert (figure.value, figure.bounds) == ("not known", "there is no row that tells")
    assert sections_of([one("accuracy", n=0)])[0].headline == ""


def test_of_very_many_rows_the_lowest_are_shown_and_the_rest_is_counted() -> None:
    rows = [one("recall", str(label), low=label / 200) for label in range(MOST_ROWS + 5)]
    (grid,) = sections_of(reversed(rows))[0].grids
    assert (len(grid.rows), grid.hidden, grid.folded) == (MOST_ROWS, 5, True)
    assert [row.label for row in grid.rows[:3]] == ["0", "1", "2"]


def test_parts_stand_in_the_order_of_how_far_they_are_behind() -> None:
    rows = [one("worse_by", f"site = {i}", check="slices", value=i / 10, low=0.0, high=0.9, unit="points") for i in range(3)]
    assert [row.label for row in sections_of(rows)[0].grids[0].rows] == ["site = 2", "site = 1", "site = 0"]


def test_at_most_four_measures_stand_side_by_side_and_only_the_first_table_is_unfolded() -> None:
    metrics = [one(f"m{i}", label, check="x") for i in range(5) for label in "ab"]
    grids = sections_of(metrics)[0].grids
    assert [(len(grid.columns), grid.folded) for grid in grids] == [(4, False), (1, True)]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ({"metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.95}, "Accuracy, at least 95 %"),
        ({"metric": "recall", "label": "*", "bound": "lower", "minimum": 0.8}, "Recall of every class, at least 80 %"),
        ({"metric": "recall", "label": "8", "bound": "lower", "minimum": 0.8}, "Recall of class 8, at least 80 %"),
        (
            {"metric": "latency_p95", "label": "", "bound": "upper", "maximum": 0.02},
            "Latency at the 95th percentile, at most 20 ms",
        ),
        (
            {"check": "slices", "metric": "worse_by", "label": "*", "bound": "upper", "maximum": 0.05},
            "Shortfall against all other rows in every part, at most 5 points",
        ),
        (
            {"check": "slices", "metric": "accuracy", "label": "site = Jeju", "bound": "lower", "minimum": 0.9},
            "Accuracy where site = Jeju, at least 90 %",
        ),
        (
            {"check": "fairness", "metric": "demographic_parity_difference", "label": "sex", "bound": "upper", "maximum": 0.1},
            "Demographic parity difference by sex, at most 10 %",
        ),
        (
            {"check": "comparison", "metric": "accuracy_change", "label": "", "bound": "lower", "minimum": -0.02},
            "Change: Accuracy, at least −2 points",
        ),
        (
            {"check": "resources", "metric": "weight_bytes", "label": "", "bound": "upper", "maximum": 209_715_200},
            "Size of the weights, at most 200 MiB",
        ),
        ({"metric": "accuracy"}, "A threshold that cannot be read"),
    ],
)
def test_a_check_is_titled_by_what_it_asks(line: dict[str, Any], title: str) -> None:
    line = {"check": "performance", **line}
    assert title_of(line) == title
    assert judge([], [line]).checks[0].title == title


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("jeffreys", "Jeffreys interval"),
        ("bootstrap of cells, 2,000 replicates", "Bootstrap of cells, 2,000 replicates"),
        ("", ""),
    ],
)
def test_a_method_is_named_as_people_name_it(method: str, words: str) -> None:
    assert wording.method_of(method) == words


@pytest.mark.parametrize(
    ("given", "value", "bounds"),
    [
        ({"value": 24_360.0, "low": 20_000.0, "high": 30_000.0, "unit": "bytes"}, "24.4 kB", "20.0–30.0 kB"),
        ({"value": 0.012, "low": -0.02, "high": 0.04, "unit": "points"}, "1.2 points", "−2.0 to 4.0 points"),
        ({"value": 0.0008, "low": 0.0002, "high": 0.0041, "unit": "score"}, "0.0008", "0.0002–0.0041"),
        ({"value": 3.0, "low": 1.0, "high": None, "unit": "score"}, "3.000", "at least 1.000"),
        ({"value": 3.0, "low": None, "high": None, "unit": "score"}, "3.000", "no bound"),
        ({"value": 0.00002, "low": None, "high": None, "confidence": None, "unit": "p"}, "< 0.001", ""),
    ],
)
def test_a_number_is_written_in_the_unit_that_fits_it(given: dict[str, Any], value: str, bounds: str) -> None:
    metric = one("x", **given)
    assert (wording.interval_of(metric)[0], wording.bounds_of(metric)) == (value, bounds)
