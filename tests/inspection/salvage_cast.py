"""Checkpoints as people really have them: whole modules, trainings with all around them, in the words of several libraries.

Lightning's are made by Lightning. fastai is too large for the tests; its files are made with stand-ins of the same module and
class names, so that the pickles are, name for name, what `Learner.save` and `Learner.export` write.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import torch
from torch import nn

from tests.inspection import attacks


class Digits(nn.Module):
    """A module of one's own, with all that makes a pickle hard: activations as functions, a buffer that is not saved, one that
    is, tied weights, a set, a table keyed by a type."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=nn.functional.gelu)
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("scratch", torch.zeros(7), persistent=False)
        self.act, self.names, self.by_type = nn.functional.relu, {"a", "b"}, {torch.float32: 1, (1, 2): 3}


def digits() -> nn.Module:
    torch.manual_seed(0)
    return Digits()


def plain() -> nn.Module:
    """What the built-in architecture `mlp` holds for an input of 64 and 10 classes."""
    torch.manual_seed(0)
    model = nn.Sequential()
    model.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    return model


@contextmanager
def standing_in(name: str, **members: Any) -> Iterator[types.ModuleType]:
    """A module of that name, so that what is defined for it is pickled by that name; gone afterwards."""
    parts = name.split(".")
    names = [".".join(parts[: n + 1]) for n in range(len(parts))]
    before = {one: sys.modules.get(one) for one in names}
    for one in names:
        sys.modules[one] = types.ModuleType(one)
    for key, value in members.items():
        value.__module__, value.__qualname__ = name, key
        setattr(sys.modules[name], key, value)
    try:
        yield sys.modules[name]
    finally:
        for one, module in before.items():
            sys.modules.pop(one)
            if module is not None:
                sys.modules[one] = module


def fastai(path: Path) -> None:
    """`Learner.save(file, with_opt=True)`: save_model() writes {"model", "opt"}; the optimizer's hyper-parameters are an L."""
    base = type("GetAttr", (), {})
    kind = type("L", (base,), {"__init__": lambda self, items: setattr(self, "items", items)})
    with standing_in("fastcore.foundation", L=kind):
        model = plain()
        optimizer = {"state": [{"grad_avg": torch.zeros(64), "step": 3}], "hypers": kind([{"lr": 1e-3, "mom": 0.9}])}
        torch.save({"model": model.state_dict(), "opt": optimizer}, path)


def fastai_export(path: Path) -> None:
    """`Learner.export`: the whole learner by cloudpickle, functions of the notebook as code."""
    kind = type("Learner", (), {})
    with standing_in("fastai.learner", Learner=kind):
        learner = kind()
        learner.model, learner.loss_func = plain(), lambda found, wanted: (found - wanted).abs()
        torch.save(learner, path, pickle_module=cloudpickle)


def lightning(path: Path, **hyper: Any) -> None:
    """What Lightning's trainer writes after a step, with `hyper` as what `save_hyperparameters` noted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning says much about loaders, loggers and devices
        import pytorch_lightning as pl  # noqa: PLC0415 - a second to import, and it says so

        class Training(pl.LightningModule):
            def __init__(self, options: Any = None) -> None:
                super().__init__()
                self.save_hyperparameters()
                self.backbone = plain()

            def training_step(self, batch: Any, index: int) -> torch.Tensor:
                return self.backbone(batch[0]).sum()

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.Adam(self.parameters())

        rows = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(4, 64)), batch_size=2)
        trainer = pl.Trainer(
            max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=path.parent,
        )  # fmt: skip
        trainer.fit(Training(**hyper), rows)
        trainer.save_checkpoint(path)


def _training(path: Path) -> None:
    """The loop of a tutorial."""
    model = plain()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(2, 64)).sum().backward()
    optimizer.step()
    state = {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "epoch": 3, "loss": 0.1}
    torch.save(state, path)


OLD = {"_use_new_zipfile_serialization": False}
# name -> verdict, format, where the weights lay, one class that is named, how it is made
KEPT: dict[str, tuple[str, str, str, str, Callable[[Path], Any]]] = {
    "module.pt": (
        "salvageable", "torch-module", "", "tests.inspection.salvage_cast.Digits", lambda path: torch.save(digits(), path)
    ),
    "module.pth": ("salvageable", "torch-module", "", "torch.nn.modules.conv.Conv2d", lambda p: torch.save(digits(), p, **OLD)),
    "parallel.pt": (
        "salvageable", "torch-module", "", "torch.nn.parallel.data_parallel.DataParallel",
        lambda path: torch.save(nn.DataParallel(plain()), path),
    ),
    "module_inside.pt": (
        "salvageable", "torch-module", "model", "torch.nn.modules.linear.Linear",
        lambda path: torch.save({"model": plain(), "epoch": 3}, path),
    ),
    "fastai.pth": ("salvageable", "fastai", "model", "fastcore.foundation.L", fastai),
    "fastai_without_its_class.pth": (
        "accepted", "fastai", "model", "", lambda path: torch.save({"model": plain().state_dict(), "opt": {"state": []}}, path)
    ),
    "lightning.ckpt": ("accepted", "lightning", "state_dict", "", lightning),
    "lightning_namespace.ckpt": (
        "salvageable", "lightning", "state_dict", "argparse.Namespace",
        lambda path: lightning(path, options=argparse.Namespace(lr=1)),
    ),
    "lightning_path.ckpt": (
        "salvageable", "lightning", "state_dict", "pathlib.PosixPath", lambda path: lightning(path, options=pathlib.Path("a/b"))
    ),
    "training.pt": ("accepted", "torch-zip", "model_state_dict", "", _training),
    "counted.pt": (
        "salvageable", "torch-zip", "state_dict", "datetime.datetime",
        lambda path: attacks.as_torch_with_storage(
            path,
            b"}(" + attacks.text("state_dict") + b"}" + attacks.text("w") + attacks.tensor((4,), (1,)) + b"s"
            + attacks.text("made") + b"cdatetime\ndatetime\n(" + attacks.text("x") + b"tRu",
        ),
    ),
}  # fmt: skip
