"""A run on data that stay elsewhere: measured while they are there unchanged, else not run, with the reason."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from data_registry import services as data
from evaluations.models import EvaluationRun
from evaluations.services import repeat_run, verdict_of
from governance import services
from governance.approvals import approval_of
from tests.plugins_versions import PROVENANCE

pytestmark = pytest.mark.django_db
ROWS = b"rows that stay"


@pytest.fixture
def file(settings: Any) -> Path:
    Path(settings.DATA_FOLDER).mkdir()
    found = Path(settings.DATA_FOLDER) / "test.rows"
    found.write_bytes(ROWS)
    return found


@pytest.fixture
def waiting(file: Path, make_draft: Any, team: Any, scientist: Any, inspect: Any) -> Any:
    """A version with a run that waits, on test data that stay in the folder."""
    dataset = data.register_dataset(team, by=scientist, name="in place")
    draft = data.draft_version(dataset, by=scientist, provenance=PROVENANCE)
    digest = "sha256:" + hashlib.sha256(ROWS).hexdigest()
    place = {"kind": "folder", "path": "test.rows"}
    data.locate_content(draft, by=scientist, location=place, digest=digest, size=len(ROWS))
    version = make_draft(data=data.register_version(draft, by=scientist))
    services.submit(version, by=scientist)
    return inspect(version)


def test_it_is_measured_where_it_stays(waiting: Any, measure: Any) -> None:
    (run,) = measure(waiting)
    assert run.state == "completed" and verdict_of(run).outcome == "passed"


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read: No such file"), (b"others, changed", "holds other bytes")])
def test_unreachable_or_changed_data_are_not_run_never_a_pass(
    content: bytes | None, said: str, waiting: Any, measure: Any, file: Path, client_of: Any, validator: Any, scientist: Any
) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (run,) = measure(waiting)
    verdict = verdict_of(run)
    assert run.state == "errored" and verdict.outcome == "inconclusive"
    assert {check.outcome for check in verdict.checks} == {"not_run"}
    assert all(said in check.sentence for check in verdict.checks)
    answer = client_of(validator).get(f"/versions/{waiting.pk}/checks/")
    assert answer.status_code == 200 and said in answer.content.decode()
    assert not approval_of(waiting, "production").holds
    file.write_bytes(ROWS)  # once they are back, the run is asked for again
    repeat_run(EvaluationRun.objects.get(pk=run.pk), by=scientist)
    assert measure(waiting)[0].state == "completed"
