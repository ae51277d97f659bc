"""Networks for sequences. Rows are [steps, features], or anything of steps × features numbers in that order: a flat row of a
table, or an image read line by line, where `features` is its width.

recurrent, {"cell": "lstm" or "gru", "features": n, "hidden": h, "layers": 1, "bidirectional": false, "classes": k}:

    rnn        = nn.LSTM or nn.GRU(features, hidden, layers, batch_first=True, bidirectional=bidirectional)
    classifier = nn.Linear(hidden, or 2 × hidden where bidirectional, classes)
    forward(x) = classifier(the last step's output; where bidirectional beside it the backward output at the first step)

    Keys: rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, rnn.bias_hh_l0, … (…_reverse), classifier.weight, classifier.bias.

transformer-encoder, {"features": n, "length": s, "width": d, "heads": a, "layers": l, "feedforward": f, "classes": k}:

    embed      = nn.Linear(features, width); position = nn.Parameter [1, length, width]
    encoder    = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, feedforward, batch_first=True), layers)
    classifier = nn.Linear(width, classes)
    forward(x) = classifier(mean over steps of encoder(embed(x) + position[:, :steps]))

    Keys: position, embed.weight, embed.bias, encoder.layers.0.self_attn.in_proj_weight, …, classifier.weight, classifier.bias.
    Rows may have fewer steps than `length`, never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from models_registry.inspection.architectures.settings import CannotBuild, choice, flag, layers, size


class Recurrent(nn.Module):
    """`forward` takes [n, steps × features] in any shape and answers [n, classes] from the last outputs of an LSTM or GRU."""

    def __init__(self, cell: str, features: int, hidden: int, depth: int, classes: int, *, bidirectional: bool) -> None:
        super().__init__()
        make = nn.LSTM if cell == "lstm" else nn.GRU
        self.rnn = make(features, hidden, depth, batch_first=True, bidirectional=bidirectional)
        self.classifier = nn.Linear(hidden * (2 if bidirectional else 1), classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.rnn(x.reshape(len(x), -1, self.rnn.input_size))[0]
        last = outputs[:, -1]
        if self.rnn.bidirectional:
            last = torch.cat([last[:, : self.rnn.hidden_size], outputs[:, 0, self.rnn.hidden_size :]], dim=1)
        answer: torch.Tensor = self.classifier(last)
        return answer


class Encoder(nn.Module):
    """`forward` takes [n, steps × features] in any shape, at most `length` steps, and answers [n, classes] from the mean step."""

    def __init__(self, features: int, length: int, classes: int, *, width: int, heads: int, depth: int, feedforward: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.position = nn.Parameter(torch.zeros(1, length, width))
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = self.embed(x.reshape(len(x), -1, self.embed.in_features))
        answer: torch.Tensor = self.classifier(self.encoder(steps + self.position[:, : steps.shape[1]]).mean(1))
        return answer


def recurrent(config: Mapping[str, Any]) -> nn.Module:
    """The module of these settings. Raises CannotBuild."""
    return Recurrent(
        choice(config, "cell", ("lstm", "gru")),
        size(config, "features"),
        size(config, "hidden"),
        layers(config, "layers", default=1),
        size(config, "classes"),
        bidirectional=flag(config, "bidirectional"),
    )


def transformer_encoder(config: Mapping[str, Any]) -> nn.Module:
    """The module of these settings. Raises CannotBuild."""
    width, heads = size(config, "width"), size(config, "heads")
    if width % heads:
        raise CannotBuild(f"The setting 'width' must be a multiple of 'heads': {width} cannot be shared among {heads}.")
    return Encoder(
        size(config, "features"),
        size(config, "length"),
        size(config, "classes"),
        width=width,
        heads=heads,
        depth=layers(config, "layers"),
        feedforward=size(config, "feedforward"),
    )
