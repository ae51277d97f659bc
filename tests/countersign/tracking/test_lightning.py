"""Real Lightning trainings report themselves: curves, rates, why they stopped, and how they ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from countersign import start_run
from countersign.lightning import CountersignCallback
from tests.countersign.tracking import trainings
from tests.countersign.tracking.conftest import Site

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own, about workers and loggers
PL = "pytorch_lightning"
LOSSES = [3.0, 2.0, 1.0, 1.5, 1.25, 1.75, 0.5]


def fit(callbacks: list[Any], folder: Path, losses: list[float] = LOSSES, **given: Any) -> Any:
    net = trainings.net(PL, losses, schedule=given.pop("schedule", False), dies=given.pop("dies", None))
    trainer = trainings.trainer(PL, callbacks, folder, **given)
    trainer.fit(net, *trainings.data())
    return trainer


def values(site: Site, name: str) -> list[float]:
    return [value for _, value in site.series[name]]


@pytest.mark.parametrize("stops_first", [True, False])
def test_early_stopping_is_told_with_its_best_step_and_its_reason(site: Site, machine: Path, stops_first: bool) -> None:
    stop, report = EarlyStopping("val_loss", patience=3), CountersignCallback(every=1, experiment="digits")
    fit([stop, report] if stops_first else [report, stop], machine, max_epochs=20)
    epochs, steps = 6, trainings.BATCHES
    assert site.series["val_loss"] == [(steps * (epoch + 1), LOSSES[epoch]) for epoch in range(epochs)]
    assert [step for step, _ in site.series["train_loss"]] == [steps * (epoch + 1) for epoch in range(epochs)]
    assert site.series["epoch"] == [(steps * (epoch + 1), float(epoch)) for epoch in range(epochs)]
    assert [step for step, _ in site.series["train/loss"]] == list(range(1, steps * epochs + 1))
    assert set(values(site, "lr")) == {0.1}
    assert set(values(site, "momentum")) == {0.8}
    stopping = site.facts["training"]["early_stopping"]
    assert (stopping["monitor"], stopping["mode"], stopping["patience"]) == ("val_loss", "min", 3)
    assert (stopping["best_step"], stopping["best_value"]) == (3 * steps, 1.0)
    assert (stopping["stopped_step"], stopping["reason"]) == (epochs * steps, "patience")
    (run,) = site.runs.values()
    assert (run["name"], run["experiment"]) == ("Net", "digits")
    assert (site.facts["params"]["width"], site.facts["params"]["trainer.max_epochs"]) == (3, 20)
    assert "9 parameters, 9 of them trained" in site.facts["training"]["summary"]
    assert {"torch", "pytorch-lightning"} <= set(site.facts["training"]["libraries"])
    assert [one["state"] for one in site.ended] == ["finished"]


@pytest.mark.parametrize(
    ("stop", "losses", "reason", "epochs"),
    [
        ({"stopping_threshold": 1.6}, LOSSES, "threshold", 3),
        ({"divergence_threshold": 2.9}, [1.0, 3.0], "divergence", 2),
        ({}, [1.0, math.nan], "not_finite", 2),
        ({"patience": 50}, LOSSES, "max_epochs", 4),
    ],
)
def test_why_it_stopped(site: Site, machine: Path, stop: Any, losses: list[float], reason: str, epochs: int) -> None:
    fit([EarlyStopping("val_loss", **stop), CountersignCallback()], machine, losses, max_epochs=4)
    stopping = site.facts["training"]["early_stopping"]
    assert (stopping["reason"], stopping["stopped_step"]) == (reason, epochs * trainings.BATCHES)


def test_min_delta_decides_what_is_better(site: Site, machine: Path) -> None:
    fit(
        [EarlyStopping("val_loss", patience=2, min_delta=0.5), CountersignCallback()],
        machine,
        [3, 2, 1.9, 1.8, 1.7],
        max_epochs=9,
    )
    stopping = site.facts["training"]["early_stopping"]
    assert (stopping["best_value"], stopping["best_step"]) == (2.0, 2 * trainings.BATCHES)
    assert stopping["stopped_step"] == 4 * trainings.BATCHES


def test_without_early_stopping_it_ends_at_a_limit(site: Site, machine: Path) -> None:
    fit([CountersignCallback()], machine, max_epochs=50, max_steps=6)
    assert site.facts["training"]["early_stopping"] == {"reason": "max_steps", "stopped_step": 6}


def test_one_cycle_is_reported_with_rates_and_betas_of_every_step(site: Site, machine: Path) -> None:
    fit([CountersignCallback(every=1)], machine, max_epochs=5, schedule=True)
    rates, betas = values(site, "lr"), values(site, "momentum")
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.1)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert betas[peak] == min(betas) < betas[0]
    assert set(values(site, "beta2")) == {0.999}
    schedule = site.facts["training"]["schedule"]
    assert (schedule["name"], schedule["interval"], schedule["total_steps"]) == ("OneCycleLR", "step", 20)
    assert schedule["max_lr"] == 0.1


def test_long_epochs_report_every_so_many_steps_and_their_last(site: Site, machine: Path) -> None:
    fit([CountersignCallback(every=3)], machine, max_epochs=2)
    assert [step for step, _ in site.series["train/loss"]] == [step for step, _ in site.series["lr"]] == [3, 4, 6, 8]


def test_validations_within_an_epoch_each_have_their_point(site: Site, machine: Path) -> None:
    fit([CountersignCallback()], machine, max_epochs=2, val_check_interval=2)
    assert [step for step, _ in site.series["val_loss"]] == [2, 4, 6, 8]
    assert [step for step, _ in site.series["train_loss"]] == [4, 8]


def test_an_epoch_without_validation_repeats_no_old_value(site: Site, machine: Path) -> None:
    fit([CountersignCallback()], machine, max_epochs=4, check_val_every_n_epoch=2)
    assert site.series["val_loss"] == [(8, 2.0), (16, 1.5)]


@pytest.mark.parametrize(("error", "state", "reason"), [(RuntimeError("out of memory"), "failed", "error")])
def test_a_crash_ends_the_run_as_failed(site: Site, machine: Path, error: Exception, state: str, reason: str) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        fit([CountersignCallback()], machine, max_epochs=9, dies=error)
    assert [one["state"] for one in site.ended] == [state]
    assert site.facts["training"]["early_stopping"] == {"reason": reason, "stopped_step": 2 * trainings.BATCHES}
    assert len(site.series["val_loss"]) == 2


def test_ctrl_c_ends_the_run_as_killed(site: Site, machine: Path) -> None:
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        fit([CountersignCallback()], machine, max_epochs=9, dies=KeyboardInterrupt())
    assert [one["state"] for one in site.ended] == ["killed"]
    assert site.facts["training"]["early_stopping"]["reason"] == "interrupted"


def test_a_run_that_was_handed_in_stays_open(site: Site, machine: Path) -> None:
    with start_run("mine", capture=False) as run:
        fit([CountersignCallback(run)], machine, max_epochs=1)
        assert run.flush()
        assert site.ended == []
        run.log(after=1.0)
    assert [one["state"] for one in site.ended] == ["finished"]
    assert [run["name"] for run in site.runs.values()] == ["mine"]


def test_checkpoints_are_sent_on_request(site: Site, machine: Path) -> None:
    kept = ModelCheckpoint(machine / "kept", monitor="val_loss", filename="best", save_last=True)
    fit([kept, CountersignCallback(checkpoints=True)], machine, max_epochs=2, enable_checkpointing=True)
    assert set(site.artifacts) == {"checkpoints/best.ckpt", "checkpoints/last.ckpt"}
    assert site.artifacts["checkpoints/best.ckpt"] == (machine / "kept" / "best.ckpt").read_bytes()


def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(
    site: Site, machine: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trainer: Any) -> Any:
        raise AttributeError("no optimizers in this version")

    monkeypatch.setattr("countersign.lightning.rates_of", broken)
    trainer = fit([CountersignCallback(every=1)], machine, max_epochs=2)
    assert trainer.current_epoch == 2
    assert sum("on_train_batch_start: AttributeError: no optimizers" in sentence for sentence in said()) == 1
    assert [one["state"] for one in site.ended] == ["finished"]


def test_a_training_without_the_site_is_the_same_training(site: Site, machine: Path) -> None:
    """Reporting draws no random number and changes no weight."""
    import torch  # noqa: PLC0415 - only here

    def weights(callbacks: list[Any]) -> Any:
        torch.manual_seed(5)
        net = trainings.net(PL, LOSSES)
        trainings.trainer(PL, callbacks, machine, max_epochs=3).fit(net, *trainings.data())
        return [*(parameter.detach().clone() for parameter in net.parameters()), torch.rand(3)]

    alone, reported = weights([]), weights([CountersignCallback(every=1)])
    assert all(torch.equal(one, other) for one, other in zip(alone, reported, strict=True))


def test_the_other_ranks_report_nothing(site: Site, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = CountersignCallback()
    net = trainings.net(PL, LOSSES)

    class Second:
        is_global_zero = False

    callback.setup(Second(), net, "fit")
    callback.on_fit_start(Second(), net)
    callback.on_fit_end(Second(), net)
    assert (callback.run, site.heard) == (None, [])
