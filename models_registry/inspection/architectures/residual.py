"""A residual network for small images (He et al., 2016, section 4.2, with shortcuts by projection where the shape changes).

residual-cnn, {"input": [channels, height, width], "stages": [c1, c2, …], "blocks": b, "classes": k}:

    stem   = nn.Sequential(Conv2d(channels, c1, 3, padding=1, bias=False), BatchNorm2d(c1), ReLU())
    stages = nn.Sequential(for each c of stages: nn.Sequential(b blocks; the first halves the image, but not in the first stage))
    head   = nn.Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(last c, classes))
    forward(x) = head(stages(stem(x)))

    Block: conv1 = Conv2d(previous, c, 3, stride, padding=1, bias=False), bn1, conv2 = Conv2d(c, c, 3, padding=1, bias=False)
    and bn2;
    shortcut = Identity(), or Sequential(Conv2d(previous, c, 1, stride, bias=False), BatchNorm2d(c)) where the shape changes;
    forward(x) = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))

    Keys: stem.0.weight, stem.1.…, stages.0.0.conv1.weight, stages.0.0.bn1.…, stages.1.0.shortcut.0.weight, …, head.2.weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from models_registry.inspection.architectures.settings import CannotBuild, layers, size, sizes


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inputs: int, channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != channels:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.shortcut(x))


def residual_cnn(config: Mapping[str, Any]) -> nn.Module:
    """The module of these settings. Raises CannotBuild."""
    shape, stages = sizes(config, "input", length=3), sizes(config, "stages")
    blocks, classes = layers(config, "blocks"), size(config, "classes")
    if min(shape[1:]) < 1 << (len(stages) - 1):
        raise CannotBuild(f"{len(stages)} stages halve an input of {shape[1]} × {shape[2]} to nothing; give fewer stages.")
    rows: list[nn.Module] = []
    previous = stages[0]
    for number, channels in enumerate(stages):
        first = Block(previous, channels, stride=2 if number else 1)
        rows.append(nn.Sequential(first, *(Block(channels, channels, stride=1) for _ in range(blocks - 1))))
        previous = channels
    model = nn.Sequential()
    stem = nn.Conv2d(shape[0], stages[0], 3, padding=1, bias=False)
    model.add_module("stem", nn.Sequential(stem, nn.BatchNorm2d(stages[0]), nn.ReLU()))
    model.add_module("stages", nn.Sequential(*rows))
    model.add_module("head", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(previous, classes)))
    return model
