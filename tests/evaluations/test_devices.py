"""Where a model computes. No GPU is at hand in these tests: what a device changes is tried with one that stands for it."""

from __future__ import annotations

import pytest
import torch

from evaluations.engine.devices import Placed, name_of, placed
from evaluations.engine.inference import dtype_of
from evaluations.engine.refusals import CannotMeasure


class Spy(torch.nn.Linear):
    """Notes on which device it was asked."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.asked = inputs.device
        return super().forward(inputs)


def test_on_the_processor_a_model_stays_as_it_is() -> None:
    model = Spy(3, 2)
    assert placed(model, "cpu") is model and name_of("cpu") == "cpu"


def test_on_a_device_inputs_go_there_and_the_model_with_them() -> None:
    model = Spy(3, 2).half()
    there = Placed(model, torch.device("meta"))
    assert {p.device.type for p in there.parameters()} == {"meta"} and dtype_of(there) == torch.float16
    with pytest.raises((NotImplementedError, RuntimeError)):  # what was computed on "meta" cannot come back
        there(torch.zeros(1, 3, dtype=torch.float16))
    assert model.asked.type == "meta"


def test_answers_of_every_form_come_back_and_gradients_flow_through() -> None:
    class Forms(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> object:
            return {"logits": x * 2, "more": [x, (x, "text")]}

    here = Placed(Forms(), torch.device("cpu"))
    x = torch.ones(2, 3, requires_grad=True)
    answer = here(x)
    answer["logits"].sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2 and answer["more"][1][1] == "text"


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(CannotMeasure, match="measures on cuda, but the model cannot be brought there"):
        placed(Spy(3, 2), "cuda")
