"""Names that nothing can have."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ed%a0%80", "%ff", "..%2f..", "%2e%2e/x", "a//b", "%5c", "x%0a"])
def test_a_name_that_nothing_has_names_nothing(api_of: Any, make_run: Any, scientist: Any, text: str) -> None:
    run, api = make_run(), api_of(scientist)
    of_run, files = f"/api/v1/runs/{run.pk}", f"{run.experiment_id}/{run.pk}/artifacts/{text}"
    for address in (
        *(f"{of_run}/artifacts/{text}", f"{of_run}/series/?name={text}", f"{of_run}/series/?points={text}"),
        *(f"/api/v1/runs/?experiment={text}", f"/api/v1/runs/comparison/?run={text}&run={run.pk}", f"/runs/{text}/"),
        *(f"/api/2.0/mlflow-artifacts/artifacts/{files}", f"/api/2.0/mlflow/runs/get?run_id={text}"),
        *(f"/teams/{text}/api/2.0/mlflow/experiments/get?experiment_id=0", f"/api/2.0/mlflow/registered-models/get?name={text}"),
    ):
        assert api.get(address).status_code in (400, 404, 422), address
    for address in (f"{of_run}/artifacts/?prefix={text}", f"/api/v1/runs/?filter={text}", f"/api/v1/runs/?after={text}"):
        assert api.get(address).status_code in (200, 400, 404, 422), address
    kept = api.put(f"{of_run}/artifacts/{text}", data=b"x", content_type="application/octet-stream")
    assert kept.status_code in (400, 404, 409, 422)
