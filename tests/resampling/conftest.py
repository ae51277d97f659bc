"""Sets of folds and refits: splits as a client draws them, checkpoints of each part, and a worker's own steps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.countersign.conftest import command, machine, site  # noqa: F401 - fixtures of a client's machine
from tests.plugins_versions import ACCEPTED, CLASSES, SANDBOX, Answer, metric

ROWS = 30


def training_data(version: Any) -> Any:
    return version.data.get(use="training").dataset_version


def kfold(version: Any, *, folds: int = 3, **other: Any) -> bytes:
    """The file that `countersign split --method kfold` writes for the version's training data."""
    parts = [{"name": f"fold-{one + 1}", "held_out": list(range(one, ROWS, folds))} for one in range(folds)]
    return split(version, "kfold", parts, **other)


def bootstrap(version: Any, *, count: int = 4, seed: int = 1) -> bytes:
    chance = np.random.default_rng(seed)
    bags = [sorted(chance.integers(0, ROWS, ROWS).tolist()) for _ in range(count)]
    return split(version, "bootstrap", [{"name": f"replicate-{one}", "in_bag": bag} for one, bag in enumerate(bags, start=1)])


def split(version: Any, method: str, parts: Any, *, seed: Any = 7, rows: Any = ROWS, sha256: Any = None, **other: Any) -> bytes:
    whole = {
        "format": "countersign.split/1",
        "data": {"file": "train.csv", "sha256": sha256 or training_data(version).digest, "rows": rows},
        "method": method,
        "seed": seed,
        "stratify": "label",
        "group": None,
        "parts": parts,
        **other,
    }
    return json.dumps(whole).encode()


@pytest.fixture
def version(make_review: Any) -> Any:
    return make_review().version


@pytest.fixture
def make_set(scientist: Any) -> Callable[..., Any]:
    """`make_set(version, kfold(version))`: begun, and each part has a checkpoint of its own."""
    from evaluations.resampling import services  # noqa: PLC0415 - plug-ins load before the settings do

    def make(version: Any, raw: bytes, *, checkpoints: Any = None) -> Any:
        made = services.begin(version, [raw], by=scientist)
        parts = len(made.split["parts"])
        for number in range(1, parts + 1):
            content = f"weights {number} of {made.pk}".encode() if checkpoints is None else checkpoints[number - 1]
            if content is not None:
                services.receive_checkpoint(made, number, [content], name=f"{number}.safetensors", by=scientist)
        return made

    return make


def answer_of(fold: Any, *, accuracy: float = 0.9, weights: str = "", wrong: Any = None) -> dict[str, Any]:
    """What the child would say of this fold: so many of its rows right."""
    right = round(accuracy * fold.rows)
    mistakes = np.arange(fold.rows) >= right if wrong is None else np.asarray(wrong, dtype=bool)
    value = 1 - float(mistakes.mean())
    true = np.bincount(np.arange(fold.rows) % 3, minlength=3)
    return {
        "metrics": [
            metric("accuracy", value, max(0.0, value - 0.1), min(1.0, value + 0.1), n=fold.rows),
            {**metric("mcc", 0.8, 0.7, 0.9, n=fold.rows), "unit": "score"},
            *(metric("recall", value, 0.0, 1.0, n=0 if fold.number == 2 and one == "two" else 10, label=one) for one in CLASSES),
        ],
        "charts": [],
        "reference": {},
        "resources": {},
        "versions": {"torch": "2"},
        "not_run": [],
        "rows": fold.rows,
        "weights": weights or f"sha256:{fold.number:064d}",
        "row_losses": {
            "rows": fold.rows,
            "wrong": base64.b64encode(np.packbits(mistakes).tobytes()).decode(),
            "true": true.tolist(),
            "predicted": true.tolist(),
        },
    }


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A worker measures every waiting fold of the set and combines it; `of[number]` is what the sandbox answers, or an Answer."""
    from contextlib import contextmanager  # noqa: PLC0415 - as above

    from evaluations.resampling import jobs  # noqa: PLC0415 - as above
    from evaluations.resampling.models import Combination, Fold, Resampling  # noqa: PLC0415 - as above

    def run_all(made: Any, of: Any = None, *, inspected: Any = None, combine: bool = True) -> Any:
        monkeypatch.setattr(jobs, "send_next", lambda resampling: None)
        rows = Fold.objects.filter(resampling=made, state="queued")
        for fold in rows.select_related("resampling__version__model", "resampling__dataset_version"):
            said = (of or {}).get(fold.number, answer_of(fold))

            @contextmanager
            def run(module: str, said: Any = said, number: int = fold.number, **given: Any) -> Any:
                if module.startswith("models_registry"):
                    yield Answer((inspected or {}).get(number, ACCEPTED))
                    return
                seen.append((number, given, json.loads(given["inputs"]["rows"].read_text())))
                yield said if isinstance(said, Answer) else Answer(said, evidence=dict(SANDBOX))

            monkeypatch.setattr(jobs, "run", run)
            jobs.measure(fold)
        if combine:
            jobs.combine(Combination.objects.select_related("resampling__version").get(resampling=made))
        return Resampling.objects.with_parts().get(pk=made.pk)

    seen: list[Any] = []
    run_all.seen = seen  # type: ignore[attr-defined]  # what the sandbox was given, for tests that look
    return run_all
