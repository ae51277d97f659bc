"""Where a model computes: on the processor, or on the GPU of a worker that has one. All around it stays on the processor."""

from __future__ import annotations

from typing import Any

import torch

from evaluations.engine.refusals import CannotMeasure, first_line

CPU = "cpu"


class Placed(torch.nn.Module):
    """A model on a device, asked and answering with tensors of the processor, so that no check needs to know of it. Gradients
    flow through."""

    def __init__(self, model: torch.nn.Module, device: torch.device) -> None:
        super().__init__()
        self.model, self.device = model.to(device), device

    def forward(self, inputs: torch.Tensor) -> Any:
        return _moved(self.model(inputs.to(self.device)), torch.device(CPU))


def placed(model: torch.nn.Module, device: str) -> torch.nn.Module:
    """The model on this device ("cpu", "cuda", "cuda:1"); on the processor it stays as it is. Raises CannotMeasure."""
    if device == CPU:
        return model
    try:
        return Placed(model, torch.device(device)).eval()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # no such device, or no room on it
        raise CannotMeasure(
            f"This worker measures on {device}, but the model cannot be brought there: {first_line(error)}"
        ) from error


def name_of(device: str) -> str:
    """What stands beside the versions of what measured: the device's own name where it has one."""
    if device == CPU or not torch.cuda.is_available():
        return device
    return f"{device} ({torch.cuda.get_device_name(torch.device(device))}, CUDA {torch.version.cuda})"


def _moved(answer: Any, device: torch.device) -> Any:
    """A tensor, or the tensors in a dictionary or a sequence, on `device`."""
    if isinstance(answer, torch.Tensor):
        return answer.to(device)
    if isinstance(answer, dict):
        return {key: _moved(one, device) for key, one in answer.items()}
    return type(answer)(_moved(one, device) for one in answer) if type(answer) in {tuple, list} else answer
