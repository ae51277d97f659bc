"""`countersign runs` and `countersign compare` against a running site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from countersign.cli.runs import aligned
from tests.countersign.conftest import Said
from tracking import services

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def command_of(site: str, command: Callable[..., Said], key_of: Callable[..., str], machine: Any) -> Callable[..., Said]:
    """`command_of(person)("runs", …)`."""

    def sign_in(person: Any) -> Callable[..., Said]:
        (machine.parent / "key").write_text(key_of(person) + "\n")
        assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0
        return command

    return sign_in


@pytest.fixture
def runs(team: Any, scientist: Any) -> dict[str, Any]:
    def run(name: str, accuracy: Any, rate: Any, experiment: str = "digits") -> Any:
        series = [{"name": "val_accuracy", "steps": [0, 1], "values": [0.99, accuracy]}]
        return services.start_run(team, by=scientist, name=name, experiment=experiment, params={"lr": rate}, series=series)

    made = [run("low", 0.5, 0.1), run("high", 0.95, "1e-3"), run("broken", "NaN", 0.001), run("\x1b[31mred", 0.7, 1, "letters")]
    return {one.name: one for one in made}


def names(said: Said) -> list[str]:
    return [line.split()[1] for line in said.out.splitlines()[1:] if line.strip() and "There are more" not in line]


def test_runs_are_found_and_told_in_a_table(command_of: Any, scientist: Any, runs: dict[str, Any]) -> None:
    command = command_of(scientist)
    said = command("runs", "--filter", "metrics.val_accuracy > 0.4 and params.lr < 0.5", "--order", "metrics.val_accuracy desc")
    assert (said.code, names(said)) == (0, ["high", "low"])
    assert said.out.splitlines()[0].split()[:6] == ["ID", "NAME", "EXPERIMENT", "STATE", "val_accuracy", "STARTED"]
    assert "\x1b" not in command("runs").out
    assert names(command("runs", "--experiment", "digits")) == ["broken", "high", "low"]
    more = command("runs", "--limit", "1", "--team", "vision")
    assert names(more) == ["?[31mred"]
    assert "There are more; show them with --limit 5." in more.out
    assert command("runs", "--filter", "name = 'none'").out == "No run fulfils this.\n"
    assert [one["name"] for one in command("runs", "--json", "--filter", "metrics.val_accuracy is nan").json] == ["broken"]


def test_what_filter_and_order_name_stands_among_the_columns(command_of: Any, scientist: Any, team: Any) -> None:
    series = [{"name": name, "steps": [0], "values": [0.5]} for name in ("a", "b", "c", "val/accuracy", "x.max")]
    services.start_run(team, by=scientist, name="many", series=series)
    command = command_of(scientist)

    def columns(*words: str) -> list[str]:
        return command("runs", *words).out.splitlines()[0].split()[4:7]

    assert columns() == ["a", "b", "c"]
    assert columns("--filter", 'metrics."val/accuracy" > 0.1') == ["val/accuracy", "a", "b"]
    ordered = columns("--filter", "metric.val/accuracy.max > 0.1", "--order", 'metrics."x.max" desc')
    assert ordered == ["val/accuracy", "x.max", "a"]


def test_the_best_run_is_one_whose_metric_is_a_number(command_of: Any, scientist: Any, runs: dict[str, Any]) -> None:
    command = command_of(scientist)
    assert names(command("runs", "--best", "val_accuracy")) == ["high"]
    assert names(command("runs", "--best", "val_accuracy", "--lower")) == ["low"]
    assert names(command("runs", "--best", "val_accuracy", "--limit", "9")) == ["high", "?[31mred", "low"]
    assert command("runs", "--best", "val_accuracy.max", "--json").json[0]["metrics"]["val_accuracy"]["highest"] == 0.99
    none = command("runs", "--best", 'no "such" metric')
    assert (none.code, none.err) == (64, 'countersign: None of these runs has a number for the metric no "such" metric.')


def test_what_cannot_be_read_is_marked_at_its_place(command_of: Any, scientist: Any) -> None:
    said = command_of(scientist)("runs", "--filter", "metrics.a > 0.9 nad name = 'x'")
    assert said.code == 1
    assert said.err.splitlines() == [
        "countersign: At character 17: Between comparisons stands “and” or “or”, not “nad”. Did you mean and?",
        "  metrics.a > 0.9 nad name = 'x'",
        "                  ^^^",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--best", "a", "--order", "name"], "--best is an order of its own"),
        (["--lower"], "give --best METRIC with it"),
        (["--limit", "0"], "a number from 1 to 10,000"),
        (["--experiment", "nothing"], "There is no experiment nothing that you may see; there are digits, letters."),
        (["--team", "nobody"], "There is no team nobody that you see"),
    ],
)
def test_wrong_use_is_told(command_of: Any, scientist: Any, runs: Any, words: list[str], sentence: str) -> None:
    said = command_of(scientist)("runs", *words)
    assert (said.code, sentence in said.err) == (64, True), said.err


def test_runs_are_set_side_by_side(command_of: Any, scientist: Any, runs: dict[str, Any]) -> None:
    command = command_of(scientist)
    low, high = str(runs["low"].pk), str(runs["high"].pk)
    said = command("compare", low, high)
    assert said.code == 0
    assert "*0.99" not in said.out  # both were at 0.99 once: nobody leads
    assert "lr  0.1  1e-3" in said.out
    turned = command("compare", low, high, "--lower", "val_accuracy")
    assert "*0.5 (0.5)  0.95 (0.95)  lower is better\n" in turned.out
    assert command("compare", low, high, "--json").json["params"]["differing"][0]["name"] == "lr"
    assert "Choose 2 to 8 runs" in command("compare", low).err
    assert "is not the id of a run" in command("compare", low, "first").err


def test_rows_are_aligned_and_a_line_break_in_a_name_breaks_no_row() -> None:
    assert aligned([["a", "number"], ["b\nc", "1"]], right={1}) == "a    number\nb c       1"
