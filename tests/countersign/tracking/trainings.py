"""A tiny real Lightning training whose validation loss is written down beforehand. Run by tests, also as a program of its own."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

BATCHES = 4  # of an epoch


def net(name: str, losses: list[float], *, schedule: bool = False, dies: Exception | BaseException | None = None) -> Any:
    """A LightningModule of that Lightning: `losses` are what each validation says; `dies` is raised in the third epoch."""
    lightning = importlib.import_module(name)

    class Net(lightning.LightningModule):
        def __init__(self, width: int = 3) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, width)

        def training_step(self, batch: Any, index: int) -> Any:
            if dies is not None and self.current_epoch == 2:
                raise dies
            loss = self.layer(batch[0]).pow(2).mean()
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            if not self.trainer.sanity_checking:
                self.log("val_loss", losses[min(self.current_epoch, len(losses) - 1)])

        def configure_optimizers(self) -> Any:
            if not schedule:
                return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.8)
            optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
            total = int(self.trainer.estimated_stepping_batches)
            found = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": found, "interval": "step"}}

    torch.manual_seed(0)
    return Net()


def data() -> tuple[Any, Any]:
    rows = TensorDataset(torch.randn(8 * BATCHES, 2, generator=torch.Generator().manual_seed(0)))
    return DataLoader(rows, batch_size=8), DataLoader(rows, batch_size=16)


def trainer(name: str, callbacks: list[Any], folder: Any, **given: Any) -> Any:
    lightning = importlib.import_module(name)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    checkpoints = {} if "enable_checkpointing" in given else {"enable_checkpointing": False}
    return lightning.Trainer(callbacks=callbacks, default_root_dir=folder, **{**quiet, **checkpoints, **given})
