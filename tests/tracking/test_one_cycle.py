"""A one-cycle schedule that came without a curve is drawn as PyTorch's own scheduler would have stepped it, and says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tracking import services
from tracking.one_cycle import POINTS, one_cycle_of

CYCLE = {"name": "OneCycleLR", "max_lr": 0.1, "total_steps": 50}
COMPUTED = "The curve is computed from what was reported, with the formula of PyTorch's OneCycleLR"


def stepped(max_lr: float, total_steps: int, **settings: Any) -> list[float]:
    """The rate at each step of PyTorch's scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=max_lr, total_steps=total_steps, **settings)
    rates = []
    for _step in range(total_steps - 1):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return [*rates, schedule.get_last_lr()[0]]


@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize(("total", "share"), [(50, 0.3), (7, 0.25), (100, 0.5), (20, 0.0), (2, 0.3)])
def test_it_is_the_rate_of_pytorchs_scheduler(anneal: str, three_phase: bool, total: int, share: float) -> None:
    settings = {"pct_start": share, "div_factor": 10.0, "final_div_factor": 50.0, "three_phase": three_phase}
    cycle = one_cycle_of({"name": "one-cycle", "max_lr": 0.4, "total_steps": total, "anneal": anneal, **settings})
    assert cycle is not None and cycle.assumed == ()
    assert [cycle.rate(step) for step in range(total)] == pytest.approx(stepped(0.4, total, anneal_strategy=anneal, **settings))


def test_what_was_not_reported_is_pytorchs_default_and_is_named() -> None:
    cycle = one_cycle_of(CYCLE)
    assert cycle is not None
    assert [cycle.rate(step) for step in cycle.steps()] == pytest.approx(stepped(0.1, 50))
    assert cycle.assumed == ("div_factor 25", "final_div_factor 10000", "pct_start 0.3", "anneal_strategy cos")


def test_rates_that_lightning_reports_stand_for_the_factors() -> None:
    cycle = one_cycle_of({**CYCLE, "initial_lr": 0.02, "min_lr": 0.001, "interval": "step"})
    assert cycle is not None
    assert [cycle.rate(step) for step in range(50)] == pytest.approx(stepped(0.1, 50, div_factor=5, final_div_factor=20))
    assert cycle.assumed == ("pct_start 0.3", "anneal_strategy cos")


def test_epochs_and_their_steps_are_a_number_of_steps() -> None:
    cycle = one_cycle_of({"name": "one_cycle", "max_lr": 1, "epochs": 4, "steps_per_epoch": 25})
    assert cycle is not None and cycle.total_steps == 100


def test_a_long_schedule_is_drawn_by_a_choice_with_its_peak_and_its_end() -> None:
    cycle = one_cycle_of({**CYCLE, "total_steps": 1_000_003})
    assert cycle is not None
    steps = cycle.steps()
    assert len(steps) <= POINTS + 1 and (steps[0], steps[-1]) == (0, 1_000_002)
    assert max(map(cycle.rate, steps)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "facts",
    [
        None,
        "OneCycleLR",
        {**CYCLE, "name": "CosineAnnealingLR"},
        {"name": "OneCycleLR", "max_lr": 0.1},
        {"name": "OneCycleLR", "total_steps": 50},
        {**CYCLE, "max_lr": [0.1, 0.2]},
        {**CYCLE, "max_lr": float("nan")},
        {**CYCLE, "max_lr": -1},
        {**CYCLE, "max_lr": True},
        {**CYCLE, "max_lr": 10**400},
        {**CYCLE, "total_steps": 1},
        {**CYCLE, "total_steps": 10**30},
        {**CYCLE, "total_steps": "50"},
        {**CYCLE, "pct_start": 2},
        {**CYCLE, "pct_start": "half"},
        {**CYCLE, "div_factor": 0},
        {**CYCLE, "anneal_strategy": ["cos"]},
        {**CYCLE, "three_phase": "no"},
    ],
)
def test_what_is_no_schedule_of_one_cycle_is_not_drawn(facts: object) -> None:
    assert one_cycle_of(facts) is None


@pytest.mark.django_db
def test_the_page_draws_it_only_where_no_rate_was_reported(team: Any, scientist: Any, client_of: Any) -> None:
    client = client_of(scientist)

    def shown(**more: Any) -> str:
        run = services.start_run(team, by=scientist, name="digits cnn", **more)
        return client.get(run.get_absolute_url()).content.decode()

    def curve(name: str) -> dict[str, Any]:
        return {"name": name, "steps": [0, 1, 2], "values": [1.0, 2.0, 1.0]}

    training = {"schedule": CYCLE}
    for series in ([], [curve("momentum")], [curve("loss")]):
        page = shown(training=training, series=series)
        assert COMPUTED in page and page.count("learning rate, computed from what was reported, 50 points") == 1
        assert "defaults: div_factor 25, final_div_factor 10000, pct_start 0.3, anneal_strategy cos." in page
        assert page.count('<svg class="line-chart"') == len(series) + 1
    for name in ("lr", "lr-Adam/pg1", "learning_rate"):
        assert "computed from what was reported" not in shown(training=training, series=[curve(name)])
    for schedule in ({"name": "OneCycleLR", "max_lr": 0.1}, {**CYCLE, "name": "StepLR"}):
        assert "computed from what was reported" not in shown(training={"schedule": schedule})
