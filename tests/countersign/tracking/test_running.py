"""A run that is reported while it trains: nothing doubles, nothing is lost, the training never waits and never fails for it."""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
import os
import pickle
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import countersign
from countersign import Refused, Unreachable, start_run
from countersign.tracking import running
from tests.countersign.tracking.conftest import TEAM, Site, eventually

Said = Callable[[], list[str]]
Spools = Callable[[], list[Path]]


def begin(**given: Any) -> countersign.Run:
    return start_run(given.pop("name", "first"), capture=False, **given)


def the_run(site: Site) -> dict[str, Any]:
    (run,) = site.runs.values()
    return run


def test_what_is_reported_arrives_and_the_spool_is_gone(site: Site, spools: Spools, said: Said, tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"w" * 100)
    with begin(team="vision", experiment="digits", params={"lr": 0.1}, tags={"who": "me"}) as run:
        for step in range(100):
            run.log(step=step, loss=1 / (step + 1))
            run.log({"val/accuracy": step / 100}, step=step)
        run.log_params({"optimizer": {"name": "adam"}}, epochs=3)
        run.set_tags(stage="tuning")
        run.log_data(weights, name="digits", context="training")
        run.log_artifact(weights, "models/weights.bin")
        run.log_training(early_stopping={"monitor": "val_loss", "patience": 3}, summary="Net(…)")
    started = the_run(site)
    assert (started["state"], started["origin"], started["team"]) == ("running", "sdk", TEAM)
    assert (started["name"], started["experiment"]) == ("first", "digits")
    assert (started["params"], started["tags"]) == ({"lr": 0.1}, {"who": "me"})
    assert site.series["loss"] == [(step, 1 / (step + 1)) for step in range(100)]
    assert [step for step, _ in site.series["val/accuracy"]] == list(range(100))
    assert site.facts["params"] == {"optimizer.name": "adam", "epochs": 3}
    assert site.facts["tags"] == {"stage": "tuning"}
    assert site.facts["data"][0]["digest"] == "sha256:" + hashlib.sha256(b"w" * 100).hexdigest()
    assert site.facts["training"]["early_stopping"] == {"monitor": "val_loss", "patience": 3}
    assert site.artifacts == {"models/weights.bin": b"w" * 100}
    assert [one["state"] for one in site.ended] == ["finished"]
    assert (run.id, run.url) == ("run-1", f"{site.url}/runs/run-1/")
    assert (spools(), said()) == ([], [])


# -- a site that fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["drop", "lose", 500, 502, 503, 429, 401, 403, 404])
def test_whatever_every_second_request_meets_nothing_doubles_and_nothing_is_lost(site: Site, what: Any) -> None:
    turns = iter(range(1_000_000))
    site.weather = lambda method, address: what if next(turns) % 2 == 0 else None
    run = begin()
    for step in range(300):
        run.log(step=step, loss=step / 2)
        if step % 20 == 0:
            run.gather()  # so that there are many batches
    run.log_params(lr=0.1)
    assert run.flush()
    site.weather = lambda method, address: None
    run.end()
    assert site.series["loss"] == [(step, step / 2) for step in range(300)]
    assert len(site.runs) == 1
    assert site.facts["params"] == {"lr": 0.1}
    assert {one["state"] for one in site.ended} == {"finished"}


def test_the_training_goes_on_while_the_site_keeps_a_request_waiting(site: Site) -> None:
    """The site answers only after the whole training: had a call of it waited for the site, neither would ever come to an end."""
    run = begin()
    assert run.flush()
    site.weather = lambda method, address: "delay"
    run.log(step=0, loss=1.0)
    assert site.waiting.wait(20)
    for step in range(1, 50_000):
        run.log(step=step, loss=1.0)
    run.log_params(lr=0.1)
    run.set_tags(a="b")
    assert site.series == {}
    site.gate.set()
    site.weather = lambda method, address: None
    run.end()
    assert [step for step, _ in site.series["loss"]] == list(range(50_000))


def test_a_site_that_dies_and_comes_back_hears_everything_in_order(site: Site, said: Said, spools: Spools) -> None:
    run = begin()
    run.log(step=0, loss=0.0)
    assert run.flush()
    site.die()
    for step in range(1, 5_000):
        run.log(step=step, loss=float(step))
    eventually(lambda: any("does not answer" in sentence for sentence in said()))
    assert len(spools()) == 1
    site.begin()
    run.end()
    assert site.series["loss"] == [(step, float(step)) for step in range(5_000)]
    assert [one["state"] for one in site.ended] == ["finished"]
    assert spools() == []
    lost, found = said()
    assert "'first' goes on; what it reports is kept in" in lost
    assert found == "countersign: The site answers again: The run 'first' is caught up."


def test_a_site_that_is_not_there_at_the_start_is_caught_up_later(site: Site) -> None:
    site.die()
    run = begin()
    run.log(step=1, loss=1.0)
    run.asked(20)
    assert run.id is None
    site.begin()
    run.end()
    assert (site.series["loss"], run.id) == ([(1, 1.0)], "run-1")


def test_an_end_that_cannot_be_sent_waits_no_longer_than_it_says_and_names_the_command(
    site: Site, said: Said, spools: Spools
) -> None:
    site.die()
    run = begin()
    run.log(step=1, loss=1.0)
    run.end(wait=0.2)
    assert said()[-1].endswith(f"Send it later: countersign send-run {spools()[0]}")
    site.begin()  # the process goes on, and so does its thread
    site.until(lambda: site.ended)
    eventually(lambda: spools() == [])


def test_with_a_wrong_key_the_end_does_not_wait_at_all(site: Site, said: Said, spools: Spools) -> None:
    site.weather = lambda method, address: 401
    run = begin()
    run.log(step=1, loss=1.0)
    run.end(wait=10_000)
    assert "It is 401 today." in said()[-1]
    assert "countersign send-run" in said()[-1]
    assert len(spools()) == 1


def test_without_any_login_the_run_is_begun_in_its_spool(
    site: Site, said: Said, spools: Spools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COUNTERSIGN_URL")
    run = begin()
    run.log(step=1, loss=1.0)
    run.end(wait=10_000)
    assert "countersign login" in said()[-1]
    assert len(spools()) == 1


def test_what_the_site_refuses_is_kept_and_said_and_the_rest_arrives(site: Site, said: Said, spools: Spools) -> None:
    site.refuses = lambda address, body: (409, "lr has another value.") if "params" in body and "/log/" in address else None
    run = begin()
    run.log(step=1, loss=1.0)
    run.log_params(lr=0.2)
    run.log(step=2, loss=2.0)
    run.end()
    assert site.series["loss"] == [(1, 1.0), (2, 2.0)]
    assert [one["state"] for one in site.ended] == ["finished"]
    assert "lr has another value. It is kept in" in said()[0]
    (spool,) = spools()
    assert [file.name for file in spool.iterdir()] == ["refused.jsonl"]
    assert '"lr":0.2' in (spool / "refused.jsonl").read_text()


def test_a_silent_training_is_heard(site: Site) -> None:
    run = begin()
    assert run.flush()
    heard = len(site.heard)
    site.until(lambda: [one[1] for one in site.heard[heard:]].count("runs/run-1/log/") >= 2)
    run.end()


# -- strict, and wrong arguments ---------------------------------------------------------------------------------------------


def test_strict_raises_at_once_and_leaves_nothing(site: Site, spools: Spools, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no team audio that you see; yours: vision"):
        begin(team="audio", strict=True)
    site.weather = lambda method, address: 403
    with pytest.raises(Refused, match="It is 403 today"):
        begin(strict=True)
    site.die()
    with pytest.raises(Unreachable):
        begin(strict=True)
    site.begin()
    monkeypatch.delenv("COUNTERSIGN_KEY")
    with pytest.raises(countersign.NotSignedIn):
        begin(strict=True)
    assert spools() == []


def test_strict_knows_the_id_at_once(site: Site) -> None:
    run = begin(strict=True)
    assert run.id == "run-1"
    run.end()
    assert len(site.runs) == 1
    assert [address for _, address, _ in site.heard].count("runs/") == 1


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"name": 3}, TypeError),
        ({"name": "x" * 201}, ValueError),
        ({"name": "a\x00"}, ValueError),
        ({"team": None}, TypeError),
        ({"tags": ["a"]}, TypeError),
        ({"params": 7}, TypeError),
    ],
)
def test_wrong_arguments_raise_at_once(site: Site, spools: Spools, given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        begin(**given)
    assert (spools(), site.heard) == ([], [])


def test_a_run_ends_only_as_a_run_can_end(site: Site) -> None:
    with begin() as run, pytest.raises(ValueError, match="finished, failed, killed"):
        run.end(state="done")


# -- what a value may be -----------------------------------------------------------------------------------------------------


class Tensor:
    """As torch has them: one element, or a refusal."""

    def __init__(self, *elements: float) -> None:
        self.elements = elements

    def item(self) -> float:
        (one,) = self.elements
        return one


def test_what_is_no_number_is_left_out_with_one_warning(site: Site, said: Said) -> None:
    with begin() as run:
        for step in range(3):
            run.log(step=step, word="3", nothing=None, several=Tensor(1, 2), loss=Tensor(0.5), yes=True, whole=10**400)
            run.log({"": 1, 5: 1, "a\x00b": 1, "x" * 251: 1}, step=step)
        run.log(step="now", loss=1.0)
        run.log(step=Tensor(7.0), last=1)
    assert site.series == {
        "loss": [(0, 0.5), (1, 0.5), (2, 0.5)],
        "yes": [(0, 1.0), (1, 1.0), (2, 1.0)],
        "whole": [(step, math.inf) for step in range(3)],
        "last": [(7, 1.0)],
    }
    assert len(said()) == len(set(said())) == 8
    assert "countersign: 'word' is left out: a str is no single number." in said()
    assert "countersign: A step must be a whole number: what was logged at str is left out." in said()


def test_nan_and_infinities_arrive(site: Site) -> None:
    with begin() as run:
        run.log(step=0, loss=math.nan)
        run.log(step=1, loss=-math.inf)
    (_, first), second = site.series["loss"]
    assert math.isnan(first)
    assert second == (1, -math.inf)


def test_without_a_step_each_call_is_the_next_one(site: Site) -> None:
    with begin() as run:
        run.log(loss=1)
        run.log(loss=2, accuracy=0.5)
        run.log(step=10, loss=3)
        run.log(loss=4)
    assert site.series == {"loss": [(0, 1.0), (1, 2.0), (10, 3.0), (11, 4.0)], "accuracy": [(1, 0.5)]}


@dataclass
class Options:
    lr: float
    layers: tuple[int, ...]


def test_parameters_come_from_what_scripts_have(site: Site) -> None:
    deep: dict[str, Any] = {}
    deep["self"] = deep
    with begin(params=argparse.Namespace(seed=2**60, path=Path("/data"))) as run:
        run.log_params(Options(math.nan, (1, 2)), name="x\x00y", nested={"a": {"b": None}}, empty={}, thing=Tensor(4.0))
        run.log_params(deep)
    assert the_run(site)["params"] == {"seed": str(2**60), "path": "/data"}
    found = site.facts["params"]
    assert (found["lr"], found["layers"], found["name"], found["thing"]) == ("NaN", [1, 2], "xy", 4)
    assert (found["nested.a.b"], found["empty"]) == (None, "{}")


def test_data_are_named_by_file_dvc_file_or_id(site: Site, machine: Path, said: Said) -> None:
    (machine / "train.csv").write_bytes(b"a,b\n1,2\n")
    (machine / "train.csv.dvc").write_text(
        "outs:\n- md5: 7feddf007e6e3577837d6ca0cff88683\n  size: 8\n  hash: md5\n  path: train.csv\n"
    )
    with begin() as run:
        run.log_data("train.csv")
        run.log_data("train.csv.dvc", context="validation")
        run.log_data("absent.csv")
    kinds = {one["source_type"]: one for one in site.facts["data"]}
    assert kinds["dvc"]["digest"] == "md5:7feddf007e6e3577837d6ca0cff88683"
    assert (kinds["dvc"]["name"], kinds["dvc"]["context"]) == ("train.csv", "validation")
    assert kinds["local"]["name"] == "train.csv"
    assert said() == ["countersign: The digest of absent.csv is left out: there is no file absent.csv to take a digest of"]


# -- artifacts ---------------------------------------------------------------------------------------------------------------


def test_a_folder_is_sent_file_by_file_without_links(site: Site, machine: Path) -> None:
    (machine / "out" / "sub").mkdir(parents=True)
    (machine / "out" / "a.txt").write_text("a")
    (machine / "out" / "sub" / "b.txt").write_text("b")
    (machine / "secret").write_text("s")
    (machine / "out" / "link").symlink_to(machine / "secret")
    with begin() as run:
        run.log_artifact("out")
    assert site.artifacts == {"out/a.txt": b"a", "out/sub/b.txt": b"b"}


def test_a_file_that_is_removed_while_the_site_is_away_still_arrives(site: Site, machine: Path) -> None:
    file = machine / "last.ckpt"
    file.write_bytes(b"first")
    site.die()
    run = begin()
    run.log_artifact(file)
    eventually(lambda: run.spool and (run.spool / "files" / "1").exists())
    file.unlink()
    site.begin()
    run.end()
    assert site.artifacts == {"last.ckpt": b"first"}


def test_a_file_that_is_gone_or_changed_is_said_so(site: Site, machine: Path, said: Said) -> None:
    run = begin()
    assert run.flush()
    site.weather = lambda method, address: "delay"
    run.log(step=1, loss=1)
    assert site.waiting.wait(20)
    for name in ("gone", "changed"):
        (machine / name).write_text(name)
        run.log_artifact(name)
    run.log_artifact("never")
    (machine / "gone").unlink()
    (machine / "changed").write_text("longer than before")
    site.weather = lambda method, address: None
    site.gate.set()
    run.end()
    assert site.artifacts == {"changed": b"longer than before"}
    told = " ".join(said())
    assert "gone was gone before it could be sent" in told
    assert "changed was changed after it was logged" in told
    assert "There is no file" in told


# -- processes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variable", "rank"), [("RANK", "1"), ("LOCAL_RANK", "3")])
def test_only_the_first_rank_reports(
    site: Site, spools: Spools, monkeypatch: pytest.MonkeyPatch, variable: str, rank: str
) -> None:
    monkeypatch.setenv(variable, rank)
    with begin() as run:
        run.log(step=1, loss=1.0)
        run.log_params(lr=1)
        run.log_artifact("absent")
    assert (site.heard, spools(), run.is_silent, run.id) == ([], [], True, None)


def test_a_forked_child_reports_nothing_and_ends_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 5)
    monkeypatch.setattr(running, "CROWDED", 10)  # so much that the child would write it down itself, into the parent's file
    run = begin()
    run.log(step=0, loss=0.0)
    assert run.flush()
    child = os.fork()
    if child == 0:  # as a worker of a DataLoader
        for step in range(100):
            run.log(step=step, loss=1.0)
        run.end(state="failed")
        os._exit(0 if run.is_silent else 1)
    assert os.waitpid(child, 0)[1] == 0
    run.log(step=2, loss=2.0)
    run.end()
    assert site.series["loss"] == [(0, 0.0), (2, 2.0)]
    assert [one["state"] for one in site.ended] == ["finished"]


def test_a_copy_in_another_process_is_silent_and_a_deep_copy_is_the_run_itself(site: Site) -> None:
    run = begin()
    other = pickle.loads(pickle.dumps(run))  # noqa: S301 - our own bytes
    assert (other.is_silent, other.name) == (True, "first")
    assert copy.deepcopy({"run": run})["run"] is run
    run.end()


def test_threads_lose_nothing(site: Site) -> None:
    run = begin()

    def report(name: str) -> None:
        for step in range(2_000):
            run.log({name: step}, step=step)

    threads = [threading.Thread(target=report, args=(f"metric-{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.end()
    for k in range(4):
        assert [step for step, _ in site.series[f"metric-{k}"]] == list(range(2_000))


def test_a_run_that_is_named_in_the_environment_is_joined_and_not_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_RUN", "run-7")
    with begin(params={"lr": 0.1}) as run:
        run.log(step=1, loss=1.0)
    assert (site.runs, site.ended, run.id) == ({}, [], "run-7")
    assert {address for _, address, _ in site.heard} == {"runs/run-7/log/"}
    assert (site.series["loss"], site.facts["params"]) == ([(1, 1.0)], {"lr": 0.1})


def test_a_run_inside_another_names_it(site: Site) -> None:
    with begin(name="outer") as outer, begin(name="inner", parent=outer):
        pass
    assert sorted((run["name"], run.get("parent")) for run in site.runs.values()) == [("inner", "run-1"), ("outer", None)]


# -- how it ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state"),
    [(RuntimeError("x"), "failed"), (KeyboardInterrupt(), "killed"), (SystemExit(1), "failed"), (SystemExit(0), "finished")],
)
def test_an_exception_says_how_it_ended_and_goes_on(site: Site, error: BaseException, state: str) -> None:
    with pytest.raises(type(error)), begin():
        raise error
    assert [one["state"] for one in site.ended] == [state]


def test_what_is_logged_after_the_end_is_left_out_with_one_warning(site: Site, said: Said) -> None:
    with begin() as run:
        run.log(step=1, loss=1.0)
    run.log(step=2, loss=2.0)
    run.log_params(a=1)
    run.end(state="failed")
    assert site.series["loss"] == [(1, 1.0)]
    assert [one["state"] for one in site.ended] == ["finished"]
    assert said() == ["countersign: The run 'first' has ended: what is logged after that is left out."]


def test_a_disk_that_takes_nothing_is_made_up_for_by_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin()
    assert run.flush()

    def full(line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run._spool, "_write", full)
    for step in range(1_000):
        run.log(step=step, loss=step)
    run.end()
    assert [step for step, _ in site.series["loss"]] == list(range(1_000))


def test_what_neither_disk_nor_memory_takes_is_counted_and_said(site: Site, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin()
    assert run.flush()

    def full(line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run._spool, "_write", full)
    monkeypatch.setattr("countersign.tracking.spool.HELD", 0)
    for step in range(100):
        run.log(step=step, loss=step)
    run.gather()
    monkeypatch.setattr("countersign.tracking.spool.HELD", 1 << 20)
    run.log(step=100, loss=100)
    run.end()
    assert site.series["loss"] == [(100, 100.0)]
    assert site.facts["tags"] == {"countersign.left_out": "100 points"}
    assert any("from here on, points are left out" in sentence for sentence in said())


def test_a_training_that_reports_faster_than_it_is_written_writes_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded although the thread beside it is kept waiting."""
    monkeypatch.setattr(running, "AT_ONCE", 50)
    monkeypatch.setattr(running, "CROWDED", 100)
    run = begin()
    assert run.flush()
    site.weather = lambda method, address: "delay"
    run.log(step=-1, loss=-1)
    assert site.waiting.wait(20)
    for step in range(10_000):
        run.log(step=step, loss=step)
        assert len(run._said) <= 100
    site.weather = lambda method, address: None
    site.gate.set()
    run.end()
    assert [step for step, _ in site.series["loss"]] == list(range(-1, 10_000))


def test_a_signals_handler_may_report_in_the_middle_of_anything(site: Site) -> None:
    """As one that ends the run when a cluster takes the machine back: it runs inside whatever the script was doing."""
    run = begin()
    fired = 0

    def handler(number: int, frame: Any) -> None:
        nonlocal fired
        fired += 1
        run.log(step=fired, taken=fired)
        run.gather()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        for step in range(300):
            run.log(step=step, loss=step)
            run.gather()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    run.end()
    assert fired > 0
    assert sorted(step for step, _ in site.series["loss"]) == list(range(300))
    assert sorted(step for step, _ in site.series["taken"]) == list(range(1, fired + 1))
