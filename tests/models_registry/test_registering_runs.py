"""A training run becomes a draft version in one step: what is taken over, what is refused, what stays to be done."""

from __future__ import annotations

from typing import Any

import pytest

from core import blobs
from core.errors import DomainError, InvalidInput, NotAllowed, WrongState
from governance import services as governance
from ledger.models import Event
from models_registry.models import Version
from models_registry.registering_runs import not_linked, version_from_run
from models_registry.services import draft_version, submission_gaps
from tests.plugins_versions import CARD
from tracking import services as tracking

pytestmark = pytest.mark.django_db

HEADER = b"\x02\0\0\0\0\0\0\0{}"  # of a safetensors file without tensors
ARCHITECTURE = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [16], "classes": 3}}


@pytest.fixture
def make_trained(team: Any, scientist: Any) -> Any:
    """`make_trained({"model.safetensors": bytes}, data=[…])`: an ended run that keeps these files."""

    def make(files: Any = None, *, data: Any = (), state: str = "finished", in_team: Any = None, **facts: Any) -> Any:
        run = tracking.start_run(in_team or team, by=scientist, **{"name": "the best one", "params": {"lr": 0.1}} | facts)
        for path, content in ({"model.safetensors": HEADER} if files is None else files).items():
            tracking.keep_artifact(run, by=scientist, path=path, chunks=[content])
        if data:
            tracking.log(run, by=scientist, data=data)
        return tracking.end_run(run, by=scientist, state=state) if state != "running" else run

    return make


def test_the_checkpoint_is_the_runs_own_blob(make_trained: Any, make_model: Any, scientist: Any, data_dir: Any) -> None:
    run, model = make_trained(), make_model()
    before = sorted(data_dir.glob("blobs/**/*"))
    version = version_from_run(run, model=model, by=scientist, note="wider")
    assert (version.training_run, version.state, version.note) == (run, "draft", "wider")
    assert version.checkpoint_digest == run.artifacts.get().digest
    assert (version.checkpoint_size, version.checkpoint_name) == (len(HEADER), "model.safetensors")
    assert sorted(data_dir.glob("blobs/**/*")) == before


def test_it_is_told_with_the_run_it_came_from(make_trained: Any, make_model: Any, scientist: Any, story: Any) -> None:
    run, model = make_trained(), make_model()
    before = len(story())
    version_from_run(run, model=model, by=scientist)
    assert story()[before:] == ["version.drafted", "card.revised", "version.checkpoint_received"]
    assert Event.objects.get(type="version.drafted").data["run"] == str(run.pk)


def test_data_are_named_for_the_use_that_the_run_said(make_trained: Any, make_model: Any, make_data: Any, scientist: Any) -> None:
    train, tune, stop, test = (make_data(name, content=name.encode()) for name in ("a", "b", "c", "d"))
    said = zip((train, tune, stop, test), ("Train", "validation", "early_stopping", "eval"), strict=True)
    run = make_trained(data=[{"name": str(one), "digest": one.digest, "context": use} for one, use in said])
    version = version_from_run(run, model=make_model(), by=scientist)
    named = {link.use: link.dataset_version for link in version.data.all()}
    assert named == {"training": train, "validation": tune, "stopping": stop, "testing": test}
    assert not_linked(version) == []


def test_data_that_cannot_be_named_are_listed_with_the_reason(
    make_trained: Any, make_model: Any, make_data: Any, scientist: Any
) -> None:
    known = make_data("known")
    run = make_trained(
        data=[
            {"name": "elsewhere", "digest": "sha256:" + 64 * "0", "context": "training"},
            {"name": "dvc", "digest": "md5:" + 32 * "0", "context": "training"},
            {"name": "odd", "digest": known.digest, "context": "calibrating the oven"},
            {"name": "silent", "digest": known.digest},
        ]
    )
    version = version_from_run(run, model=make_model(), by=scientist)
    assert not version.data.exists()
    assert {one.data.name: one.why for one in not_linked(version)} == {
        "elsewhere": "No dataset version with this digest is registered in the team.",
        "dvc": "It was reported without the SHA-256 of its content, so it cannot be told which dataset version it is.",
        "odd": "Its use has no meaning here.",
        "silent": "It was not said what it was used for.",
    }


def test_card_and_construction_go_on_from_the_version_before(
    make_trained: Any, make_model: Any, scientist: Any, make_draft: Any
) -> None:
    model = make_model()
    draft_version(model, by=scientist, card=CARD, architecture=ARCHITECTURE)
    version = version_from_run(make_trained(), model=model, by=scientist)
    assert version.card.content == CARD
    assert version.architecture == ARCHITECTURE
    other = {"name": "mlp", "config": {"input": [64], "hidden": [8], "classes": 3}}
    assert version_from_run(make_trained(), model=model, by=scientist, architecture=other).architecture == other


def test_what_a_first_version_lacks_is_said(make_trained: Any, make_model: Any, scientist: Any) -> None:
    gaps = submission_gaps(version_from_run(make_trained(), model=make_model(), by=scientist))
    assert "No dataset version is named as training data." in gaps
    assert "The card says nothing under “Overview”." in gaps
    assert not any("checkpoint" in gap for gap in gaps)


def test_a_run_that_has_not_ended_is_not_registered(make_trained: Any, make_model: Any, scientist: Any) -> None:
    with pytest.raises(WrongState, match="has not ended"):
        version_from_run(make_trained(state="running"), model=make_model(), by=scientist)
    assert not Version.objects.exists()


def test_a_draft_on_a_running_run_is_not_submitted_so_the_run_is_not_fixed_by_accident(
    make_draft: Any, scientist: Any, team: Any
) -> None:
    version = make_draft()
    run = tracking.start_run(team, by=scientist, name="going on")
    Version.objects.filter(pk=version.pk).update(training_run=run)
    version.refresh_from_db()
    with pytest.raises(InvalidInput, match="“going on” has not ended yet"):
        governance.submit(version, by=scientist)
    run.refresh_from_db()
    assert run.fixed_at is None


@pytest.mark.parametrize("state", ["failed", "killed"])
def test_a_run_that_broke_off_may_have_left_the_best_checkpoint(
    make_trained: Any, make_model: Any, scientist: Any, state: str
) -> None:
    assert version_from_run(make_trained(state=state), model=make_model(), by=scientist).checkpoint_digest


def test_a_hidden_run_is_not_registered(make_trained: Any, make_model: Any, scientist: Any) -> None:
    run = make_trained()
    tracking.hide_run(run, by=scientist)
    with pytest.raises(WrongState, match="hidden"):
        version_from_run(run, model=make_model(), by=scientist)


def test_only_data_scientists_of_the_team_register(make_trained: Any, make_model: Any, validator: Any) -> None:
    with pytest.raises(NotAllowed, match="Only a data scientist"):
        version_from_run(make_trained(), model=make_model(), by=validator)
    assert Event.objects.get(type="attempt.refused").data["attempt"] == "draft_version"


def test_a_version_stands_on_a_run_of_its_own_team(
    make_trained: Any, make_model: Any, make_team: Any, make_person: Any, scientist: Any
) -> None:
    other = make_team("speech")
    both = make_person("Bea Both", ("data_scientist", other), ("data_scientist", scientist.memberships.get().team))
    run = tracking.start_run(other, by=both, name="theirs")
    tracking.keep_artifact(run, by=both, path="model.safetensors", chunks=[HEADER])
    run = tracking.end_run(run, by=both, state="finished")
    model = make_model()
    for attempt in (
        lambda: version_from_run(run, model=model, by=both),
        lambda: draft_version(model, by=both, card=CARD, run=run),
    ):
        with pytest.raises(InvalidInput, match="another team"):
            attempt()
    assert not Version.objects.exists()


@pytest.mark.parametrize(
    ("files", "artifact", "sentence"),
    [
        ({}, "", "keeps no artifact"),
        ({"notes.txt": b"hello there"}, "", "does not begin as a checkpoint"),
        ({"a.safetensors": HEADER, "b.safetensors": HEADER + b" "}, "", "a.safetensors, b.safetensors"),
        ({"a.safetensors": HEADER}, "b.safetensors", "keeps no artifact “b.safetensors”. It keeps a.safetensors."),
        ({"a.safetensors": HEADER}, "../a.safetensors", "keeps no artifact"),
        ({"a.safetensors": HEADER}, "a.safetensors\x00", None),
    ],
)
def test_the_checkpoint_is_never_guessed(
    make_trained: Any, make_model: Any, scientist: Any, files: Any, artifact: str, sentence: str | None
) -> None:
    run, model = make_trained(files), make_model()
    if sentence is None:
        assert version_from_run(run, model=model, by=scientist, artifact=artifact)
        return
    with pytest.raises(DomainError, match=sentence):
        version_from_run(run, model=model, by=scientist, artifact=artifact)


def test_a_checkpoint_is_known_by_its_bytes_and_archives_by_their_name_too(
    make_trained: Any, make_model: Any, scientist: Any
) -> None:
    archive = b"PK\x03\x04 and so on"
    run = make_trained({"weights": HEADER, "results.zip": archive, "plots/loss.png": b"\x89PNG\r\n\x1a\n", "log.txt": b"0.1"})
    assert version_from_run(run, model=make_model(), by=scientist).checkpoint_name == "weights"
    saved = make_trained({"results.zip": archive, "last.PT": archive})
    assert version_from_run(saved, model=Version.objects.get().model, by=scientist).checkpoint_name == "last.PT"


def test_a_file_whose_bytes_are_lost_is_no_checkpoint(make_trained: Any, make_model: Any, scientist: Any, data_dir: Any) -> None:
    run = make_trained({"a.safetensors": HEADER, "b.safetensors": HEADER + b" "})
    lost = run.artifacts.get(path="a.safetensors").digest
    with blobs.open_blob(lost) as file:
        name = file.name
    (data_dir / "blobs" / name).chmod(0o600)
    (data_dir / "blobs" / name).unlink()
    assert version_from_run(run, model=make_model(), by=scientist).checkpoint_name == "b.safetensors"


def test_a_reading_that_is_not_understood_is_refused_before_anything(make_trained: Any, make_model: Any, scientist: Any) -> None:
    with pytest.raises(InvalidInput):
        version_from_run(make_trained(), model=make_model(), by=scientist, reading={"nonsense": 1})
    assert not Version.objects.exists()


# -- the edges ---------------------------------------------------------------------------------------------------------------


def test_over_the_api_the_answer_says_what_is_missing(make_trained: Any, make_model: Any, scientist: Any, api_of: Any) -> None:
    run = make_trained(data=[{"name": "elsewhere", "digest": "md5:0", "context": "training"}])
    answer = api_of(scientist).post(f"/api/v1/runs/{run.pk}/registration/", {"model": str(make_model().pk)})
    assert answer.status_code == 201
    assert answer.data["training_run"] == run.pk
    assert "No dataset version is named as training data." in answer.data["gaps"]
    assert [(one["name"], one["context"]) for one in answer.data["not_linked"]] == [("elsewhere", "training")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_input"),
        ({"model": "00000000-0000-7000-8000-000000000000"}, "unknown_model"),
        ({"model": "MODEL", "artifact": "other"}, "unknown_artifact"),
        ({"model": "MODEL", "artifact": "zero\x00"}, "invalid_input"),
        ({"model": "MODEL", "reading": {"nonsense": 1}}, "reading"),
    ],
)
def test_over_the_api_a_refusal_says_why(
    make_trained: Any, make_model: Any, scientist: Any, api_of: Any, body: Any, code: str
) -> None:
    model = make_model()
    given = {key: str(model.pk) if value == "MODEL" else value for key, value in body.items()}
    answer = api_of(scientist).post(f"/api/v1/runs/{make_trained().pk}/registration/", given)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == code
    assert not Version.objects.exists()


def test_a_run_that_one_may_not_see_does_not_exist(make_trained: Any, make_model: Any, stranger: Any, api_of: Any) -> None:
    url = f"/api/v1/runs/{make_trained().pk}/registration/"
    assert api_of(stranger).post(url, {"model": str(make_model().pk)}).status_code == 404


def test_from_the_runs_page_to_the_draft_and_what_it_lacks(
    make_trained: Any, make_model: Any, scientist: Any, client_of: Any
) -> None:
    run, model, client = make_trained(), make_model(), client_of(scientist)
    address = f"/runs/{run.pk}/register/"
    assert address in client.get(run.get_absolute_url()).content.decode()
    assert "model.safetensors" in client.get(address).content.decode()
    answer = client.post(address, {"model": str(model.pk), "artifact": "model.safetensors"})
    version = Version.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, version.get_absolute_url())
    draft = client.get(version.get_absolute_url()).content.decode()
    assert "No dataset version is named as training data." in draft
    assert run.get_absolute_url() in draft
    assert version.get_absolute_url() in client.get(run.get_absolute_url()).content.decode()


def test_a_run_without_files_asks_for_no_path(make_trained: Any, make_model: Any, scientist: Any, client_of: Any) -> None:
    make_model()
    address = f"/runs/{make_trained({}).pk}/register/"
    shown = client_of(scientist).get(address).content.decode()
    assert "This run kept no file" in shown and "run.log_artifact" in shown and 'name="artifact"' not in shown


def test_a_refusal_on_the_page_stands_above_the_form(make_trained: Any, make_model: Any, scientist: Any, client_of: Any) -> None:
    run = make_trained(state="running")
    answer = client_of(scientist).post(f"/runs/{run.pk}/register/", {"model": str(make_model().pk)})
    assert answer.status_code == 409
    assert "has not ended" in answer.content.decode()


def test_who_may_not_register_sees_no_button_and_is_told_why(
    make_trained: Any, validator: Any, stranger: Any, client_of: Any
) -> None:
    run = make_trained()
    page = client_of(validator).get(run.get_absolute_url()).content.decode()
    assert "/register/" not in page
    answer = client_of(validator).get(f"/runs/{run.pk}/register/")
    assert answer.status_code == 403
    assert "Only a data scientist" in answer.content.decode()
    assert client_of(stranger).get(f"/runs/{run.pk}/register/").status_code == 404


def test_a_running_run_shows_no_button(make_trained: Any, scientist: Any, client_of: Any) -> None:
    page = client_of(scientist).get(make_trained(state="running").get_absolute_url()).content.decode()
    assert "/register/" not in page


def test_a_draft_is_finished_and_submitted_on_its_page(
    make_trained: Any, make_model: Any, make_data: Any, scientist: Any, client_of: Any
) -> None:
    run, client = make_trained(), client_of(scientist)
    version = version_from_run(run, model=make_model(), by=scientist)
    page = version.get_absolute_url()
    train, test = make_data("train", content=b"learned"), make_data("test", content=b"held out")
    card = {f"card_{key}": text for key, text in CARD.items()}
    data = {"training": [str(train.pk)], "testing": [str(test.pk)]}
    client.post(f"{page}finish/", {"environment": "staging", "architecture": "-", "run": str(run.pk), **data, **card})
    version.refresh_from_db()
    run.refresh_from_db()
    assert version.state == "submitted"
    assert run.fixed_at is not None


def test_a_card_taken_over_word_for_word_is_to_be_read_again(
    make_trained: Any, make_model: Any, scientist: Any, client_of: Any
) -> None:
    model = make_model()
    first = draft_version(model, by=scientist, card=CARD)
    version = version_from_run(make_trained(), model=model, by=scientist)
    client = client_of(scientist)
    assert f"Word for word as in {first}" in client.get(version.get_absolute_url()).content.decode()
    governance.revise_card(version, CARD | {"limitations": "Bad light."}, by=scientist)
    assert "Word for word" not in client.get(version.get_absolute_url()).content.decode()


def test_data_named_over_the_api_fill_the_gap(make_draft: Any, make_data: Any, scientist: Any, api_of: Any) -> None:
    version, stop = make_draft(), make_data("stop", content=b"stopped on")
    url = f"/api/v1/versions/{version.pk}/data/"
    answer = api_of(scientist).post(url, {"dataset_version": str(stop.pk), "use": "stopping"})
    assert answer.status_code == 201
    assert {one["use"] for one in answer.data["data"]} == {"training", "testing", "stopping"}
    governance.submit(version, by=scientist)
    again = api_of(scientist).post(url, {"dataset_version": str(make_data("late", content=b"late").pk), "use": "training"})
    assert (again.status_code, again.json()["code"]) == (409, "already_submitted")


def test_the_comparison_leads_to_each_run_that_can_be_registered(
    make_trained: Any, scientist: Any, validator: Any, client_of: Any
) -> None:
    ended, running = make_trained(), make_trained(state="running")
    address = f"/runs/compare/?run={ended.pk}&run={running.pk}"
    page = client_of(scientist).get(address).content.decode()
    assert f"/runs/{ended.pk}/register/" in page
    assert f"/runs/{running.pk}/register/" not in page
    assert "/register/" not in client_of(validator).get(address).content.decode()


def test_the_evidence_page_shows_what_the_run_knows_as_claimed(
    make_trained: Any, make_model: Any, scientist: Any, auditor: Any, client_of: Any, django_assert_max_num_queries: Any
) -> None:
    facts = {
        "training": {
            "seeds": {"torch": 4177},
            "libraries": {"fastai": "2.8.1"},
            "summary": "Linear(64, 10)",
            "early_stopping": {"monitor": "val/loss", "patience": 3, "stopped_step": 5},
        },
        "environment": {"platform": "Linux 6.1", "hardware": {"cpu": "Example 9000"}},
        "series": [{"name": f"{part}/loss", "steps": [0, 1], "values": [2, 0.25]} for part in ("train", "val")],
    }
    data = [{"name": "by-dvc", "digest": "md5:0123456789abcdef0123456789abcdef", "context": "training"}]
    version = version_from_run(make_trained(data=data, **facts), model=make_model(), by=scientist)
    client = client_of(auditor)
    with django_assert_max_num_queries(26):
        page = client.get(f"{version.get_absolute_url()}evidence/").content.decode()
    told = ("as claimed", "4177", "2.8.1", "Linear(64, 10)", "Early stopping watched val/loss", "Example 9000", "by-dvc")
    for words in (*told, "md5:01234567", "train/loss", "0.25 at 1", "<svg"):
        assert words in page, words
