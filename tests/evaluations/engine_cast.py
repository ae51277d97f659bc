"""The engine's test data: real digits, a small network trained on them, and models that misbehave."""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from evaluations.engine.inference import Answers

CLASSES = [str(i) for i in range(10)]


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(32, 10)
        )

    def forward(self, x):
        return self.layers(x)


class Cnn(torch.nn.Module):
    """Two convolutions and a linear layer, for images of 8 by 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 12, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(12, 24, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(24 * 16, 10),
        )

    def forward(self, x):
        return self.layers(x)


class Answer(torch.nn.Module):
    """Answers whatever `say(inputs)` says."""

    def __init__(self, say) -> None:
        super().__init__()
        self.say = say

    def forward(self, x):
        return self.say(x)


def digits():
    """Images [1797, 1, 8, 8] in 0..1 and labels, in a fixed random order."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    images = torch.tensor(data.images[order] / 16.0, dtype=torch.float32)[:, None]
    return images, torch.tensor(data.target[order], dtype=torch.int64)


def trained() -> Net:
    """A network trained on the first 1,347 digits: a second of work, about 95 % right."""
    torch.manual_seed(0)
    return _fitted(Net(), epochs=60)


def trained_cnn() -> Cnn:
    """The same for a small convolutional network: about 98 % right."""
    torch.manual_seed(0)
    return _fitted(Cnn(), epochs=15)


def _fitted(net, *, epochs):
    torch.set_num_threads(1)  # several threads spin against each other where tests share cores
    x, y = (part[:1347] for part in digits())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(256):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    return net


def save_data(path, x, y, *, columns=None, names=None, **more):
    """A data file; `columns` are codes by column name, `names` the values behind them."""
    codes = {f"column.{name}": torch.as_tensor(held) for name, held in (columns or {}).items()}
    metadata = {"columns": json.dumps(names)} if names is not None else None
    save_file({"inputs": x.contiguous(), "targets": y.contiguous(), **codes, **more}, path, metadata)
    return path


def in_chunks(x, size):
    """Answers that say nothing, `size` rows at a time: for what looks at inputs and row numbers only."""
    for first in range(0, len(x), size):
        rows = x[first : first + size]
        numbers = np.arange(first, first + len(rows))
        yield Answers(first, rows, numbers, np.zeros((len(rows), 2)), np.zeros(len(rows)))
