"""A training that reports itself: a small PyTorch network learns the digits of scikit-learn, and the run's page follows it.

    countersign login https://countersign.example.org
    python examples/track_training.py --epochs 30

With the site away the training is the same: what it reports is kept on this machine, and the last line says how to send it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import countersign


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train on the digits and report it.")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--team", default="", help="not needed by who is in one team")
    parser.add_argument("--weights", type=Path, default=Path("digits.pt"))
    return parser.parse_args()


def main() -> None:
    given = options()
    torch.manual_seed(given.seed)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    training, validation = order[:1400], order[1400:]

    with countersign.start_run("digits, plain PyTorch", team=given.team, experiment="digits", params=given) as run:
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=given.lr, momentum=0.9)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=given.lr * 4, total_steps=given.epochs * 22)
        best, best_step, step, reason = float("inf"), 0, 0, "max_epochs"
        for epoch in range(given.epochs):
            for rows in training[torch.randperm(len(training))].split(64):
                loss = functional.cross_entropy(model(images[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                run.log({"train/loss": loss, "lr": schedule.get_last_lr()[0]}, step=step)
                optimizer.step()
                schedule.step()
                step += 1
            with torch.no_grad():
                answers = model(images[validation])
            seen = functional.cross_entropy(answers, labels[validation])
            right = (answers.argmax(1) == labels[validation]).float().mean()
            run.log({"val/loss": seen, "val/accuracy": right, "epoch": epoch}, step=step)
            if seen < best:
                best, best_step = float(seen), step
                torch.save(model.state_dict(), given.weights)
            elif step - best_step >= given.patience * 22:
                reason = "patience"
                break
        run.log_training(
            early_stopping={
                "monitor": "val/loss",
                "mode": "min",
                "patience": given.patience,
                "reason": reason,
                "best_step": best_step,
                "best_value": best,
                "stopped_step": step,
            },
            summary=str(model),
        )
        run.log_artifact(given.weights)
    print(f"Best validation loss {best:.4f} at step {best_step}, stopped at step {step} ({reason}). {run.url or ''}")


if __name__ == "__main__":
    main()
