"""Plain compositions of `torch.nn`: a perceptron and a small convolutional network.

mlp, {"input": [n] or any shape, "hidden": [h1, …], "classes": k}:

    layers     = nn.Sequential(Flatten(), for each h of hidden: Linear(previous, h), ReLU(); then Linear(previous, classes))

    Keys: layers.1.weight, layers.1.bias, layers.3.weight, …

small-cnn, {"input": [channels, height, width], "channels": [c1, c2, …], "hidden": [h1, …], "classes": k}:

    features   = nn.Sequential(for each c of channels: Conv2d(previous, c, kernel_size=3, padding=1), ReLU(), MaxPool2d(2))
    classifier = nn.Sequential(Flatten(), for each h of hidden: Linear(previous, h), ReLU(); then Linear(previous, classes))
    forward(x) = classifier(features(x))

    Keys: features.0.weight, features.0.bias, features.3.weight, features.3.bias, … and classifier.1.weight, classifier.1.bias,
    classifier.3.weight, …; for {"input": [1, 8, 8], "channels": [16, 32], "classes": 10} these are features.0 [16, 1, 3, 3],
    features.3 [32, 16, 3, 3] and classifier.1 [10, 128].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from models_registry.inspection.architectures.settings import CannotBuild, size, sizes


def mlp(config: Mapping[str, Any]) -> nn.Module:
    """The module of these settings. Raises CannotBuild."""
    inputs, hidden, classes = sizes(config, "input"), sizes(config, "hidden", default=[]), size(config, "classes")
    model = nn.Sequential()
    model.add_module("layers", _head(math.prod(inputs), hidden, classes))
    return model


def small_cnn(config: Mapping[str, Any]) -> nn.Module:
    """The module of these settings. Raises CannotBuild."""
    shape = sizes(config, "input", length=3)
    channels, hidden, classes = sizes(config, "channels"), sizes(config, "hidden", default=[]), size(config, "classes")
    layers: list[nn.Module] = []
    previous, height, width = shape
    for count in channels:
        layers += [nn.Conv2d(previous, count, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        previous, height, width = count, height // 2, width // 2
    if not height or not width:
        raise CannotBuild(f"{len(channels)} layers halve an input of {shape[1]} × {shape[2]} to nothing; give fewer channels.")
    model = nn.Sequential()
    model.add_module("features", nn.Sequential(*layers))
    model.add_module("classifier", _head(previous * height * width, hidden, classes))
    return model


def _head(inputs: int, hidden: list[int], classes: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    for count in hidden:
        layers += [nn.Linear(inputs, count), nn.ReLU()]
        inputs = count
    return nn.Sequential(*layers, nn.Linear(inputs, classes))
