"""`countersign register` against a running site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models_registry.models import Version
from tests.countersign.conftest import Said
from tracking import services

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = b"\x02\0\0\0\0\0\0\0{}"


@pytest.fixture
def signed_in(site: str, command: Callable[..., Said], key_of: Callable[..., str], machine: Any, scientist: Any) -> Any:
    (machine.parent / "key").write_text(key_of(scientist) + "\n")
    assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0
    return command


@pytest.fixture
def runs(team: Any, scientist: Any) -> dict[str, Any]:
    def run(name: str, accuracy: list[Any], *, ends: bool = True) -> Any:
        series = [{"name": "val/accuracy", "steps": [0, 1], "values": accuracy}]
        made = services.start_run(team, by=scientist, name=name, experiment="digits", series=series)
        services.keep_artifact(made, by=scientist, path=f"{name}.safetensors", chunks=[HEADER])
        return services.end_run(made, by=scientist, state="finished") if ends else made

    made = [
        run("high", [0.1, 0.9]),
        run("peak", [0.99, 0.5]),
        run("broken", [0.2, "NaN"]),
        run("going on", [0.1, 0.95], ends=False),
    ]
    return {one.name: one for one in made}


def test_a_run_is_registered_and_what_is_missing_is_said(signed_in: Any, runs: Any, make_model: Any) -> None:
    make_model()
    said = signed_in("register", str(runs["high"].pk), "--model", "digit-reader", "--note", "wider")
    version = Version.objects.get()
    assert (said.code, version.training_run, version.note) == (0, runs["high"], "wider")
    assert said.out.splitlines()[0] == f"{version} was begun with the checkpoint high.safetensors, {version.checkpoint_digest}."
    assert "  - No dataset version is named as training data." in said.out


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--best", "val/accuracy"), "high"),
        (("--best", "val/accuracy.max"), "peak"),
        (("--best", "val/accuracy", "--lowest"), "peak"),
    ],
)
def test_the_best_ended_run_of_an_experiment_is_registered(
    signed_in: Any, runs: Any, make_model: Any, options: tuple[str, ...], name: str
) -> None:
    make_model()
    said = signed_in("register", *options, "--experiment", "digits", "--model", "digit-reader")
    assert (said.code, Version.objects.get().training_run) == (0, runs[name])
    assert f"The best of digits is {name}, {runs[name].pk}" in said.out


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        ((), 64, "one of the two"),
        (("ID", "--best", "val/accuracy"), 64, "one of the two"),
        (("--best", "val/accuracy"), 64, "Say of which experiment"),
        (("--best", "nothing", "--experiment", "digits"), 64, "None of these runs has a number"),
        (("--best", "val/accuracy", "--experiment", "letters"), 64, "no experiment letters"),
        (("ID", "--artifact", "other.pt"), 1, "keeps no artifact “other.pt”"),
        (("no-id",), 1, ""),
        (("ID", "--architecture", "nowhere.json"), 64, "no file nowhere.json"),
    ],
)
def test_what_cannot_be_registered_is_one_sentence(
    signed_in: Any, runs: Any, make_model: Any, given: tuple[str, ...], code: int, sentence: str
) -> None:
    make_model()
    said = signed_in("register", *(str(runs["high"].pk) if one == "ID" else one for one in given), "--model", "digit-reader")
    assert (said.code, sentence in said.err) == (code, True), said.err
    assert not Version.objects.exists()


def test_a_model_that_is_not_there_is_said(signed_in: Any, runs: Any) -> None:
    said = signed_in("register", str(runs["high"].pk), "--model", "nothing")
    assert (said.code, "There is no model named nothing" in said.err) == (1, True)
