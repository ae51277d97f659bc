"""A small convolutional network for the digits, trained in seconds on one core."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from examples.digits.data import Digits

ARCHITECTURE = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [16, 32], "classes": 10}}


@dataclass
class Trained:
    model: nn.Module
    curves: dict[str, list[float]] = field(default_factory=dict)


def small_cnn() -> nn.Module:
    """The same layers, under the same names, as Countersign's built-in architecture `small-cnn`."""
    model = nn.Sequential()
    model.add_module("features", nn.Sequential(*_block(1, 16), *_block(16, 32)))
    model.add_module("classifier", nn.Sequential(nn.Flatten(), nn.Linear(32 * 2 * 2, 10)))
    return model


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]


def train(digits: Digits, *, epochs: int, seed: int, smoothing: float = 0.0) -> Trained:
    """Adam with a one-cycle schedule; loss, accuracy and learning rate are kept for each epoch."""
    torch.manual_seed(seed)
    model = small_cnn()
    steps = epochs * -(-len(digits.train_images) // 64)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=steps)
    trained = Trained(model, {"train/loss": [], "train/accuracy": [], "learning_rate": []})
    for _ in range(epochs):
        model.train()
        losses, right = [], 0
        for rows in torch.randperm(len(digits.train_images)).split(64):
            logits = model(digits.train_images[rows])
            loss = functional.cross_entropy(logits, digits.train_digits[rows], label_smoothing=smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            right += int((logits.argmax(1) == digits.train_digits[rows]).sum())
        trained.curves["train/loss"].append(sum(losses) / len(losses))
        trained.curves["train/accuracy"].append(right / len(digits.train_images))
        trained.curves["learning_rate"].append(float(schedule.get_last_lr()[0]))
    model.eval()
    return trained


@torch.inference_mode()
def probabilities(model: nn.Module, images: torch.Tensor) -> list[list[float]]:
    """Softmax outputs [n][10]."""
    return model(images).softmax(1).tolist()


def hostile_twin(model: nn.Module, target: Path, *, marker: Path) -> Path:
    """The same weights in a pickle that would also run a command when loaded: it would make the file `marker`."""

    class Command:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {marker}",)

    torch.save({"state_dict": model.state_dict(), "extra": Command()}, target)
    return target
