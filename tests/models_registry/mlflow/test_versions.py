"""Registering makes a draft that a person goes on with; aliases of the release process are set by nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.canonical import sha256_of
from governance.models import Release
from ledger.models import Entry, Event
from models_registry.models import Inspection, ModelAlias, RegisteredFile, RegisteredModel, Version
from models_registry.services import link_data, submission_gaps
from tests.models_registry.mlflow.conftest import FOLDER, Speaker
from tracking.models import TrainingRun

pytestmark = pytest.mark.django_db
WRONG, DENIED, ABSENT = (400, "INVALID_PARAMETER_VALUE"), (403, "PERMISSION_DENIED"), (404, "RESOURCE_DOES_NOT_EXIST")
SKLEARN = b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    pickled_model: model.pkl\n"


# -- models ------------------------------------------------------------------------------------------------------------------


def test_a_model_is_registered_with_nothing_guessed(speaker: Speaker, story: Callable[[], list[str]]) -> None:
    made = speaker.good("POST", "mlflow/registered-models/create", name="digit-reader", description="Reads digits.")
    assert made["registered_model"]["name"] == "digit-reader" and made["registered_model"]["description"] == "Reads digits."
    model = RegisteredModel.objects.get()
    assert (model.task, model.risk_tier) == ("", "")
    assert speaker("POST", "mlflow/registered-models/create", name="digit-reader").refusal == (400, "RESOURCE_ALREADY_EXISTS")
    assert story() == ["model.registered"]


def test_tags_state_what_mlflow_has_no_field_for(speaker: Speaker, story: Callable[[], list[str]]) -> None:
    stated = {"countersign.task": "binary", "countersign.classes": "no, yes", "owner": "me"}
    tags = [{"key": key, "value": value} for key, value in stated.items()]
    speaker.good("POST", "mlflow/registered-models/create", name="churn", tags=tags)
    speaker.good("POST", "mlflow/registered-models/set-tag", name="churn", key="countersign.risk_tier", value="high")
    model = RegisteredModel.objects.get()
    assert (model.task, model.risk_tier, model.classes, model.tags) == ("binary", "high", ["no", "yes"], {"owner": "me"})
    lower = speaker("POST", "mlflow/registered-models/set-tag", name="churn", key="countersign.risk_tier", value="low")
    assert lower.refusal == (409, "RESOURCE_CONFLICT") and "is stated: high" in lower.body["message"]
    assert speaker("DELETE", "mlflow/registered-models/delete-tag", name="churn", key="countersign.risk_tier").refusal == DENIED
    for key, value in (("countersign.task", "guessing"), ("countersign.risk_tier", "none")):
        unknown = speaker("POST", "mlflow/registered-models/create", name="other", tags=[{"key": key, "value": value}])
        assert unknown.refusal == WRONG
    shown = speaker.good("GET", "mlflow/registered-models/get", name="churn")["registered_model"]["tags"]
    assert {"key": "countersign.risk_tier", "value": "high"} in shown and {"key": "owner", "value": "me"} in shown
    assert story() == ["model.registered", "model.stated"]


def test_nothing_of_a_model_is_submitted_before_task_and_tier_are_stated(register: Callable[..., Any]) -> None:
    register()
    gaps = submission_gaps(Version.objects.get())
    assert gaps[0] == "The model's task and risk tier are not stated yet: state them on the model's page."


def test_a_name_that_cannot_be_had_comes_with_one_that_can(speaker: Speaker) -> None:
    answered = speaker("POST", "mlflow/registered-models/create", name="DigitReader v2!")
    assert answered.refusal == WRONG and answered.body["message"].endswith("Such as: digit-reader-v2")
    assert speaker("POST", "mlflow/registered-models/create", name="...").refusal == WRONG


def test_a_model_is_described_renamed_tagged_and_searched(speaker: Speaker) -> None:
    for name in ("b", "a", "c"):
        speaker.good("POST", "mlflow/registered-models/create", name=name)
    speaker.good("PATCH", "mlflow/registered-models/update", name="a", description="The first.")
    speaker.good("POST", "mlflow/registered-models/rename", name="a", new_name="alpha")
    assert speaker("POST", "mlflow/registered-models/rename", name="alpha", new_name="b").refusal == (
        400,
        "RESOURCE_ALREADY_EXISTS",
    )
    speaker.good("POST", "mlflow/registered-models/set-tag", name="b", key="is_prompt", value="true")
    speaker.good("POST", "mlflow/registered-models/set-tag", name="b", key="gone", value="true")
    speaker.good("DELETE", "mlflow/registered-models/delete-tag", name="b", key="gone")

    def names(**given: Any) -> list[str]:
        return [one["name"] for one in speaker.good("GET", "mlflow/registered-models/search", **given)["registered_models"]]

    assert names() == ["alpha", "b", "c"] and names(order_by=["name DESC"]) == ["c", "b", "alpha"]
    assert names(filter="tag.`is_prompt` != 'true'") == ["alpha", "c"] and names(filter="name ilike 'ALP%'") == ["alpha"]
    first = speaker.good("GET", "mlflow/registered-models/search", max_results=2)
    assert names(page_token=first["next_page_token"]) == ["c"]
    one = speaker.good("GET", "mlflow/registered-models/get", name="b")["registered_model"]
    assert one["tags"] == [{"key": "is_prompt", "value": "true"}]
    assert speaker("DELETE", "mlflow/registered-models/delete", name="b").refusal == DENIED
    assert RegisteredModel.objects.count() == 3


# -- versions ----------------------------------------------------------------------------------------------------------------


def test_a_folder_becomes_a_draft_with_everything_its_run_knows(
    speaker: Speaker, register: Callable[..., Any], story: Callable[[], list[str]]
) -> None:
    made = register(tags=[{"key": "a", "value": "b"}], description="Reads digits.", run_link="https://ci.example.org/1")
    version = Version.objects.get()
    assert (made["version"], made["status"], made["current_stage"]) == ("1", "READY", "None")
    assert (made["description"], made["run_link"], made["tags"]) == (
        "Reads digits.", "https://ci.example.org/1", [{"key": "a", "value": "b"}],
    )  # fmt: skip
    assert made["run_id"] == str(version.training_run_id) and made["source"].endswith("/artifacts/net")
    assert version.state == "draft" and version.card.content == {"overview": "Reads digits."}
    weights = RegisteredFile.objects.get(path="data/model.pth")
    assert (version.checkpoint_digest, version.checkpoint_size) == (weights.digest, len(FOLDER["data/model.pth"]))
    assert version.checkpoint_name == "model.pth"
    environment = TrainingRun.objects.get().environment
    assert environment["python"] == "3.11.7"
    assert environment["packages"] == [{"name": "mlflow", "version": "3.18.0"}, {"name": "torch", "version": "2.13.0"}]
    assert story()[-3:] == ["version.drafted", "card.revised", "version.checkpoint_received"]


def test_what_is_downloaded_is_what_was_registered(speaker: Speaker, register: Callable[..., Any]) -> None:
    """Whatever is done to the run afterwards."""
    made = register()
    run = speaker.good("GET", "mlflow/runs/get", run_id=made["run_id"])["run"]
    speaker.put(run["info"]["artifact_uri"], "net/data/model.pth", b"other weights")
    uri = speaker.good("GET", "mlflow/model-versions/get-download-uri", name="digit-reader", version="1")["artifact_uri"]
    assert [one["path"] for one in speaker.files(uri)] == ["MLmodel", "data", "python_env.yaml", "requirements.txt"]
    assert {path: speaker.fetch(uri, path) for path in FOLDER} == FOLDER
    assert speaker.put(uri, "MLmodel", b"x").json()["error_code"] == "PERMISSION_DENIED"


def test_a_logged_model_is_registered_by_its_id(speaker: Speaker) -> None:
    run = speaker.start()
    given = {"experiment_id": "0", "name": "net", "source_run_id": run["info"]["run_id"]}
    logged = speaker.good("POST", "mlflow/logged-models", **given)["model"]["info"]
    for path, data in FOLDER.items():
        speaker.put(logged["artifact_uri"], path, data)
    speaker.good("POST", "mlflow/registered-models/create", name="digit-reader")
    of = {"name": "digit-reader", "source": f"models:/{logged['model_id']}", "model_id": logged["model_id"]}
    made = speaker.good("POST", "mlflow/model-versions/create", **of)["model_version"]
    assert (made["model_id"], made["run_id"]) == (logged["model_id"], run["info"]["run_id"])
    assert Version.objects.get().checkpoint_name == "model.pth"
    speaker.good("POST", "mlflow/registered-models/create", name="copy")
    copied = speaker.good("POST", "mlflow/model-versions/create", name="copy", source="models:/digit-reader/1")["model_version"]
    assert copied["version"] == "1" and RegisteredFile.objects.filter(version__model__name="copy").count() == len(FOLDER)
    assert Event.objects.get(type="version.cloned").data["name"] == "digit-reader v1"


def test_a_copy_names_what_its_originals_weights_learned_from(
    speaker: Speaker, register: Callable[..., Any], make_data: Any, scientist: Any
) -> None:
    """Also where a person named it on the original, and no run reported it."""
    register()
    original, data = Version.objects.get(), make_data("digits-train")
    link_data(original, data, use="training", by=scientist)
    speaker.good("POST", "mlflow/registered-models/create", name="copy")
    speaker.good("POST", "mlflow/model-versions/create", name="copy", source="models:/digit-reader/1")
    copy = Version.objects.get(model__name="copy")
    assert [(one.use, one.dataset_version) for one in copy.data.all()] == [("training", data)]


@pytest.mark.parametrize("name", ["copy", "digit-reader"])
@pytest.mark.parametrize("state", ["rejected", "suspended", "retired"])
def test_what_was_stopped_is_not_registered_again(
    state: str, name: str, speaker: Speaker, register: Callable[..., Any], story: Callable[[], list[str]]
) -> None:
    register()
    speaker.good("POST", "mlflow/registered-models/create", name="copy")
    Version.objects.update(state=state)
    before = len(story())
    answered = speaker("POST", "mlflow/model-versions/create", name=name, source="models:/digit-reader/1")
    assert answered.refusal == (409, "RESOURCE_CONFLICT") and "so it is not cloned" in answered.body["message"]
    assert Version.objects.count() == 1 and story()[before:] == []


def test_what_the_inspection_refused_is_not_registered_again(speaker: Speaker, register: Callable[..., Any]) -> None:
    register()
    speaker.good("POST", "mlflow/registered-models/create", name="copy")
    original = Version.objects.get()
    Version.objects.update(state="changes_requested")
    now = clock.now()
    Inspection.objects.create(version=original, queued_at=now, state="completed", verdict="refused")
    answered = speaker("POST", "mlflow/model-versions/create", name="copy", source="models:/digit-reader/1")
    assert answered.refusal == (409, "RESOURCE_CONFLICT") and "inspection refused" in answered.body["message"]


def test_the_original_is_locked_behind_the_model_before_its_copy_begins(speaker: Speaker, register: Callable[..., Any]) -> None:
    """So nobody stops it meanwhile, and nobody who locks in the same order waits in a ring."""
    register()
    speaker.good("POST", "mlflow/registered-models/create", name="copy")
    with CaptureQueriesContext(connection) as queries:
        speaker.good("POST", "mlflow/model-versions/create", name="copy", source="models:/digit-reader/1")
    said = [one["sql"] for one in queries]
    [locked] = [at for at, sql in enumerate(said) if 'FOR UPDATE OF "models_registry_version"' in sql]
    model = next(at for at, sql in enumerate(said) if "FOR UPDATE" in sql and 'FROM "models_registry_registeredmodel"' in sql)
    begun = next(at for at, sql in enumerate(said) if sql.startswith('INSERT INTO "models_registry_version"'))
    assert model < locked < begun


@pytest.mark.parametrize(
    ("files", "weights", "says"),
    [
        ({"MLmodel": SKLEARN, "model.pkl": b"\x80\x04pickle"}, "", "Registered with MLflow as sklearn"),
        ({"MLmodel": SKLEARN, "data/model.pth": b"hidden"}, "", "Registered with MLflow as sklearn"),
        ({"weights.safetensors": b"w"}, "weights.safetensors", ""),
        ({"a.pt": b"w", "b.pt": b"w"}, "", "could not be told"),
        ({"MLmodel": FOLDER["MLmodel"], "data/model.pt2": b"w", "extra/model.pt2": b"v"}, "model.pt2", ""),
        ({"MLmodel": b"\x00\xff: {!!python/object:os.system x\n- &a *a", "model.pkl": b"p"}, "", "could not be told"),
    ],
)
def test_only_what_pytorch_wrote_becomes_a_checkpoint(
    register: Callable[..., Any], files: dict[str, bytes], weights: str, says: str
) -> None:
    made = register(files=files)
    version = Version.objects.get()
    assert (version.checkpoint_name, bool(version.checkpoint_digest)) == (weights, bool(weights))
    assert says in version.note and says in made["status_message"]
    assert RegisteredFile.objects.count() == len(files)


@pytest.mark.parametrize(
    "source",
    ["s3://bucket/x", "/srv/x", "file:///etc", "models:/none/1", "runs:/x/net", "mlflow-artifacts:/a/b", "models:/m-0", "../.."],
)
def test_a_source_that_does_not_lie_here_is_refused(speaker: Speaker, source: str) -> None:
    speaker.good("POST", "mlflow/registered-models/create", name="digit-reader")
    assert speaker("POST", "mlflow/model-versions/create", name="digit-reader", source=source).refusal in {WRONG, ABSENT}
    assert not Version.objects.exists()


def test_a_folder_without_files_is_refused(speaker: Speaker) -> None:
    run = speaker.start()
    speaker.good("POST", "mlflow/registered-models/create", name="digit-reader")
    answered = speaker("POST", "mlflow/model-versions/create", name="digit-reader", source=f"runs:/{run['info']['run_id']}/net")
    assert answered.refusal == WRONG and "Nothing is kept at the source" in answered.body["message"]


def test_an_alias_of_a_draft_that_was_withdrawn_leads_nowhere(speaker: Speaker, register: Callable[..., Any]) -> None:
    register()
    of = {"name": "digit-reader", "alias": "best"}
    speaker.good("POST", "mlflow/registered-models/alias", **of, version="1")
    speaker.good("DELETE", "mlflow/model-versions/delete", name="digit-reader", version="1")
    assert speaker("GET", "mlflow/registered-models/alias", **of).refusal == WRONG
    assert "best" not in str(speaker.good("GET", "mlflow/registered-models/get", name="digit-reader"))


def test_a_draft_is_described_tagged_and_withdrawn(speaker: Speaker, register: Callable[..., Any]) -> None:
    register()
    of = {"name": "digit-reader", "version": "1"}
    for _again in range(2):
        made = speaker.good("PATCH", "mlflow/model-versions/update", **of, description="Better words.")["model_version"]
        assert made["description"] == "Better words."
    speaker.good("POST", "mlflow/model-versions/set-tag", **of, key="a", value="b")
    speaker.good("POST", "mlflow/model-versions/set-tag", **of, key="c", value="d")
    speaker.good("DELETE", "mlflow/model-versions/delete-tag", **of, key="a")
    assert speaker.good("GET", "mlflow/model-versions/get", **of)["model_version"]["tags"] == [{"key": "c", "value": "d"}]
    speaker.good("DELETE", "mlflow/model-versions/delete", **of)
    assert Version.objects.get().state == "withdrawn"
    assert speaker("GET", "mlflow/model-versions/get", **of).refusal == ABSENT
    assert speaker.good("GET", "mlflow/model-versions/search", filter="name='digit-reader'")["model_versions"] == []
    register()
    assert speaker.good("GET", "mlflow/model-versions/get", name="digit-reader", version="2")["model_version"]["version"] == "2"


def test_what_was_submitted_stays_as_it_is(speaker_of: Callable[..., Speaker], make_review: Any, scientist: Any) -> None:
    version = make_review().version
    client, of = speaker_of(scientist), {"name": version.model.name, "version": str(version.number)}
    refused = client("DELETE", "mlflow/model-versions/delete", **of)
    assert refused.refusal == DENIED and version.get_absolute_url() in refused.body["message"]
    refused = client("PATCH", "mlflow/model-versions/update", **of, description="Other words.")
    assert refused.refusal == (409, "RESOURCE_CONFLICT") and version.get_absolute_url() in refused.body["message"]
    refused = client("POST", "mlflow/registered-models/rename", name=version.model.name, new_name="other")
    assert refused.refusal == DENIED


def test_versions_are_searched_by_name_run_number_and_tags(speaker: Speaker, register: Callable[..., Any]) -> None:
    first = register(tags=[{"key": "a", "value": "b"}])
    register()
    register("other")

    def found(**given: Any) -> list[str]:
        versions = speaker.good("GET", "mlflow/model-versions/search", **given)["model_versions"]
        return [f"{one['name']}/{one['version']}" for one in versions]

    assert found() == ["other/1", "digit-reader/2", "digit-reader/1"]
    assert found(filter="name='digit-reader'", order_by=["version_number ASC"]) == ["digit-reader/1", "digit-reader/2"]
    assert found(filter=f"run_id = '{first['run_id']}'") == ["digit-reader/1"] and found(filter="tags.a = 'b'") == [
        "digit-reader/1"
    ]
    assert found(filter="run_id = 'none'") == [] and found(filter="name IN ('other', 'none') AND version_number > 0") == [
        "other/1"
    ]
    page = speaker.good("GET", "mlflow/model-versions/search", max_results=2)
    assert found(page_token=page["next_page_token"]) == ["digit-reader/1"]
    for wrong in ("size = 1", "name", "name =", "name = 1", "name = 'a' OR name = 'b'", "name IN ('a'", "version_number > 'x'"):
        assert speaker("GET", "mlflow/model-versions/search", filter=wrong).refusal == WRONG
    latest = speaker.good("POST", "mlflow/registered-models/get-latest-versions", name="digit-reader")["model_versions"]
    assert [one["version"] for one in latest] == ["2"]


def test_lists_cost_the_same_for_one_and_for_many(
    speaker: Speaker, register: Callable[..., Any], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for names in (["a"], ["b", "c", "d"]):
        for name in names:
            register(name)
        for address in ("mlflow/registered-models/search", "mlflow/model-versions/search"):
            with django_assert_max_num_queries(12):
                speaker.good("GET", address)


# -- aliases -----------------------------------------------------------------------------------------------------------------


def test_an_alias_points_at_one_version_and_moves(speaker: Speaker, register: Callable[..., Any], story: Any) -> None:
    register()
    register()
    told = len(story())
    for version in ("1", "2", "2"):
        speaker.good("POST", "mlflow/registered-models/alias", name="digit-reader", alias="best", version=version)
    found = speaker.good("GET", "mlflow/registered-models/alias", name="digit-reader", alias="best")["model_version"]
    assert (found["version"], found["aliases"]) == ("2", ["best"])
    model = speaker.good("GET", "mlflow/registered-models/get", name="digit-reader")["registered_model"]
    assert model["aliases"] == [{"alias": "best", "version": "2"}]
    speaker.good("DELETE", "mlflow/registered-models/alias", name="digit-reader", alias="best")
    assert speaker("GET", "mlflow/registered-models/alias", name="digit-reader", alias="best").refusal == WRONG
    assert speaker("DELETE", "mlflow/registered-models/alias", name="digit-reader", alias="best").refusal == ABSENT
    assert story()[told:] == ["model.alias_set", "model.alias_set", "model.alias_removed"]


@pytest.mark.parametrize("alias", ["v1", "latest", "a b", "a/b", "", "ü", "x" * 65])
def test_an_alias_that_could_be_taken_for_something_else_is_refused(
    speaker: Speaker, register: Callable[..., Any], alias: str
) -> None:
    register()
    assert speaker("POST", "mlflow/registered-models/alias", name="digit-reader", alias=alias, version="1").refusal == WRONG


@pytest.mark.parametrize("alias", ["production", "staging", "Production", "PRODUCTION"])
def test_an_alias_of_the_release_process_is_set_by_nobody(
    speaker: Speaker, register: Callable[..., Any], alias: str, story: Callable[[], list[str]]
) -> None:
    register()
    page = Version.objects.get().get_absolute_url()
    for method, given in (("POST", {"version": "1"}), ("DELETE", {})):
        refused = speaker(method, "mlflow/registered-models/alias", name="digit-reader", alias=alias, **given)
        assert refused.refusal == DENIED and "follows the release process" in refused.body["message"]
        assert method == "DELETE" or page in refused.body["message"]
    stage = speaker("POST", "mlflow/model-versions/transition-stage", name="digit-reader", version="1", stage=alias)
    assert stage.refusal == DENIED and page in stage.body["message"]
    assert not ModelAlias.objects.exists() and story()[-2:] == ["attempt.refused", "attempt.refused"]


def test_the_alias_of_an_environment_names_what_is_live_there(
    speaker_of: Callable[..., Speaker], make_approved: Callable[..., Any], scientist: Any, risk_manager: Any
) -> None:
    from governance.services import release  # noqa: PLC0415 - plug-ins load before the settings do

    version = make_approved()
    client, name = speaker_of(scientist), version.model.name
    assert client("GET", "mlflow/registered-models/alias", name=name, alias="production").refusal == WRONG
    release(version, by=risk_manager, environment="production")
    assert Release.objects.live().count() == 1
    found = client.good("GET", "mlflow/registered-models/alias", name=name, alias="production")["model_version"]
    assert found["version"] == str(version.number) and "production" in found["aliases"]
    stage = client.good("POST", "mlflow/registered-models/get-latest-versions", name=name, stages=["Production"])
    assert [one["version"] for one in stage["model_versions"]] == [str(version.number)]
    other = client("POST", "mlflow/model-versions/transition-stage", name=name, version=str(version.number), stage="Archived")
    assert other.refusal == WRONG


def test_tags_in_the_log_are_named_and_their_texts_are_digests(speaker: Speaker, register: Any) -> None:
    register()
    speaker.good("POST", "mlflow/model-versions/set-tag", name="digit-reader", version="1", key="a", value="b")
    told = json.loads(bytes(Entry.objects.get(type="registry.tagged").body))
    assert told["data"] == {"tag": "a", "value_digest": sha256_of("b")}
