"""What a report tells of the training run: all of it, as claimed, with its curves; and that it is what was signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from audit.composing.training import figures_of_run
from core import blobs
from core.canonical import sha256_of
from governance import services as governance
from governance.pins import run_digest, statement
from ledger import protection
from ledger.models import Event
from models_registry.models import Version
from tests.audit.test_reports import files_in
from tracking import services as tracking
from tracking.models import TrainingRun
from tracking.services.fixing import facts_digest, fixed_digest

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = "sha256:" + 64 * "b"


@pytest.fixture
def trained(make_draft: Any, scientist: Any, team: Any) -> Version:
    """A draft on an ended run that reported everything a client can."""
    run = tracking.start_run(
        team, by=scientist, name="the best one", experiment="digits", params={"lr": 0.01},
        code={"repository": "https://example.org/digits.git", "branch": "main", "commit": 40 * "a", "dirty": False,
              "entry": "train.py"},
        environment={"python": "3.11.7", "platform": "Linux", "locks": [{"name": "uv.lock", "digest": LOCK}],
                     "hardware": {"cpu": "Example 9000", "cores": 16}, "packages": ["torch==2.13.0"]},
        training={"seeds": {"torch": 41}, "libraries": {"fastai": "2.8.1"}, "summary": "Linear(64, 10): 650 parameters",
                  "early_stopping": {"monitor": "val/loss", "mode": "min", "patience": 3, "best_step": 2, "best_value": 0.25,
                                     "stopped_step": 5, "reason": "no progress"}},
        series=[
            {"name": "train/loss", "steps": [0, 1, 2, 3], "values": [2, 1, "NaN", 0.125]},
            {"name": "val/loss", "steps": [0, 1, 2, 3], "values": [2, 1, 0.25, 0.5]},
            {"name": "lr", "steps": [0, 1], "values": [0.01, 0.001]},
            {"name": "once", "steps": [0], "values": [7]},
        ],
    )  # fmt: skip
    data = [{"name": "digits", "digest": "md5:0123456789abcdef", "context": "training", "source_type": "dvc"}]
    tracking.log(run, by=scientist, data=data)
    run = tracking.end_run(run, by=scientist, state="finished")
    version = make_draft()
    Version.objects.filter(pk=version.pk).update(training_run=run)
    return Version.objects.with_parts().get(pk=version.pk)


def test_the_report_tells_all_that_the_run_knows(
    trained: Version, inspect: Any, measure: Any, scientist: Any, make: Any, verify: Any
) -> None:
    governance.submit(trained, by=scientist)
    inspect(trained)
    measure(trained)
    report = make(Version.objects.with_parts().get(pk=trained.pk))
    assert (report.state, report.error) == ("completed", "")
    files = files_in(blobs.read(report.pdf_digest))
    told = json.loads(files["report.json"])["code"]
    assert (told["facts_digest"], told["holds"]) == (fixed_digest(TrainingRun.objects.get(pk=trained.training_run_id)), True)
    assert told["early_stopping_words"].startswith("Early stopping watched val/loss (lower is better) with a patience of 3")
    assert (told["seeds"], told["libraries"]) == ({"torch": 41}, {"fastai": "2.8.1"})
    assert (told["summary"], told["entry"]) == ("Linear(64, 10): 650 parameters", "train.py")
    assert told["locks"] == [{"name": "uv.lock", "digest": LOCK}]
    assert told["hardware"] == {"cpu": "Example 9000", "cores": 16}
    assert [(one["name"], one["digest"], one["source_type"]) for one in told["data"]] == [
        ("digits", "md5:0123456789abcdef", "dvc")
    ]
    loss = next(one for one in told["series"] if one["name"] == "val/loss")
    assert (loss["last"], loss["last_step"], loss["lowest"], loss["lowest_step"]) == ("0.5", 3, "0.25", 2)
    assert [one["series"] for one in told["curves"]] == [["train/loss", "val/loss"], ["lr"]]
    for curve in told["curves"]:
        assert files[curve["file"]].startswith(b"<svg")
        assert curve["title"].endswith("(claimed)")
    assert verify(report)[0] == 0


def test_curves_are_drawn_with_what_stopped_the_training(trained: Version) -> None:
    figures = figures_of_run(trained.training_run)
    first = figures["curves/01-loss.svg"]
    assert "stopped early: step 5." in first.description
    assert "train/loss: 1 values are not finite and not drawn." in first.description
    assert ["3", "0.125", "0.5"] in first.table.rows


def test_what_is_signed_names_all_of_the_run(trained: Version, scientist: Any) -> None:
    assert run_digest(trained) == ""  # open: nothing is fixed yet
    review = governance.submit(trained, by=scientist)
    run = TrainingRun.objects.get(pk=trained.training_run_id)
    submitted_version = Version.objects.with_parts().get(pk=trained.pk)
    signed = statement(submitted_version, policy=review.policy, environment="production", review=review.pk)["run"]
    assert signed == fixed_digest(run) == facts_digest(run) != ""
    assert review.digest == sha256_of(
        statement(submitted_version, policy=review.policy, environment="production", review=review.pk)
    )
    assert Event.objects.get(type="version.submitted").data["run"] == signed


def test_a_run_that_was_changed_past_its_triggers_is_not_relied_on(
    trained: Version, inspect: Any, scientist: Any, make: Any
) -> None:
    governance.submit(trained, by=scientist)
    inspect(trained)
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "tracking_trainingrun" DISABLE TRIGGER ledger_no_change')
        cursor.execute("UPDATE tracking_trainingrun SET params = '{\"lr\": 0.5}' WHERE id = %s", [trained.training_run_id])
    protection.install()
    told = json.loads(files_in(blobs.read(make(Version.objects.get(pk=trained.pk)).pdf_digest))["report.json"])
    assert told["code"]["holds"] is False
    assert any("no longer have the digest" in gap for gap in _gaps(told))


def _gaps(told: Any) -> list[str]:
    return [str(gap) for gap in (told["not_checked"] if isinstance(told["not_checked"], list) else [told["not_checked"]])]
