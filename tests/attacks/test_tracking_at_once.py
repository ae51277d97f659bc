"""A run that changes while it is registered, an alias that moves while its version does: one right outcome, told by the log."""

from __future__ import annotations

from typing import Any

import pytest

from core import blobs
from governance import services
from governance.models import Release
from ledger.models import Event
from models_registry import aliases
from models_registry.models import ModelAlias, RegisteredFile, Version
from models_registry.registering_runs import version_from_run
from tests.attacks.at_once import refusals
from tests.attacks.test_at_once import TRIES, fresh
from tracking import services as tracking
from tracking.models import Artifact, TrainingRun
from tracking.services.fixing import facts_digest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policies")]
HEADER = b"\x02\0\0\0\0\0\0\0{}"


@pytest.fixture
def trained(team: Any, scientist: Any) -> Any:
    """`trained()`: an ended run whose folder `net` has a checkpoint."""

    def make() -> TrainingRun:
        run = tracking.start_run(team, by=scientist, name="training")
        tracking.keep_artifact(run, by=scientist, path="net/model.safetensors", chunks=[HEADER])
        return tracking.end_run(run, by=scientist, state="finished")

    return make


def replace(run: TrainingRun, turn: int, by: Any) -> Artifact:
    return tracking.keep_artifact(run, by=by, path="net/model.safetensors", chunks=[HEADER, f" {turn}".encode()])


def told(version: Version, kind: str) -> Any:
    return Event.objects.get(type=kind, subject_id=str(version.pk)).data


def test_a_checkpoint_replaced_while_its_run_is_registered_is_one_or_the_other_whole(
    trained: Any, make_model: Any, scientist: Any, other_scientist: Any, race: Any
) -> None:
    model = make_model()
    for turn in range(TRIES):
        run = trained()
        was = run.artifacts.get().digest
        answers = race(
            lambda run=run: version_from_run(run, model=model, by=scientist),
            lambda run=run, turn=turn: replace(run, turn, other_scientist),
        )
        assert refusals(answers) == []
        version = fresh(answers[0])
        assert version.checkpoint_digest in {was, answers[1].digest}
        assert len(blobs.read(version.checkpoint_digest)) == version.checkpoint_size
        assert told(version, "version.checkpoint_received")["digest"] == version.checkpoint_digest


def test_a_file_replaced_while_mlflow_registers_its_folder_is_the_same_in_the_version_and_its_files(
    trained: Any, make_model: Any, scientist: Any, other_scientist: Any, race: Any, api_of: Any
) -> None:
    model, api = make_model(), api_of(scientist)
    for turn in range(TRIES):
        run = trained()
        named = {"name": model.name, "source": f"runs:/{run.pk}/net", "run_id": str(run.pk)}
        answers = race(
            lambda named=named: api.post("/api/2.0/mlflow/model-versions/create", named, format="json"),
            lambda run=run, turn=turn: replace(run, turn, other_scientist),
        )
        assert refusals(answers) == [] and answers[0].status_code == 200, answers[0].content
        version = Version.objects.get(training_run=run)
        kept = RegisteredFile.objects.get(version=version)
        assert (kept.digest, kept.size) == (version.checkpoint_digest, version.checkpoint_size)
        assert len(blobs.read(kept.digest)) == kept.size


def test_a_checkpoint_that_arrives_after_submission_is_refused_and_one_before_is_what_was_fixed(
    trained: Any, make_draft: Any, scientist: Any, other_scientist: Any, race: Any
) -> None:
    for turn in range(TRIES):
        run = trained()
        version = make_draft(run=run)
        answers = race(
            lambda version=version: services.submit(version, by=scientist),
            lambda run=run, turn=turn: replace(run, turn, other_scientist),
        )
        assert set(refusals(answers)) <= {"run_fixed"}
        fixed = Event.objects.get(type="training_run.fixed", subject_id=str(run.pk))
        assert fixed.data["facts_digest"] == facts_digest(TrainingRun.objects.get(pk=run.pk))


def test_a_run_hidden_while_its_version_is_submitted_is_hidden_or_fixed_and_the_other_is_told(
    trained: Any, make_draft: Any, scientist: Any, other_scientist: Any, race: Any
) -> None:
    for _turn in range(TRIES):
        run = trained()
        version = make_draft(run=run)
        answers = race(
            lambda version=version: services.submit(version, by=scientist),
            lambda run=run: tracking.hide_run(TrainingRun.objects.get(pk=run.pk), by=other_scientist),
        )
        assert len(refusals(answers)) == 1
        run.refresh_from_db()
        assert (bool(run.hidden_at), fresh(version).state) in {(True, "draft"), (False, "submitted")}
        assert bool(run.fixed_at) == (fresh(version).state == "submitted")


def test_an_alias_moved_while_its_version_is_released_moves_and_releases_nothing(
    make_approved: Any, scientist: Any, risk_manager: Any, race: Any
) -> None:
    one, two = make_approved(), make_approved()
    aliases.set_alias(one.model, "best", by=scientist, version=one)
    answers = race(
        lambda: services.release(one, environment="production", by=risk_manager),
        lambda: aliases.set_alias(one.model, "best", by=scientist, version=two),
    )
    assert refusals(answers) == []
    assert [live.version for live in Release.objects.live()] == [one]
    assert ModelAlias.objects.get(model=one.model).version == two
    assert aliases.version_of(one.model, "production") == one and aliases.version_of(one.model, "best") == two


def test_an_alias_of_the_release_process_is_moved_by_nobody_while_it_moves(
    make_approved: Any, scientist: Any, risk_manager: Any, race: Any
) -> None:
    one, two = make_approved(), make_approved()
    services.release(one, environment="production", by=risk_manager)
    answers = race(
        lambda: services.release(two, environment="production", by=risk_manager),
        lambda: aliases.set_alias(one.model, "production", by=scientist, version=one),
        lambda: aliases.remove_alias(one.model, "production", by=scientist),
    )
    assert refusals(answers) == 2 * ["alias_of_releases"]
    assert aliases.version_of(one.model, "production") == two and not ModelAlias.objects.exists()


def test_an_alias_that_is_moved_and_removed_at_once_is_told_in_the_order_in_which_it_was(
    make_draft: Any, make_model: Any, scientist: Any, other_scientist: Any, race: Any
) -> None:
    """Each event says where the alias pointed before it, and the last one where it points."""
    model = make_model()
    one, two, three = (make_draft(model=model) for _number in range(3))
    for turn in range(2 * TRIES):
        name = f"best-{turn}"
        aliases.set_alias(model, name, by=scientist, version=one)
        refusals(
            race(
                lambda name=name: aliases.set_alias(model, name, by=scientist, version=two),
                lambda name=name: aliases.remove_alias(model, name, by=other_scientist),
                lambda name=name: aliases.set_alias(model, name, by=other_scientist, version=three),
            )
        )
        points = None
        moves = Event.objects.filter(type__in=["model.alias_set", "model.alias_removed"], subject_id=str(model.pk))
        for event in moves.order_by("subject_seq"):
            if event.data["name"] == name:
                assert event.data["former"] == points, (name, event.data)
                points = event.data.get("number")
        found = ModelAlias.objects.filter(model=model, name=name).first()
        assert (found.version.number if found else None) == points
