"""Runs are found by the filters and orders of `tracking.searching`, which reads MLflow's too."""

from __future__ import annotations

from models_registry.mlflow import finding, shapes
from models_registry.mlflow.experiments import ID, VIEW, in_view
from models_registry.mlflow.fields import Many, Text
from models_registry.mlflow.operations import Answer, Asked, reads
from models_registry.mlflow.paging import ORDER, page_in, pages
from tracking.models import TrainingRun
from tracking.searching.finding import search_of

MOST_ROWS = 1_000  # of one page; MLflow's client goes on with the token
HEAVY = ("code", "environment", "training", "heard", "reporters")  # MLflow's clients are told nothing of these


@reads(
    "POST",
    "mlflow/runs/search",
    **pages(50_000),
    experiment_ids=Many(ID, most=1_000),
    filter=Text(20_000),
    run_view_type=VIEW,
    order_by=ORDER,
)
def search_runs(
    asked: Asked,
    *,
    max_results: int | None,
    page_token: str,
    experiment_ids: list[str],
    filter: str,
    run_view_type: str,
    order_by: list[str],
) -> Answer:
    runs = TrainingRun.objects.filter(
        team=asked.team, experiment__in=finding.experiments(asked, experiment_ids), **in_view(run_view_type)
    )
    rows, order = search_of(filter, ", ".join(order_by)).among(runs)
    found, more = page_in(order, rows.defer(*HEAVY), token=page_token, size=min(max_results or 1_000, MOST_ROWS))
    return {"runs": shapes.runs(found), **more}
