"""What the site does not take of a log folder, and what is no log folder, is said in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.importing.tensorboard import sending
from tests.countersign.importing.tensorboard import writer
from tests.countersign.importing.tensorboard.conftest import Import, curve, one
from tests.countersign.importing.tensorboard.writer import BEGUN, add, blob, record, scalar, scalars, single, write
from tracking import services
from tracking.models import TrainingRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signed_in")]


# -- what the site does not take -----------------------------------------------------------------------------------------


def test_names_and_numbers_that_the_site_refuses_do_not_hold_up_the_others(
    logs: Path, import_logs: Import, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sending, "MOST_CURVES", 6)
    odd = ["", " ", "nul\0", "x" * 251, "a/../b", "../../etc", "“quoted” \u202e", "x" * 250, "plain"]
    params = writer.hparams({"a" * 300_000: 1, "nul\0": 1, "lr": 0.5, "text": "x" * 300_000})
    write(
        logs,
        params,
        *(scalar(tag, 1, 1) for tag in odd),
        scalar("plain", 2**60, 1, time=BEGUN),
        scalar("late", 1, 1),
        scalar("later", 1, 1),
    )
    said = import_logs("--json")
    assert said.code == 1
    kept = {"a/../b", "../../etc", "“quoted” \u202e", "x" * 250, "plain", "late"}
    assert set(one().series.values_list("name", flat=True)) == kept
    assert one().params == {"lr": 0.5}
    assert {left["why"] for left in said.json["skipped"]} == {
        "its name is empty, too long or holds signs that cannot be kept",
        "its step has more than 53 bits",
        "a run has at most 6 curves",
        "the parameters of a run are too large together, or hold signs that cannot be kept",
    }
    plain = import_logs()
    assert "\u202e" not in plain.out


def test_a_run_that_is_fixed_is_named_and_the_others_come_in(
    logs: Path, import_logs: Import, scientist: Any, machine: Path
) -> None:
    from ledger.acts import act  # noqa: PLC0415 - only this test

    path = write(logs / "a", scalars("loss", [1.0]))
    import_logs()
    with act(scientist) as this:
        services.fix_run(one(), within=this)
    add(path, scalars("loss", [2.0], first=1))
    write(logs / "b", scalars("loss", [1.0]))
    said = import_logs("--json")
    assert (said.code, said.json["taken"]["points"]) == (1, 1)
    assert [(left["name"], "fixed" in left["why"]) for left in said.json["skipped"]] == [("a", True)]
    assert curve(one(name="a")) == ([0], [1.0])


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("tensorboard.position", "nonsense"),
        ("tensorboard.position", "[]"),
        ("tensorboard.position", '{"number": "7"}'),
        ("tensorboard.position", '{"read": [1]}'),
        ("tensorboard.position", None),
        ("tensorboard.continued_as", "itself"),
    ],
)
def test_a_run_whose_position_was_changed_is_not_guessed_at(
    logs: Path, import_logs: Import, scientist: Any, tag: str, text: str | None
) -> None:
    path = write(logs, scalars("loss", [1.0]))
    import_logs()
    if text is None:
        services.remove_tag(one(), by=scientist, name=tag)
    else:
        services.log(one(), by=scientist, tags={tag: one().source if text == "itself" else text})
    add(path, scalars("loss", [2.0], first=1))
    said = import_logs("--json")
    assert (said.code, f"its tag {tag} was changed" in said.json["skipped"][0]["why"]) == (1, True)
    assert curve(one()) == ([0], [1.0])


def test_many_curves_of_one_event_go_in_parts(logs: Path, import_logs: Import) -> None:
    values = [blob(1, f"tag{place}") + single(2, place) for place in range(1_200)]
    write(logs, *(record(writer.event(writer.summary(*values), step=step)) for step in range(2)))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 2_400}
    assert one().series.count() == 1_200


def test_many_points_of_one_event_go_in_parts(logs: Path, import_logs: Import, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "POINTS", 7)
    values = [blob(1, "ab"[place % 2]) + single(2, place) for place in range(40)]
    write(logs, record(writer.event(writer.summary(*values), step=1)))
    assert import_logs("--json").json["taken"] == {"runs": 1, "points": 40}
    assert curve(one(), "b") == ([1] * 20, [float(place) for place in range(1, 40, 2)])


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["absent"], 64, "There is no folder absent."),
        (["empty"], 64, "No event file lies in empty"),
        (["logs", "--team", "nobody's"], 64, "There is no team nobody's"),
        (["logs", "--until-idle", "1"], 64, "goes with --watch"),
        (["logs", "--watch", "--until-idle", "-1"], 64, "seconds above 0"),
        (["logs", "--ended-after", "soon"], 64, "--ended-after"),
    ],
)
def test_wrong_use_is_a_sentence(logs: Path, machine: Path, command: Any, words: list[str], code: int, sentence: str) -> None:
    write(logs, scalar("a", 1, 1))
    (machine / "empty").mkdir()
    said = command("import", "tensorboard", *words)
    assert (said.code, said.err.count("\n")) == (code, 0)
    assert sentence in said.err
    assert TrainingRun.objects.count() == 0


def test_a_wrong_key_takes_nothing(logs: Path, import_logs: Import, monkeypatch: Any) -> None:
    write(logs, scalar("a", 1, 1))
    monkeypatch.setenv("COUNTERSIGN_KEY", "cs" + "0" * 40)
    assert import_logs().code == 1
