"""`countersign import mlflow` against the real site: everything once, whatever breaks off, and a reason for what stays behind."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.importing.mlflow import sending, taking
from countersign.importing.progress import Progress, Summary
from countersign.transport import Transport, Unreachable
from tests.countersign.conftest import Said
from tests.countersign.importing import mlruns
from tests.countersign.importing.mlruns import RUNS, START, Told, run_id
from tracking.models import Experiment, MetricSeries, TrainingRun

SHOWN = [run for run in RUNS if not run.deleted]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once."""
    monkeypatch.setattr(sending.time, "sleep", lambda _seconds: None)


@pytest.fixture
def take(
    site: str, command: Callable[..., Said], key_of: Any, scientist: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """`take(source, "--since", …)`: the command as the scientist runs it."""
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))
    return lambda source, *words: command("import", "mlflow", source, *words)


def stands() -> dict[str, Any]:
    """What the site has, by the name of each run."""
    found = {}
    for run in TrainingRun.objects.filter(origin="import").select_related("experiment", "parent"):
        points = {one.name: one.points() for one in MetricSeries.objects.filter(run=run)}
        found[run.name] = {
            "experiment": run.experiment.name,
            "state": run.state,
            "parent": run.parent.name if run.parent else "",
            "params": run.params,
            "points": {
                name: Counter(zip(one.steps.tolist(), map(repr, one.values.tolist()), one.times.tolist(), strict=True))
                for name, one in points.items()
            },
            "data": Counter(run.data.values_list("name", "digest", "context")),
            "artifacts": dict(run.artifacts.values_list("path", "size")),
            "ended": run.ended_at and int(run.ended_at.timestamp() * 1000),
        }
    return found


def told(runs: list[Told]) -> dict[str, Any]:
    """The same of what was told."""
    states = {"RUNNING": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}
    names = {run.run_id: run.name for run in runs}
    return {
        run.name: {
            "experiment": run.experiment,
            "state": states[run.status],
            "parent": names.get(run.parent, ""),
            "params": run.params,
            "points": {
                name: Counter((step, repr(value), time) for step, value, time in rows) for name, rows in run.metrics.items()
            },
            "data": Counter((name, digest, context) for name, (digest, context) in run.data.items()),
            "artifacts": {name: len(content) for name, content in run.artifacts.items()},
            "ended": run.ended,
        }
        for run in runs
    }


# -- everything, once ------------------------------------------------------------------------------------------------------


def test_a_folder_comes_in_with_all_that_its_runs_know(take: Callable[..., Said], tmp_path: Path) -> None:
    said = take(mlruns.folder(tmp_path / "mlruns"), "--json")
    assert said.code == 0, said
    assert stands() == told(SHOWN)
    assert said.json["taken"] == {"runs": 3, "points": 14, "artifacts": 2}
    assert [(one["what"], one["name"], one["why"]) for one in said.json["skipped"]] == [
        ("run", f"gone ({run_id(4)})", "it was deleted in MLflow")
    ]
    assert said.json["notes"] == [
        "Registered models are not taken over (1: reader); a version here begins with a run, from its page or with "
        "`countersign register`."
    ]
    run = TrainingRun.objects.get(source=f"mlflow:{run_id(1)}")
    assert (run.code["commit"], run.code["entry"], run.code["dirty"]) == ("a" * 40, "train.py", False)
    assert run.environment["user"] == "ada"
    assert run.tags["team"] == "vision"
    assert int(run.started_at.timestamp() * 1000) == START
    assert run.fixed_at is None
    assert {one.name: one.tags for one in Experiment.objects.all()} == {
        "vision": {"note": "about vision"},
        "speech / day": {"note": "about speech / day"},
    }
    odd = MetricSeries.objects.get(run=run, name="odd")
    assert (odd.count, odd.not_finite, odd.last_value) == (4, 3, 0.1)


def test_what_is_complete_is_skipped_by_one_look(
    take: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "FEW", 0)
    source = mlruns.folder(tmp_path / "mlruns", RUNS[:2])
    take(source)
    before, asked = stands(), []
    call = Transport.call
    monkeypatch.setattr(Transport, "call", lambda self, *words, **more: asked.append(words) or call(self, *words, **more))
    said = take(source, "--json")
    assert said.json["taken"] == {}
    assert {one["why"] for one in said.json["skipped"]} == {"the site has all of it already"}
    assert (said.code, stands()) == (0, before)
    assert [method for method, _ in asked] == ["GET", "GET", "GET"]  # me, the team's runs and experiments


def test_the_same_runs_from_elsewhere_are_the_same_runs(take: Callable[..., Said], tmp_path: Path) -> None:
    take(mlruns.folder(tmp_path / "mlruns"))
    with mlruns.server() as (address, _):
        for source in (mlruns.database(tmp_path / "mlflow.db"), address):
            said = take(source, "--json")
            assert said.code == 0
            assert said.json["taken"] == {"runs_updated": 3}
            assert stands() == told(SHOWN)


@pytest.mark.parametrize("form", ["folder", "database", "server"])
def test_what_went_on_is_added_and_nothing_twice(take: Callable[..., Said], tmp_path: Path, form: str) -> None:
    begun = Told(
        run_id(7),
        name="long",
        status="RUNNING",
        ended=None,
        params={"a": "1"},
        metrics={"loss": [(0, 1.0, START), (0, 1.0, START), (1, math.nan, START)], "still": mlruns.points(3)},
        artifacts={"a.txt": b"1"},
    )
    on = begun.but(
        status="FINISHED",
        ended=START + 9,
        params={"a": "1", "b": "2"},
        metrics={
            # more of the same point, one before the last, one more NaN; a new curve
            "loss": [(0, 1.0, START)] * 3 + [(1, math.nan, START)] * 2 + [(-1, 0.5, START - 5)],
            "still": mlruns.points(3),
            "new": mlruns.points(2),
        },
        artifacts={"a.txt": b"2", "b.txt": b"22"},
    )
    for number, run in enumerate([begun, on]):
        place = tmp_path / str(number)
        place.mkdir()
        if form == "server":
            with mlruns.server([run]) as (address, _):
                said = take(address, "--json")
        else:
            said = take((mlruns.folder if form == "folder" else mlruns.database)(place / "source", [run]), "--json")
        assert said.code == 0, said
        assert stands() == told([run])
    assert said.json["taken"] == {"points": 5, "artifacts": 2, "runs_updated": 1}


def test_what_was_logged_after_the_end_is_added(take: Callable[..., Said], tmp_path: Path) -> None:
    source = mlruns.folder(tmp_path / "mlruns", SHOWN[1:2])
    take(source)
    late = SHOWN[1].but(metrics={"acc": mlruns.points(3), "late": mlruns.points(1)}, artifacts={"late.txt": b"1"})
    mlruns.write_run(source, "1", late)
    assert take(source, "--json").json["taken"] == {"points": 1, "artifacts": 1, "runs_updated": 1}
    assert stands()["child"]["points"] == told([late])["child"]["points"]


def test_many_points_come_in_several_messages(take: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.importing.mlflow.fitting.POINTS", 10)
    run = Told(run_id(1), metrics={"a": mlruns.points(25), "b": mlruns.points(3), "c": mlruns.points(12)})
    said = take(mlruns.folder(tmp_path / "mlruns", [run]), "--json")
    assert said.json["taken"] == {"runs": 1, "points": 40}
    assert stands() == told([run])


# -- broken off ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrives", [False, True], ids=["the request is lost", "the answer is lost"])
def test_wherever_it_breaks_off_the_next_time_finishes_it(
    take: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    monkeypatch.setattr("countersign.importing.mlflow.fitting.POINTS", 6)
    monkeypatch.setattr(taking, "AT_ONCE", 1)
    source = mlruns.folder(tmp_path / "mlruns", SHOWN)
    call, left = Transport.call, 0

    def cut(self: Transport, method: str, address: str, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            if arrives:
                call(self, method, address, **options)
            raise Unreachable("The cable is out.")
        return call(self, method, address, **options)

    broken = 0
    for lasts in range(2, 60):
        left = lasts
        with monkeypatch.context() as patched:
            patched.setattr(Transport, "call", cut)
            said = take(source)
        assert said.code in {0, 69}
        if said.code == 0:
            break
        assert "The cable is out." in said.err
        broken += 1
    assert broken > 5
    assert take(source).code == 0
    assert stands() == told(SHOWN)


def test_an_answer_that_got_lost_once_is_asked_for_again(
    take: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, seen = Transport.call, Counter[str]()

    def flaky(self: Transport, method: str, address: str, **options: Any) -> Any:
        answer = call(self, method, address, **options)
        seen[address] += 1
        if method != "GET" and seen[address] % 2 and address != "experiments/":
            raise Unreachable("The cable is loose.")
        return answer

    monkeypatch.setattr(Transport, "call", flaky)
    said = take(mlruns.folder(tmp_path / "mlruns", SHOWN), "--json")
    assert said.code == 0, said
    assert stands() == told(SHOWN)


# -- what stays behind -----------------------------------------------------------------------------------------------------


def test_what_no_site_keeps_is_left_out_and_the_run_comes(take: Callable[..., Said], tmp_path: Path) -> None:
    run = Told(
        run_id(1),
        name="n" * 300,
        params={f"p{number}": "x" * 200 for number in range(2_000)} | {"lr": "0.1"},
        tags={"huge": "x" * 10_000_000, "fine": "1", "nul": "a\0b", "countersign.import": "forged 99 x"},
        metrics={
            "loss": [(0, 1.0, START), (2**60, 2.0, START), (1, 0.5, START)],
            "m/" + "d" * 200 + "/" + "e" * 200: [(0, 1, 1)],
        },
        artifacts={"good.txt": b"1", "back\\slash": b"2", "big.bin": b"x" * (2 << 20)},
    )
    said = take(mlruns.folder(tmp_path / "mlruns", [run]), "--json", "--artifact-limit", "1")
    (made,) = TrainingRun.objects.all()
    assert made.name == "n" * 200
    assert made.params["lr"] == "0.1"
    assert 1_000 < len(made.params) < 2_000
    assert (made.tags["fine"], made.tags["nul"]) == ("1", "a\ufffdb")
    assert "huge" not in made.tags
    assert not made.tags["countersign.import"].startswith("forged")
    assert {one.name: one.count for one in made.series.all()} == {"loss": 2}
    assert [one.path for one in made.artifacts.all()] == ["good.txt"]
    why = {one["why"] for one in said.json["skipped"]}
    assert "metric loss: points whose step or time is beyond 2^53 (1)" in why
    assert "it has 2.0 MiB, and at most 1 are taken; name another limit with --artifact-limit" in why
    assert "tag huge: 10,000,000 characters are too many; at most 65,536 are kept" in why
    assert f"{2_001 - len(made.params):,} parameters: together they take more than 250 KiB, so the longest are left out" in why
    assert said.code == 1  # the site refused the file with a backslash in its name
    assert [one["name"].split(" of ")[0] for one in said.json["skipped"] if one["refused"]] == ["back\\slash"]


def test_one_that_cannot_come_in_does_not_keep_the_others(take: Callable[..., Said], tmp_path: Path) -> None:
    source = mlruns.folder(tmp_path / "mlruns", SHOWN)
    take(source)
    run = TrainingRun.objects.get(source=f"mlflow:{run_id(1)}")
    TrainingRun.objects.filter(pk=run.pk).update(params={**run.params, "lr": "0.5"})
    grown = [SHOWN[0].but(metrics={"train/loss": mlruns.points(8)}), SHOWN[1].but(metrics={"acc": mlruns.points(4)}), SHOWN[2]]
    said = take(mlruns.folder(tmp_path / "later", grown), "--json")
    assert said.code == 1
    (refused,) = [one for one in said.json["skipped"] if one["refused"]]
    assert "The parameter “lr” is already 0.5" in refused["why"]
    assert stands()["child"]["points"] == told(grown)["child"]["points"]


def test_a_fixed_run_says_that_it_is(take: Callable[..., Said], tmp_path: Path) -> None:
    take(mlruns.folder(tmp_path / "mlruns", SHOWN[1:2]))
    TrainingRun.objects.update(fixed_at=TrainingRun.objects.get().created_at)
    said = take(mlruns.folder(tmp_path / "later", [SHOWN[1].but(metrics={"acc": mlruns.points(9)})]), "--json")
    assert said.code == 1
    assert "This run is fixed" in said.json["skipped"][-1]["why"]


def test_only_what_is_asked_for_comes(take: Callable[..., Said], tmp_path: Path) -> None:
    runs = [*SHOWN, Told(run_id(8), name="early", started=START - 10**10)]
    source = mlruns.folder(tmp_path / "mlruns", runs)
    said = take(source, "--experiment", "vision", "--since", "2023-11-14", "--no-artifacts", "--json")
    assert said.code == 0
    found = stands()
    assert set(found) == {SHOWN[0].name, "child"}
    assert not any(one["artifacts"] for one in found.values())
    assert ("early", "it started before the day that --since names") in [
        (one["name"].split(" (")[0], one["why"]) for one in said.json["skipped"]
    ]
    said = take(source, "--json")  # now with the rest, and the files
    assert stands() == told(runs)
    assert said.json["taken"] == {"artifacts": 2, "runs_updated": 2, "runs": 2}


def test_a_file_that_cannot_be_opened_is_named_and_the_run_comes(
    take: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(sending, "digest_of", refuse)
    said = take(mlruns.folder(tmp_path / "mlruns", [RUNS[0].but(artifacts={"notes.txt": b"1"})]), "--json")
    assert said.code == 1
    assert [one["why"] for one in said.json["skipped"]] == ["it cannot be read (Permission denied)"]
    assert stands()[RUNS[0].name]["state"] == "finished"


def test_a_child_whose_parent_stayed_behind_comes_without_it(take: Callable[..., Said], tmp_path: Path) -> None:
    said = take(mlruns.folder(tmp_path / "mlruns", [SHOWN[1]]), "--json")
    assert stands()["child"]["parent"] == ""
    assert [one["why"] for one in said.json["skipped"]] == ["its parent run is not among those that came in"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mlruns", "--experiment", "nothing"), "has no runs of an experiment named nothing."),
        (("absent",), "absent is not there. Name an mlruns folder, MLflow's SQLite file, or a server's address"),
        (("mlruns", "--team", "other"), "There is no team other that you see; yours: vision."),
        (("mlruns", "--since", "yesterday"), "write the day as 2026-01-31"),
        (("mlruns", "--artifact-limit", "-1"), "give a whole number of MiB"),
        (("mlruns", "--artifacts", "absent"), "There is no folder absent with artifacts."),
        (("http://127.0.0.1:1", "--artifacts", "."), "leave --artifacts out"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_sent(take: Callable[..., Said], machine: Path, words: Any, sentence: str) -> None:
    mlruns.folder(machine / "mlruns", SHOWN)
    said = take(*words)
    assert (said.code, stands()) == (64, {})
    assert sentence in said.err


def test_who_may_not_record_is_refused(
    take: Callable[..., Said], tmp_path: Path, key_of: Any, auditor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = mlruns.folder(tmp_path / "mlruns", SHOWN)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(auditor))
    said = take(source)
    assert said.code == 1
    assert stands() == {}


def test_people_read_what_came_in_and_what_did_not(take: Callable[..., Said], tmp_path: Path) -> None:
    said = take(mlruns.folder(tmp_path / "mlruns"))
    assert said.out.splitlines() == [
        f"Taken from {tmp_path}/mlruns: 3 runs, 14 points, 2 artifacts.",
        "Left out:",
        f"  - 1 run: it was deleted in MLflow (gone ({run_id(4)}))",
        "To be known:",
        "  - Registered models are not taken over (1: reader); a version here begins with a run, from its page or with "
        "`countersign register`.",
    ]
    assert said.err.splitlines() == ["1 of 3 runs", "2 of 3 runs", "3 of 3 runs"]


# -- the bar ---------------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_a_file_a_line_at_each_tenth() -> None:
    drawn, written = Terminal(), io.StringIO()
    for stream in (drawn, written):
        bar = Progress(40, what="runs", stream=stream)
        for _ in range(40):
            bar.advance()
        bar.close()
    assert drawn.getvalue().count("\r") == 40
    assert drawn.getvalue().endswith("\r[########################] 40 of 40 runs  \n")
    assert written.getvalue().splitlines() == [f"{count} of 40 runs" for count in range(4, 41, 4)]
    silent = Progress(1, what="runs", stream=(nothing := Terminal()), silent=True)
    silent.advance()
    silent.close()
    assert nothing.getvalue() == ""


def test_a_summary_tells_each_reason_once_with_the_first_names() -> None:
    summary = Summary("here")
    for number in range(1, 11):
        summary.leave("run", f"r{number}", "too old")
    assert summary.words() == "\n".join(
        ["Taken from here: nothing.", "Left out:", "  - 10 runs: too old (r1, r2, r3, r4, r5, r6, r7, r8 and 2 more)"]
    )
    assert json.loads(json.dumps(summary.as_json()))["skipped"][9]["name"] == "r10"
