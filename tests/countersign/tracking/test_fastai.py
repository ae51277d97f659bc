"""A real fastai training reports itself. It runs in an environment of its own, as a person's program would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.tracking.conftest import Site

pytestmark = pytest.mark.clients
PROGRAM = """
import sys, torch
from torch.utils.data import TensorDataset
from fastai.basics import *
from fastai.callback.all import *
from countersign import start_run
from countersign.fastai import CountersignCallback

LOSSES = [3.0, 2.0, 1.0, 1.5, 1.25, 1.75, 0.5]
torch.manual_seed(0)
rows = TensorDataset(torch.randn(32, 2), torch.randn(32, 3))
dls = DataLoaders(DataLoader(rows, bs=8), DataLoader(rows, bs=16))

class Written(Metric):
    'A validation figure that was written down beforehand.'
    def __init__(self): self.epoch = -1
    def reset(self): pass
    def accumulate(self, learn): self.epoch = learn.epoch
    @property
    def value(self): return LOSSES[min(self.epoch, len(LOSSES) - 1)]
    @property
    def name(self): return 'written_loss'

class Dies(Callback):
    def __init__(self, error): self.error = error
    def after_batch(self):
        if self.epoch == 2: raise self.error

def learner(*cbs, **given):
    learn = Learner(dls, nn.Linear(2, 3), loss_func=MSELossFlat(), metrics=[Written()], cbs=list(cbs), path='.', **given)
    return learn.remove_cb(ProgressCallback)

"""


@pytest.fixture
def train(site: Site, tmp_path: Path, run_client: Callable[..., Any]) -> Callable[..., Any]:
    """`train("learner(…).fit(3)")` in the environment of fastai, against the site of the test."""
    where = {"COUNTERSIGN_URL": site.url, "COUNTERSIGN_KEY": "cs_key", "XDG_STATE_HOME": str(tmp_path / "state")}
    return lambda program, **options: run_client("fastai", PROGRAM + program, **where, **options)


def test_early_stopping_is_told_with_its_best_step_and_its_reason(site: Site, train: Callable[..., Any]) -> None:
    train(
        "stop = EarlyStoppingCallback('written_loss', patience=3)\n"
        "keep = SaveModelCallback('written_loss', fname='best')\n"
        "learner(stop, keep, CountersignCallback(every=3, experiment='digits', checkpoints=True)).fit(20, lr=0.1)"
    )
    epochs, steps, losses = 6, 4, [3.0, 2.0, 1.0, 1.5, 1.25, 1.75]
    assert site.series["written_loss"] == [(steps * (epoch + 1), losses[epoch]) for epoch in range(epochs)]
    ends = [steps * (epoch + 1) for epoch in range(epochs)]
    for name in ("train_loss", "valid_loss", "epoch"):
        assert [step for step, _ in site.series[name]] == ends, name
    assert [step for step, _ in site.series["train/loss"]] == sorted({*ends, *range(3, 25, 3)})
    assert {value for _, value in site.series["lr"]} == {0.1}
    stopping = site.facts["training"]["early_stopping"]
    assert (stopping["monitor"], stopping["mode"], stopping["patience"]) == ("written_loss", "min", 3)
    assert (stopping["best_step"], stopping["best_value"]) == (3 * steps, 1.0)
    assert (stopping["stopped_step"], stopping["reason"]) == (epochs * steps, "patience")
    assert "9 parameters, 9 of them trained" in site.facts["training"]["summary"]
    assert {"torch", "fastai", "fastcore"} <= set(site.facts["training"]["libraries"])
    assert site.facts["params"]["batch_size"] == 8
    assert set(site.artifacts) == {"checkpoints/best.pth"}
    (run,) = site.runs.values()
    assert (run["name"], run["experiment"]) == ("Linear", "digits")
    assert [one["state"] for one in site.ended] == ["finished"]


def test_one_cycle_is_reported_with_rates_and_momenta(site: Site, train: Callable[..., Any]) -> None:
    train(
        "learn = learner(CountersignCallback(every=1))\n"
        "learn.lr_find(num_it=4, show_plot=False)\n"  # is no training of its own
        "learn.fit_one_cycle(5, lr_max=0.1)\n"
        "learn.get_preds()"
    )
    assert len(site.runs) == 1
    rates, momenta = ([value for _, value in site.series[name]] for name in ("lr", "momentum"))
    peak = rates.index(max(rates))
    assert len(rates) == 20
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert momenta[peak] == min(momenta) < momenta[0]
    assert {value for _, value in site.series["beta2"]} == {0.99}
    assert site.facts["training"]["schedule"]["name"] == "ParamScheduler"
    assert site.facts["training"]["early_stopping"] == {"reason": "max_epochs", "stopped_step": 20}


def test_a_crash_says_how_it_ended(site: Site, train: Callable[..., Any]) -> None:
    train(
        "for error in (RuntimeError('out of memory'), KeyboardInterrupt()):\n"
        "    learn = learner(CountersignCallback(), Dies(error))\n"
        "    try: learn.fit(9)\n"
        "    except (RuntimeError, KeyboardInterrupt): pass\n"
        "learn.remove_cb(Dies)\n"
        "learn.fit(1)\n"  # the same callback reports the next fit, too
        "learner(CountersignCallback(), TerminateOnNaNCallback()).fit(3, lr=1e30)"
    )
    assert [one["state"] for one in site.ended] == ["failed", "killed", "finished", "finished"]
    assert len(site.runs) == 4
    assert [step for step, _ in site.series["valid_loss"]][:5] == [4, 8, 4, 8, 4]
    reasons = [told["early_stopping"]["reason"] for told in site.trainings if "early_stopping" in told]
    assert reasons == ["error", "interrupted", "max_epochs", "not_finite"]


def test_several_fits_stand_in_one_run_that_was_handed_in(site: Site, train: Callable[..., Any]) -> None:
    train(
        "with start_run('mine', capture=False) as run:\n"
        "    learn = learner(CountersignCallback(run))\n"
        "    learn.fit(2)\n"
        "    learn.fit(3)\n"
        "    assert run.state == 'running'"
    )
    assert [run["name"] for run in site.runs.values()] == ["mine"]
    assert [step for step, _ in site.series["valid_loss"]] == [4, 8, 12, 16, 20]
    assert site.facts["params"]["n_epoch"] == 2
    assert [one["state"] for one in site.ended] == ["finished"]
