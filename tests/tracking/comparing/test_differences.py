"""What counts as a difference: pure, over what runs hold."""

from __future__ import annotations

import pytest

from tracking.comparing.code import code_sides, compare_address
from tracking.comparing.inputs import data_rows
from tracking.comparing.measuring import Direction, guessed, metric_rows
from tracking.comparing.rows import Row, alike, sides
from tracking.comparing.surroundings import machine_sides, package_sides
from tracking.models import MetricSeries, RunData

ONE, OTHER = 40 * "a", 40 * "b"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.01, "0.01", True),
        ("1e-2", 0.01, True),
        (1, 1.0, True),
        (0.1, 0.1000000001, False),
        ("adam", "Adam", False),
        (True, 1, False),
        (True, "true", True),
        ([1, 2], [1, 2], True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (None, "", False),
        ("nan", "NaN", False),
        ("9" * 500, "9" * 501, False),
    ],
)
def test_values_are_alike_if_they_are_written_alike_or_are_one_number(one, other, same):
    assert alike(one, other) is same
    assert alike(other, one) is same


def test_what_differs_and_what_is_equal_stand_apart_and_what_is_missing_is_told():
    found = sides([{"lr": 0.1, "opt": "adam", "Epochs": 3}, {"lr": "0.1", "opt": "sgd"}])
    assert found.differing == (Row("Epochs", ("3", None), True), Row("opt", ("adam", "sgd"), True))
    assert found.equal == (Row("lr", ("0.1", "0.1"), False),)
    assert not sides([{}, {}])


def series(name: str, last: float, low: float | None, high: float | None) -> MetricSeries:
    points = {"last_step": 9, "lowest_step": 3, "highest_step": 5, "count": 10}
    return MetricSeries(name=name, last_value=last, lowest_value=low, highest_value=high, **points)


def test_the_best_is_marked_in_the_direction_that_the_reader_chose():
    runs = [{"accuracy": series("accuracy", 0.7, 0.1, 0.9)}, {"accuracy": series("accuracy", 0.8, 0.2, 0.8)}, {}]
    (row,) = metric_rows(runs)
    assert (row.direction, row.assumed) == (Direction.HIGHER, True)
    assert [cell and (cell.best, cell.best_step, cell.leads) for cell in row.cells] == [(0.9, 5, True), (0.8, 5, False), None]
    (row,) = metric_rows(runs, lower=["accuracy"])
    assert (row.direction, row.assumed) == (Direction.LOWER, False)
    assert [cell and (cell.best, cell.leads) for cell in row.cells] == [(0.1, True), (0.2, False), None]


def test_nobody_leads_alone_or_among_equals_or_without_a_finite_value():
    nan = float("nan")
    for runs in (
        [{"a": series("a", 1, 1, 1)}, {}],
        [{"a": series("a", 1, 1, 1)}, {"a": series("a", 2, 0, 1)}],
        [{"a": series("a", nan, None, None)}, {"a": series("a", 2, 2, 2)}],
    ):
        (row,) = metric_rows(runs)
        assert not any(cell.leads for cell in row.cells if cell)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_accuracy", Direction.HIGHER),
        ("f1", Direction.HIGHER),
        ("train/loss", Direction.LOWER),
        ("valid_rmse", Direction.LOWER),
        ("ECE", Direction.LOWER),
        ("lr-Adam/pg1", None),
        ("gpu_memory", None),
    ],
)
def test_directions_are_guessed_from_names(name, direction):
    assert guessed(name) is direction


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/vision/digits.git", f"https://github.com/vision/digits/compare/{ONE}...{OTHER}"),
        ("git@github.com:vision/digits.git", f"https://github.com/vision/digits/compare/{ONE}...{OTHER}"),
        ("ssh://git@github.com:22/vision/digits", f"https://github.com/vision/digits/compare/{ONE}...{OTHER}"),
        ("https://gitlab.com/a/b/c.git", f"https://gitlab.com/a/b/c/-/compare/{ONE}...{OTHER}"),
        ("git@gitlab.example.org:team/repo.git", f"https://gitlab.example.org/team/repo/-/compare/{ONE}...{OTHER}"),
        ("https://git.example.org/a/b", ""),
        ("https://github.com.evil.example/a/b", ""),
        ("https://evil.example/github.com/a", ""),
        ("https://github.com/../../a", ""),
        ("https://github.com/a", ""),
        ("javascript:alert(1)//github.com/a/b", ""),
        ("/home/me/digits", ""),
        ('https://github.com/a/b"><script>', ""),
    ],
)
def test_commits_are_shown_by_hosts_whose_form_is_known(address, expected):
    assert compare_address({"repository": address, "commit": ONE}, {"repository": address, "commit": OTHER}) == expected


def test_no_commits_between_other_repositories_the_same_commit_or_none():
    here = {"repository": "https://github.com/a/b", "commit": ONE}
    assert not compare_address(here, {**here, "repository": "https://github.com/a/c", "commit": OTHER})
    assert not compare_address(here, here)
    assert not compare_address(here, {**here, "commit": "main"})
    assert not compare_address({}, {})
    assert compare_address({"remote": "git@github.com:a/b.git", "commit": ONE}, {**here, "commit": OTHER})


def test_code_facts_that_were_not_reported_are_missing_not_empty():
    found = code_sides([{"commit": ONE, "branch": "", "dirty": False}, {"commit": ONE, "dirty": True}])
    assert [row.name for row in found.differing] == ["dirty"]
    assert [row.name for row in found.equal] == ["commit"]


def test_packages_are_added_removed_and_changed_whatever_their_names_look_like():
    torch, extensions, old = (
        dict(zip(("name", "version"), one, strict=True)) for one in (("Torch", "2.13.0"), ("typing_extensions", "4"), ("old", ""))
    )
    other = [{"name": "torch", "version": "2.12.0"}, {"name": "typing-extensions", "version": "4"}, "broken"]
    runs = [{"packages": [torch, extensions, old]}, {"packages": other}]
    found = package_sides(runs)
    assert [(row.name, row.values) for row in found.differing] == [("old", ("?", None)), ("torch", ("2.13.0", "2.12.0"))]
    assert [row.name for row in found.equal] == ["typing-extensions"]
    assert not package_sides([{}, {"packages": None}])


def test_the_machine_is_compared_with_its_hardware():
    runs = [{"python": "3.11.7", "hardware": {"cores": 8}}, {"python": "3.12.1", "hardware": {"cores": 8}, "platform": ""}]
    found = machine_sides(runs)
    assert [row.name for row in found.differing] == ["python"]
    assert [row.name for row in found.equal] == ["cores"]


def test_data_are_compared_by_digest_and_what_has_none_is_like_nothing():
    def used(digest: str, name: str = "digits") -> RunData:
        return RunData(context="training", name=name, digest=digest)

    rows = data_rows([[used("a"), used("x", "same")], [used("b"), used("x", "same")]])
    assert [(row.name, row.differs) for row in rows] == [("digits", True), ("same", False)]
    assert data_rows([[used("")], [used("")]])[0].differs
    assert data_rows([[used("a")], []])[0].differs
