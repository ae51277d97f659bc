"""The engine's child, run in this process with a model in place of what the loader would load."""

from __future__ import annotations

import json
import sys
import types

import pytest

from evaluations.engine.child import main
from tests.evaluations.engine_cast import CLASSES, digits, save_data


@pytest.fixture
def evaluate(tmp_path, monkeypatch):
    """Run the child in this process with `model` in place of what the loader would load."""

    def run(model, x=None, y=None, *, path=None, suite=None, others=None, more=None, **job):
        def load_model(path, format, architecture):
            if isinstance(model, Exception):
                raise model
            return model

        stub = types.ModuleType("models_registry.inspection.loading")
        stub.load_model = load_model
        monkeypatch.setitem(sys.modules, "models_registry.inspection.loading", stub)
        if path is None:
            path = save_data(tmp_path / "data.safetensors", x, y, **(more or {}))
        suite = suite or [{"name": "performance", "replicates": 200}, {"name": "prediction_distribution"}]
        asked = {
            "format": "safetensors",
            "architecture": None,
            "task": "multiclass",
            "classes": CLASSES,
            "checks": suite,
            "seed": 1,
            "threads": 1,
            "batch": 64,
            **job,
        }
        inputs = {"checkpoint": tmp_path / "none", "dataset": path, **(others or {})}
        return main(json.loads(json.dumps(asked)), inputs, tmp_path)

    return run


@pytest.fixture
def hold_out():
    x, y = digits()
    return x[1347:], y[1347:]
