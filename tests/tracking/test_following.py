"""The page of a run follows its training: how it stands, what was reported, and what is drawn."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core.clock import now
from core.registry import Registry
from models_registry.services import draft_version
from tests.conftest import TOP_BAR
from tests.plugins_versions import CARD
from tracking import parts, services
from tracking.models import TrainingRun
from tracking.parts import Part
from tracking.standing import early_stopping_of, marks_of, schedule_of, standing_of

pytestmark = pytest.mark.django_db
STOPPING = {
    "monitor": "valid/loss",
    "mode": "min",
    "patience": 5,
    "best_step": 70,
    "best_value": 0.31,
    "stopped_step": 95,
    "reason": "no improvement",
}


@pytest.fixture
def start(team, scientist):
    def started(**more):
        return services.start_run(team, by=scientist, name="digits cnn", **more)

    return started


@pytest.fixture
def look(client_of, auditor):
    client = client_of(auditor)

    def shown(run, query="", *, fragment=False):
        answer = client.get(run.get_absolute_url() + query, headers={"HX-Request": "true"} if fragment else {})
        assert answer.status_code == 200
        return answer.content.decode()

    return shown


def _curve(name, count=20, **more):
    return {"name": name, "steps": list(range(count)), "values": [1 / (1 + step) for step in range(count)], **more}


def test_a_running_run_asks_for_its_figures_again_and_only_for_them(start, look):
    run = start(series=[_curve("train/loss")], params={"lr": 0.1})
    whole, fragment = look(run), look(run, fragment=True)
    for shown in (whole, fragment):
        assert f'hx-get="/runs/{run.pk}/" hx-trigger="every 5s"' in shown
        assert re.search(r"Heard \d+ seconds? ago\.", shown)
    assert '<meta http-equiv="refresh" content="10">' in whole
    assert "<html" not in fragment and "Parameters" not in fragment and 'class="line-chart"' in fragment


def test_new_points_are_in_the_next_fragment(start, look, scientist):
    run = start(series=[_curve("train/loss", 3)])
    assert "0.00012345" not in look(run, fragment=True)
    services.log(run, by=scientist, series=[{"name": "train/loss", "steps": [3], "values": [0.00012345]}])
    services.log(run, by=scientist, series=[{"name": "lr", "steps": [3], "values": [0.25]}])
    fragment = look(run, fragment=True)
    assert "0.00012345" in fragment and "Learning rate and momentum" in fragment


def test_the_last_fragment_brings_what_was_reported_meanwhile_and_asks_no_more(start, look, scientist):
    run = start(series=[_curve("train/loss")])
    services.log(run, by=scientist, params={"late": "param"})
    services.end_run(run, by=scientist, state="finished")
    fragment = look(run, fragment=True)
    assert "hx-get" not in fragment and "It reported that it finished." in fragment
    assert 'id="reported" hx-swap-oob="true"' in fragment and "late" in fragment
    assert fragment.count('id="reported"') == look(run).count('id="reported"') == 1


def test_an_imported_run_reported_nothing_itself(start, scientist):
    run = start(origin="import")
    services.end_run(run, by=scientist, state="finished")
    run.refresh_from_db()
    assert standing_of(run, at=now()).sentence == "It was imported as finished."


def test_a_run_that_fell_silent_is_never_shown_as_finished(start, look):
    run = start(series=[_curve("train/loss")])
    for minutes, silent in ((4, False), (6, True)):
        TrainingRun.objects.filter(pk=run.pk).update(heard_at=now() - timedelta(minutes=minutes))
        run.refresh_from_db()
        assert (standing_of(run, at=now()).look == "silent") is silent
    shown = look(run)
    assert "It probably ended without saying so." in shown and "It is not finished" in shown
    assert 'hx-trigger="every 30s"' in shown and "Finished" not in shown and "It reported that it finished" not in shown


@pytest.mark.parametrize(
    ("state", "words"), [("finished", "that it finished"), ("failed", "that it failed"), ("killed", "stopped before its end")]
)
def test_an_ended_run_says_how_it_ended_and_marks_where(start, look, scientist, state, words):
    run = start(series=[_curve("train/loss"), _curve("valid/loss", 5)])
    services.end_run(run, by=scientist, state=state)
    shown = look(run)
    assert words in shown and "hx-get" not in shown.split('id="figures"')[1][:200]
    assert ">ended<" in shown and ">lowest valid/loss<" in shown


def test_early_stopping_is_told_and_marked(start, look, scientist):
    run = start(series=[_curve("train/loss", 100), _curve("valid/loss", 100)], training={"early_stopping": STOPPING})
    sentence = (
        "Early stopping watched valid/loss (lower is better) with a patience of 5; best 0.31 at step 70; "
        "training stopped at step 95. Reported reason: no improvement"
    )
    shown = look(run)
    assert sentence in shown
    assert ">best valid/loss<" in shown and ">stopped early<" in shown
    marks = {mark.label: mark.step for mark in marks_of(run, list(run.series.all()))}
    assert marks == {"best valid/loss": 70, "stopped early": 95}


@pytest.mark.parametrize(
    ("reason", "words", "mark"),
    [
        ("patience", "no improvement within the patience", "stopped early"),
        ("max_epochs", "all epochs were done", "ended"),
        ("interrupted", "it was interrupted", "stopped"),
    ],
)
def test_what_ran_to_its_end_is_not_said_to_have_stopped_early(start, look, reason, words, mark):
    run = start(series=[_curve("valid/loss", 100)], training={"early_stopping": STOPPING | {"reason": reason}})
    shown = look(run)
    assert f"Reported reason: {words}</p>" in shown
    assert [one.label for one in marks_of(run, list(run.series.all())) if one.kind == "stop"] == [mark]


def test_a_run_that_goes_on_has_no_end_yet_and_tells_seeds_apart_from_states(start, look):
    seeds = {"hash": "0", "torch": 7, "torch_deterministic": False, "numpy": "sha256:b8bf"}
    shown = look(start(source="6baa6836", training={"seeds": seeds}))
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))
    assert "Ended not yet" in told and "6baa6836" not in told  # the number of its spool says nothing to a reader
    for fact in ("Seed of torch 7", "Deterministic torch no", "Random state of numpy sha256:b8bf", "Seed of hashes 0"):
        assert fact in told


@pytest.mark.parametrize(
    "facts",
    [
        {"monitor": 7, "mode": [], "patience": "many", "best_step": 1.5, "best_value": "low", "stopped_step": True, "reason": {}},
        {"best_step": 1e300, "best_value": 10**400},
        {"something": "else"},
    ],
)
def test_facts_of_another_type_are_unknown_and_break_nothing(start, facts):
    stopping = early_stopping_of(TrainingRun(training={"early_stopping": facts}))
    assert (stopping.best_step, stopping.best_value, stopping.stopped_step, stopping.patience) == (None, None, None, None)
    assert stopping.sentence == "Early stopping watched a metric that was not named; it did not stop the training."


def test_the_schedule_is_told_beside_its_curve_and_alone(start, look):
    training = {"schedule": {"name": "one-cycle", "max_lr": 0.01, "pct_start": 0.25}}
    run = start(training=training, series=[_curve("lr"), _curve("momentum")])
    assert schedule_of(run) == ("one-cycle", [("max_lr", "0.01"), ("pct_start", "0.25")])
    shown = look(run)
    assert "Reported schedule: one-cycle." in shown and shown.count('<svg class="line-chart"') == 2
    assert "Reported schedule: one-cycle." in look(start(training=training))


def test_a_run_without_code_says_why_as_far_as_it_was_told(start, look):
    told = look(start(tags={"countersign.no_code": "The training ran outside a git checkout."}))
    assert "No code was recorded. The training ran outside a git checkout." in told
    assert "Nothing here tells which code it ran." in told
    assert "No code was recorded: nothing was reported about it." in look(start())
    code = {"commit": 40 * "1", "dirty": False}
    assert "No code was recorded" not in look(start(code=code, tags={"countersign.no_code": "Said too early."}))


def test_code_data_and_files_are_shown_and_the_patch_is_read_and_never_run(start, look, scientist):
    code = {"commit": 40 * "1", "dirty": True, "entry": "train.py"}
    environment = {
        "hardware": {"cpu": "Xeon", "memory_bytes": 16_000_000_000},
        "locks": [{"name": "uv.lock", "digest": "sha256:" + 64 * "b"}],
    }
    run = start(
        code=code,
        environment=environment,
        tags={"team": "vision"},
        training={"summary": "Linear(3, 2)", "libraries": {"fastai": "2.8.4"}},
    )
    patch = b"--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-lr = 1\n+<script>alert(1)</script>\n\xff"
    for path, data in {"code/changes.patch": patch, "model/weights/last.bin": b"abc", "model/notes.txt": b"x"}.items():
        services.keep_artifact(run, by=scientist, path=path, chunks=[data])
    services.log(run, by=scientist, data=[{"name": "digits-train", "context": "training", "digest": "md5:1"}])
    child = start(parent=run)
    shown = look(run)
    for words in (
        "train.py",
        "Xeon",
        "16.0",
        "uv.lock",
        "vision",
        "Linear(3, 2)",
        "2.8.4",
        "digits-train",
        "no version with this digest",
    ):
        assert words in shown
    assert '<span class="added">+&lt;script&gt;' in shown and '<span class="removed">-lr = 1' in shown
    assert f'href="/api/v1/runs/{run.pk}/artifacts/model/weights/last.bin"' in shown
    assert shown.count("weights/") == 2  # the folder once, and the address of its file
    assert child.get_absolute_url() in shown and run.get_absolute_url() in look(child)


def test_links_choose_the_axis_the_scale_and_the_curves(start, look):
    names = ["train/loss", "lr", *(f"class_{place:02}/recall" for place in range(58))]
    run = start(series=[_curve(name, 5, times=[1_000 * (step + 1) for step in range(5)]) for name in names])
    shown = look(run)
    assert "12 of 60 curves are drawn." in shown and shown.count(">Leave out<") == 12 and shown.count(">Draw<") == 48
    assert "?x=time#figures" in shown and "?scale=log#figures" in shown
    timed = look(run, "?x=time&scale=log")
    assert "time since the first point" in timed and "loss (logarithmic)" in timed
    one_more = re.findall(r'href="(\?show=[^"#]*)#figures">Draw<', shown)[0].replace("&amp;", "&")
    assert "13 of 60 curves are drawn." in look(run, one_more)
    metrics = re.findall(r'href="(\?show=[^"#]*)#figures">Draw Metrics', shown)[0]
    assert "At most 48 are drawn at once." in look(run, metrics)


@pytest.mark.parametrize("query", ["?x=%00", "?show=" + "a" * 9000, "?scale=log&x=nonsense&show=,,,", "?x=time"])
def test_no_address_breaks_the_page(start, look, query):
    run = start(series=[{"name": "loss", "steps": [-3, -3, 0], "values": ["NaN", "Infinity", -1.0]}, _curve("train/loss")])
    assert 'id="figures"' in look(run, query)


@pytest.mark.parametrize("many", [1, 40])
def test_however_many_curves_and_files_the_page_costs_the_same(
    start, client_of, auditor, scientist, django_assert_max_num_queries, many
):
    run = start(series=[_curve(f"m{place}") for place in range(many)])
    for place in range(min(many, 8)):
        services.keep_artifact(run, by=scientist, path=f"f/{place}", chunks=[b"x"])
        start(parent=run)
    client = client_of(auditor)
    for headers, most in (({}, 12 + TOP_BAR), ({"HX-Request": "true"}, 6)):
        with django_assert_max_num_queries(most):
            assert client.get(run.get_absolute_url(), headers=headers).status_code == 200


def test_the_versions_that_stand_on_a_run_are_linked(start, look, make_model, scientist):
    run = start()
    assert "Versions made from it" not in look(run)
    version = draft_version(make_model(), by=scientist, card=CARD, data=[], run=run)
    shown = look(run)
    assert "Versions made from it" in shown and version.get_absolute_url() in shown


@pytest.mark.parametrize("most", [4, 400, 2000])
def test_the_api_thins_and_keeps_peaks(start, api_of, auditor, most):
    values = [0.0] * 30_000
    values[1_234], values[2_345], values[3_456] = 9.0, -9.0, "NaN"
    run = start(series=[{"name": "loss", "steps": list(range(30_000)), "values": values}])
    found = api_of(auditor).get(f"/api/v1/runs/{run.pk}/series/?points={most}").json()["series"][0]
    assert len(found["steps"]) <= most and found["count"] == 30_000
    assert {1_234: 9.0, 2_345: -9.0}.items() <= dict(zip(found["steps"], found["values"], strict=True)).items()
    assert found["steps"][0] == 0 and found["steps"][-1] == 29_999


@pytest.mark.parametrize("points", ["0", "3", "2001", "many", "-1", "1e3"])
def test_the_api_refuses_other_numbers_of_points(start, api_of, auditor, points):
    answer = api_of(auditor).get(f"/api/v1/runs/{start().pk}/series/?points={points}")
    assert answer.status_code == 422 and "points" in answer.json()["errors"]


def test_other_packages_put_buttons_and_cards_on_the_page(start, look, monkeypatch):
    registry = Registry("part of a run's page")
    registry.register("test", lambda request, run: [Part("actions", "components/tab.html", {"label": "x"})])
    monkeypatch.setattr(parts, "run_parts", registry)
    assert '<div class="actions">' in look(start())
