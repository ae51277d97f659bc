"""A model is run in the layout and batch that suit it; both follow from the model, so a repetition gives the same bytes."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from evaluations.engine.fitting import laid_out, rows_that_fit
from evaluations.engine.inference import outputs_of
from evaluations.engine.tasks import Task
from tests.evaluations.engine_cast import CLASSES, Answer


def convolutions(channels):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, channels, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(10)
    ).eval()


@pytest.mark.parametrize(("shape", "channels", "expected"), [((3, 8, 8), 4, 512), ((3, 64, 64), 32, 16), ((3, 256, 256), 64, 8)])
def test_wide_layers_take_few_rows_at_a_time(shape, channels, expected):
    net = convolutions(channels)
    with torch.no_grad():
        net(torch.zeros(1, *shape))
    assert rows_that_fit(net, shape) == expected == rows_that_fit(net, shape)


def test_what_cannot_be_seen_gets_the_usual_batch():
    assert rows_that_fit(Answer(lambda x: x[:, :2]), (5,)) == 256
    assert rows_that_fit(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()), (7,)) == 256


def test_trying_out_leaves_no_hooks():
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())
    rows_that_fit(net, (3,))
    assert not any(part._forward_hooks for part in net.modules())


def test_the_layout_changes_nothing_but_rounding():
    net = convolutions(8)
    x = torch.randn(40, 3, 12, 12, generator=torch.manual_seed(1))
    with torch.inference_mode():
        plain = torch.softmax(net(x).double(), dim=1).numpy()
    arranged = laid_out(copy.deepcopy(net))
    assert arranged[0].weight.is_contiguous(memory_format=torch.channels_last)
    found = outputs_of(arranged, x, task=Task("multiclass", CLASSES), batch=16)
    assert found == pytest.approx(plain, abs=1e-6)
    again = outputs_of(arranged, x, task=Task("multiclass", CLASSES), batch=16)
    assert (found == again).all() and np.isfinite(found).all()


def test_the_batch_that_was_used_is_told(evaluate, hold_out):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    assert evaluate(net, *hold_out, batch=0)["batch"] == 512
    assert evaluate(net, *hold_out, batch=7)["batch"] == 7
