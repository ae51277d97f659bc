"""The same callback under the package's newer name, `lightning`, in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.tracking.conftest import Site

pytestmark = pytest.mark.clients
PROGRAM = """
from lightning.pytorch.callbacks import EarlyStopping
from countersign.lightning import CountersignCallback
from tests.countersign.tracking import trainings

callbacks = [EarlyStopping('val_loss', patience=2), CountersignCallback()]
trainer = trainings.trainer('lightning.pytorch', callbacks, '.', max_epochs=20)
trainer.fit(trainings.net('lightning.pytorch', [3.0, 1.0, 2.0, 2.5]), *trainings.data())
import sys
assert 'pytorch_lightning' not in sys.modules
"""


def test_a_training_with_lightning_reports_itself(site: Site, tmp_path: Path, run_client: Callable[..., Any]) -> None:
    where = {"COUNTERSIGN_URL": site.url, "COUNTERSIGN_KEY": "cs_key", "XDG_STATE_HOME": str(tmp_path / "state")}
    run_client("lightning", PROGRAM, **where)
    assert [value for _, value in site.series["val_loss"]] == [3.0, 1.0, 2.0, 2.5]
    stopping = site.facts["training"]["early_stopping"]
    assert (stopping["reason"], stopping["best_value"], stopping["stopped_step"]) == ("patience", 1.0, 16)
    assert "lightning" in site.facts["training"]["libraries"]
    assert site.facts["environment"]["packages"]
    assert [one["state"] for one in site.ended] == ["finished"]
