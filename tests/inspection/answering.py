"""A job for the sandbox: loads each checkpoint as a model without architecture, and answers the same rows with each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from models_registry.inspection.gate import inspect_file
from models_registry.inspection.loading import load_model


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """The answers by the checkpoint's name, as lists."""
    del out
    rows = torch.tensor(job["rows"])
    answers = {}
    for name, path in inputs.items():
        found = load_model(path, inspect_file(path).format, None)(rows)
        answers[name] = (found["logits"] if isinstance(found, dict) else found).tolist()
    return {"answers": answers, "level": job["level"]}
