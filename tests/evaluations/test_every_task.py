"""Every task that is not the story's, from the submission to the page and the verdict, in the real sandbox, with the suite of the
highest tier: a linear model on a table, as a data scientist at a bank would hand it in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save

from tests.plugins_versions import CARD, PROVENANCE

pytestmark = pytest.mark.django_db
ROWS = 400
FEATURES = [{"name": "income", "mean": 0.0, "scale": 1.0}, {"name": "debt"}, {"name": "age"}]
BRANCHES = np.array(["north", "south", "west"])
TASKS: dict[str, dict[str, Any]] = {
    "binary": {"classes": ["paid", "failed"], "outputs": 2, "format": "parquet", "target": "outcome", "metric": "auroc"},
    "multilabel": {"classes": ["card", "loan"], "outputs": 2, "format": "csv", "target": ["card", "loan"], "metric": "macro_f1"},
    "regression": {"classes": [], "outputs": 1, "format": "csv", "target": "loss", "metric": "r2"},
    "ranking": {"classes": [], "outputs": 1, "format": "parquet", "target": "relevance", "metric": "ndcg"},
}


def table_of(task: str, *, seed: int) -> pa.Table:
    """Rows whose targets follow income less debt, with some noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, 3))
    score = 2.0 * x[:, 0] - 2.0 * x[:, 1] + rng.normal(scale=0.3, size=ROWS)
    columns: dict[str, Any] = {name["name"]: x[:, place] for place, name in enumerate(FEATURES)}
    columns |= {"branch": BRANCHES[rng.integers(0, 3, ROWS)], "customer": np.arange(ROWS) // 8}
    columns |= {
        "binary": {"outcome": np.where(score > 0, "failed", "paid")},
        "multilabel": {"card": (score > 0).astype(int), "loan": (score < 0.5).astype(int)},
        "regression": {"loss": score},
        "ranking": {"relevance": np.clip(np.round(score + 2), 0, 4)},
    }[task]
    return pa.table(columns)


def written(table: pa.Table, format: str) -> bytes:
    out = io.BytesIO()
    (pq.write_table if format == "parquet" else pacsv.write_csv)(table, out)
    return out.getvalue()


def weights(task: str) -> bytes:
    rows = {"binary": [[-4, 4, 0], [4, -4, 0]], "multilabel": [[8, -8, 0], [-8, 8, 0]]}.get(task, [[2, -2, 0]])
    bias = {"multilabel": [0.0, 4.0]}.get(task, [0.0] * len(rows))
    return save({"layers.1.weight": torch.tensor(rows, dtype=torch.float32), "layers.1.bias": torch.tensor(bias)})


@pytest.fixture
def submitted(team: Any, scientist: Any) -> Any:
    from data_registry import services as data  # noqa: PLC0415 - plug-ins load before the settings do
    from governance import services as governance  # noqa: PLC0415 - as above
    from models_registry import services as registry  # noqa: PLC0415 - as above

    def submit(task: str) -> Any:
        about = TASKS[task]

        def registered(name: str, seed: int) -> Any:
            draft = data.draft_version(
                data.register_dataset(team, by=scientist, name=name), by=scientist, provenance=PROVENANCE, format=about["format"]
            )
            data.receive_content(draft, by=scientist, chunks=[written(table_of(task, seed=seed), about["format"])])
            return data.register_version(draft, by=scientist)

        model = registry.register_model(
            by=scientist, team=team, name=f"credit-{task}", task=task, risk_tier="high", classes=about["classes"]
        )
        version = registry.draft_version(
            model,
            by=scientist,
            card=CARD,
            data=[("training", registered("customers-2024", 1)), ("testing", registered("customers-2025", 2))],
            architecture={"name": "mlp", "config": {"input": [3], "hidden": [], "classes": about["outputs"]}},
            reading={"features": FEATURES, "target": about["target"], "slices": ["branch"], "group": "customer"},
        )
        registry.receive_checkpoint(version, [weights(task)], name="model.safetensors", by=scientist)
        governance.submit(version, by=scientist)
        return version

    return submit


@pytest.mark.parametrize("task", TASKS)
def test_a_table_is_measured_judged_and_shown(task: str, submitted: Any, client_of: Any, auditor: Any) -> None:
    from evaluations import jobs  # noqa: PLC0415 - as above
    from evaluations.models import EvaluationRun  # noqa: PLC0415 - as above
    from evaluations.services import verdict_of  # noqa: PLC0415 - as above
    from models_registry import jobs as inspecting  # noqa: PLC0415 - as above
    from models_registry.models import Inspection  # noqa: PLC0415 - as above

    version = submitted(task)
    inspecting.inspect(Inspection.objects.select_related("version__model").get(version=version))
    waiting = jobs.next_run()
    assert waiting is not None
    jobs.measure(waiting)
    run = EvaluationRun.objects.with_results().get(version=version)
    assert run.state == "completed", run.error
    assert verdict_of(run).outcome == "passed", [check.sentence for check in verdict_of(run).checks]
    assert run.metrics.filter(check_name="performance", name=TASKS[task]["metric"], label="").exists()
    gone = {gap["check"]: gap["reason"] for gap in run.facts["not_run"]}
    assert set(gone) <= {"comparison"}, gone  # nothing is in production yet
    page = client_of(auditor).get(f"/versions/{version.pk}/checks/").content.decode()
    assert "Traceback" not in page and "customers-2025 v1" in page
