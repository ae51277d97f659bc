"""A training reports to the real site: what arrives, what is refused, and what a killed one leaves."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import countersign
from countersign import start_run
from countersign.tracking import Run, sending
from tracking.models import Artifact, MetricSeries, RunData, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def signed_in(
    site: str, scientist: Any, key_of: Any, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """This machine reports to the site for the scientist, quickly."""
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist, "read", "submit"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(sending, "PACE", sending.Pace(between=0.05, first=0.02, longest=0.1))
    begun: list[Run] = []
    begin = Run.begin
    monkeypatch.setattr(Run, "begin", lambda run: (begun.append(run), begin(run)))
    yield
    for run in begun:
        run.end(wait=5)


def curve(run: TrainingRun, name: str) -> list[tuple[int, float]]:
    points = MetricSeries.objects.get(run=run, name=name).points()
    return list(zip(points.steps.tolist(), points.values.tolist(), strict=True))


def test_a_training_arrives_with_everything_that_it_reported(
    machine: Path, team: Any, scientist: Any, make_data: Any, tmp_path: Path
) -> None:
    registered = make_data("digits", content=b"rows")
    (machine / "digits.bin").write_bytes(b"rows" + str(registered.number).encode())
    with start_run("first", team="vision", experiment="digits", params={"lr": 0.1, "seed": 2**60}, tags={"who": "me"}) as run:
        for step in range(2_000):
            run.log(step=step, loss=1 / (step + 1))
        run.log({"val/accuracy": 0.5}, step=1_000)
        run.log(step=2_000, loss=math.nan)
        run.log_data("digits.bin", name="digits")
        run.log_data(str(registered.pk), context="validation")
        run.log_artifact("digits.bin", "inputs/digits.bin")
        run.log_training(early_stopping={"monitor": "loss", "best_step": 7}, summary="Net(…)")
    found = TrainingRun.objects.get()
    assert (found.name, found.team, found.created_by, found.state, found.origin) == ("first", team, scientist, "finished", "sdk")
    assert str(found.pk) == run.id
    assert found.experiment.name == "digits"
    assert found.params == {"lr": 0.1, "seed": str(2**60)}
    assert found.tags["who"] == "me" and set(found.tags) <= {"who", "countersign.no_code"}
    assert curve(found, "loss")[:2_000] == [(step, 1 / (step + 1)) for step in range(2_000)]
    assert math.isnan(curve(found, "loss")[-1][1])
    assert curve(found, "val/accuracy") == [(1_000, 0.5)]
    assert found.training["early_stopping"] == {"monitor": "loss", "best_step": 7}
    assert "python" in found.training["seeds"]
    assert {package["name"] for package in found.environment["packages"]} >= {"requests", "numpy"}
    assert Artifact.objects.get(run=found, path="inputs/digits.bin").digest == registered.digest
    data = {one.context: one for one in RunData.objects.filter(run=found)}
    assert {context: one.dataset_version for context, one in data.items()} == dict.fromkeys(
        ["training", "validation"], registered
    )
    assert data["training"].name == "digits"
    assert data["validation"].name.startswith("digits")
    assert not list((tmp_path / "state" / "countersign" / "runs").iterdir())


def test_a_team_that_one_does_not_belong_to_is_refused_at_once_where_that_is_wanted(make_team: Any) -> None:
    make_team("secret")
    with pytest.raises(ValueError, match="no team secret that you see; yours: vision"):
        start_run(team="secret", strict=True, capture=False)
    assert TrainingRun.objects.count() == 0


def test_a_run_inside_another_and_a_process_that_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    with start_run("outer", capture=False) as outer, start_run("inner", parent=outer, capture=False) as inner:
        assert inner.flush()
        monkeypatch.setenv("COUNTERSIGN_RUN", str(inner.id))
        with start_run("joined", params={"fold": 3}, capture=False) as joined:
            joined.log(step=1, loss=0.5)
        assert TrainingRun.objects.get(pk=inner.id).state == "running"
    found = TrainingRun.objects.get(name="inner")
    assert (str(found.parent_id), found.params, curve(found, "loss")) == (outer.id, {"fold": 3}, [(1, 0.5)])
    assert TrainingRun.objects.count() == 2


def test_somebody_elses_run_cannot_be_joined_and_the_training_goes_on(
    make_person: Any, make_team: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tracking import services  # noqa: PLC0415 - the site's side of the story

    other = make_team("speech")
    theirs = services.start_run(other, by=make_person("Olga", ("data_scientist", other)), name="theirs")
    for target in (theirs.pk, uuid.uuid4(), "../../models", "no id"):
        monkeypatch.setenv("COUNTERSIGN_RUN", str(target))
        run = start_run(capture=False)
        run.log(step=1, loss=1.0)
        run.end(wait=60)  # a refusal that people must mend is not waited for
        assert run.spool is not None
        assert run.spool.exists()
    assert MetricSeries.objects.count() == 0
    assert caplog.text.count("countersign send-run") == 4


def test_what_is_logged_to_a_fixed_run_is_refused_kept_and_said(caplog: pytest.LogCaptureFixture) -> None:
    from ledger.acts import act  # noqa: PLC0415 - the site's side of the story
    from tracking import services  # noqa: PLC0415 - as above

    run = start_run("fixed", capture=False)
    assert run.flush()
    found = TrainingRun.objects.get()
    with act(found.created_by) as this:
        services.fix_run(found, within=this)
    run.log(step=1, loss=1.0)
    run.end()
    assert MetricSeries.objects.count() == 0
    assert "This run is fixed, because a version stands on it" in caplog.text
    assert run.spool is not None
    assert (run.spool / "refused.jsonl").exists()


def test_hostile_names_and_sizes_get_a_sentence_and_never_stop_the_rest(caplog: pytest.LogCaptureFixture, machine: Path) -> None:
    (machine / "file").write_text("x")
    with start_run("hostile", capture=False) as run:
        run.log({"a/../b": 1.0, "b" * 250: 2.0, "loss": math.inf, "한국어": 3.0}, step=-5)
        run.set_tags(huge="x" * 10_000_000)
        run.log_params({f"p{number}": number for number in range(100_000)})
        run.log_params({"zero\x00byte": "a\x00b", "x" * 300: 1})
        for path in ("../up", "/etc/passwd", "a//b", "a\x00b", ""):
            run.log_artifact("file", path)
        run.log_data(str(uuid.uuid4()))
        run.log(step=2**53, last=1.0)
    found = TrainingRun.objects.get()
    assert found.state == "finished"
    assert {"a/../b", "b" * 250, "loss", "한국어"} == set(MetricSeries.objects.values_list("name", flat=True))
    assert len(found.tags["huge"]) == 65_536
    assert found.params == {"zerobyte": "ab", "x" * 250: 1}
    assert set(Artifact.objects.values_list("path", flat=True)) == {"file"}
    assert "The list of parameters takes" in caplog.text
    assert caplog.text.count("is no path of an artifact") == 3
    assert "There is no dataset version" in caplog.text


def test_a_killed_training_leaves_a_readable_clearly_unfinished_run(
    client_of: Any, scientist: Any, frozen_clock: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    program = (
        "import countersign, time\n"
        "run = countersign.start_run('killed', capture=False, params={'lr': 0.1})\n"
        "for step in range(500): run.log(step=step, loss=step)\n"
        "assert run.flush(60)\n"
        "print(run.id, flush=True)\n"
        "while True: time.sleep(0.01)"
    )
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", program], env=own, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pk = process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=60)
    found = TrainingRun.objects.get(pk=pk)
    assert (found.state, found.ended_at, found.is_silent) == ("running", None, False)
    assert curve(found, "loss") == [(step, float(step)) for step in range(500)]
    frozen_clock.advance(minutes=6)
    assert found.is_silent
    page = client_of(scientist).get(found.get_absolute_url()).content.decode()
    assert "It probably ended without saying so." in page
    (spool,) = (tmp_path / "state" / "countersign" / "runs").iterdir()  # sent again, nothing doubles, and it is no end
    assert command("send-run", str(spool)).code == 0
    assert curve(found, "loss") == [(step, float(step)) for step in range(500)]
    assert TrainingRun.objects.get().state == "running"


def test_a_training_that_was_offline_arrives_by_the_command(
    command: Callable[..., Any], machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_OFFLINE", str(machine / "out"))
    with start_run("offline", capture=False) as run:
        run.log(step=1, loss=0.5)
    monkeypatch.delenv("COUNTERSIGN_OFFLINE")
    assert TrainingRun.objects.count() == 0
    (spool,) = (machine / "out").iterdir()
    done = command("send-run", str(spool), "--json")
    found = TrainingRun.objects.get()
    assert (done.code, done.json["run"], done.json["refused"]) == (0, str(found.pk), 0)
    assert (found.state, curve(found, "loss")) == ("finished", [(1, 0.5)])
    assert countersign.Client().get(f"runs/{found.pk}/")["started_at"] is not None


def test_the_example_trains_and_reports_itself(machine: Path) -> None:
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-W", "ignore", str(ROOT / "examples" / "track_training.py"), "--epochs", "3"]
    done = subprocess.run(words, env=own, cwd=machine, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = TrainingRun.objects.get()
    assert (found.state, found.params["seed"], found.params["weights"]) == ("finished", 7, "digits.pt")
    assert [step for step, _ in curve(found, "train/loss")] == list(range(66))
    assert curve(found, "val/accuracy")[-1][1] > 0.8
    assert found.training["early_stopping"]["stopped_step"] == 66
    assert Artifact.objects.filter(run=found, path="digits.pt").exists()
    assert str(found.pk) in done.stdout
