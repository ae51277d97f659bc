"""Each task's targets and answers: what is taken, what is refused with a sentence, what is kept of the predictions."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from evaluations.engine import checks
from evaluations.engine.findings import Findings, counted
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.tasks import TASKS, Task
from tests.evaluations.engine_cast import Answer, save_data

RNG = np.random.default_rng(3)
X = torch.tensor(RNG.normal(size=(50, 4)), dtype=torch.float32)
BIT = (X[:, 0] > 0).long()
NUMBER = X.sum(dim=1)


class Looking:
    """A check that keeps what it was shown and asks the subject again at the end."""

    TASKS = frozenset(TASKS)
    seen: list

    def __init__(self, subject, *, complain="") -> None:
        if complain == "at once":
            raise NotRun("The check has no training data to compare with.")
        self.subject, self.complain = subject, complain
        Looking.seen = []

    def see(self, answers) -> None:
        Looking.seen.append(answers)

    def finish(self):
        if self.complain:
            raise NotRun("There were too few rows.")
        Looking.subject = self.subject
        Looking.again = self.subject.answer(X)
        return Findings([counted("looking", "rows", len(X), n=len(X), method="counted", unit="rows")])


@pytest.fixture
def look(evaluate, monkeypatch):
    monkeypatch.setitem(checks.CHECKS, "looking", Looking)

    def run(say, y, **job):
        return evaluate(Answer(say), X, y, **{"suite": [{"name": "looking"}], **job})

    return run


def both(bits):
    return torch.stack([bits, 1 - bits], dim=1)


CASES = {
    "two columns": ({"task": "binary", "classes": ["no", "yes"]}, BIT, lambda x: torch.stack([-x[:, 0], x[:, 0]], dim=1)),
    "one column": ({"task": "binary", "classes": ["no", "yes"]}, BIT, lambda x: 2 * x[:, :1]),
    "no column": ({"task": "binary", "classes": ["no", "yes"]}, BIT, lambda x: 2 * x[:, 0]),
    "one probability": (
        {"task": "binary", "classes": ["no", "yes"], "output": "probabilities"},
        BIT,
        lambda x: torch.sigmoid(2 * x[:, :1]),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_binary_model_answers_with_two_columns_or_with_the_positive_one(look, case, tmp_path):
    job, y, say = CASES[case]
    assert "error" not in look(say, y, **job)
    (answers,) = Looking.seen
    positive = torch.sigmoid(2 * X[:, 0]).double().numpy()
    assert answers.outputs == pytest.approx(np.stack([1 - positive, positive], axis=1), abs=1e-6)
    assert (answers.predicted == BIT.numpy()).all() and answers.outputs.dtype == np.float64
    assert (Looking.again == answers.outputs).all() and answers.probabilities is answers.outputs
    kept = load_file(tmp_path / "predictions.safetensors")
    assert set(kept) == {"predicted", "confidence", "probabilities"} and (kept["predicted"] == BIT).all()


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_each_label_of_a_multilabel_model_stands_alone(look, output, tmp_path):
    y = torch.stack([BIT, 1 - BIT, (X[:, 1] > 0).long()], dim=1)

    def say(x):
        return x[:, :3] if output == "logits" else torch.sigmoid(x[:, :3])

    for stored in (y, y.to(torch.uint8), y.bool()):
        result = look(say, stored, task="multilabel", classes=["a", "b", "c"], output=output)
        assert "error" not in result
        (answers,) = Looking.seen
        assert answers.targets.dtype == np.int64 and (answers.targets == y.numpy()).all()
    assert answers.outputs == pytest.approx(torch.sigmoid(X[:, :3].double()).numpy(), abs=1e-6)
    assert (answers.predicted == (X[:, :3] >= 0).long().numpy()).all()
    kept = load_file(tmp_path / "predictions.safetensors")
    assert (kept["predicted"].numpy() == answers.predicted).all() and kept["probabilities"].shape == (50, 3)


@pytest.mark.parametrize("task", ["regression", "ranking"])
def test_regression_and_ranking_answer_with_one_number(look, task, tmp_path):
    y = NUMBER.abs()
    for say in (lambda x: x.sum(dim=1), lambda x: x.sum(dim=1, keepdim=True)):
        assert "error" not in look(say, y, task=task, classes=[])
        (answers,) = Looking.seen
        assert answers.outputs.shape == (50, 1) and answers.predicted == pytest.approx(NUMBER.numpy(), abs=1e-5)
        assert answers.targets.dtype == np.float64
    kept = load_file(tmp_path / "predictions.safetensors")
    assert set(kept) == {"predicted"} and kept["predicted"].dtype == torch.float64


def test_a_regression_model_may_declare_quantiles(look, tmp_path):
    def say(x):
        middle = x.sum(dim=1)
        return torch.stack([middle - 1, middle, middle + 1], dim=1)

    assert "error" not in look(say, NUMBER, task="regression", classes=["0.05", "0.5", "0.95"])
    (answers,) = Looking.seen
    assert answers.outputs.shape == (50, 3) and answers.predicted == pytest.approx(NUMBER.numpy(), abs=1e-5)
    assert load_file(tmp_path / "predictions.safetensors")["quantiles"].shape == (50, 3)


@pytest.mark.parametrize(
    ("job", "y", "say", "sentence"),
    [
        ({"task": "binary", "classes": ["a", "b", "c"]}, BIT, lambda x: x[:, :3], "declares two classes"),
        ({"task": "binary", "classes": ["a", "b"]}, BIT + 1, lambda x: x[:, 0], "Row .* has the target 2"),
        (
            {"task": "binary", "classes": ["a", "b"]},
            BIT,
            lambda x: x[:, :3],
            r"with \[50, 3\] instead of .*the positive one alone",
        ),
        (
            {"task": "binary", "classes": ["a", "b"], "output": "probabilities"},
            BIT,
            lambda x: 3 * x[:, 0],
            "not a distribution",
        ),
        ({"task": "multilabel", "classes": []}, both(BIT), lambda x: x[:, :2], "declares its classes: 1 to"),
        ({"task": "multilabel", "classes": ["a", "b"]}, BIT, lambda x: x[:, :2], "exactly 2 labels for each row"),
        ({"task": "multilabel", "classes": ["a", "b"]}, 2 * both(BIT), lambda x: x[:, :2], "neither 0 nor 1"),
        ({"task": "multilabel", "classes": ["a", "b"]}, both(BIT).float(), lambda x: x, "type F32, not I64 or"),
        (
            {"task": "multilabel", "classes": ["a", "b"], "output": "probabilities"},
            both(BIT),
            lambda x: 3 * x[:, :2].abs(),
            "outside 0 to 1, which is no probability",
        ),
        ({"task": "regression", "classes": []}, BIT, lambda x: x[:, 0], r"type I64, not F32 or F64.*y\.float\(\)"),
        ({"task": "regression", "classes": []}, NUMBER / 0, lambda x: x[:, 0], "Row 0 .* target that is not a finite number"),
        ({"task": "regression", "classes": []}, NUMBER, lambda x: x, r"\[50, 4\] instead of one number for each row"),
        ({"task": "regression", "classes": ["0.1", "0.9"]}, NUMBER, lambda x: x, "0.5 among them"),
        ({"task": "regression", "classes": ["0.5", "nan"]}, NUMBER, lambda x: x, "0.5 among them"),
        ({"task": "regression", "classes": ["0.5", "0.9"]}, NUMBER, lambda x: x[:, :3], "each of its 2 quantiles"),
        ({"task": "ranking", "classes": []}, NUMBER, lambda x: x[:, 0], "negative relevance"),
        ({"task": "ranking", "classes": []}, NUMBER.abs(), lambda x: x[:, 0] / 0, "row 0 with numbers that are not finite"),
    ],
)
def test_what_does_not_fit_the_task_gets_a_sentence(look, job, y, say, sentence):
    result = look(say, y, **job)
    assert set(result) == {"error"} and re.search(sentence, result["error"]), result


def test_tokens_reach_the_model_as_whole_numbers(evaluate):
    tokens = torch.arange(20).reshape(10, 2) % 7
    embed = torch.nn.EmbeddingBag(7, 3, _weight=torch.eye(7)[:, :3])
    result = evaluate(embed, tokens, torch.zeros(10).long(), classes=["a", "b", "c"])
    assert result["rows"] == 10


# -- further columns ------------------------------------------------------------------------------------------------------------

SITES = {"site": ["Busan", "Seoul"]}


def test_further_columns_come_with_their_names(look):
    codes = torch.arange(50) % 3 - 1
    people = torch.arange(50) // 5 + 1000
    result = look(
        lambda x: 2 * x[:, 0],
        BIT,
        task="binary",
        classes=["no", "yes"],
        more={"columns": {"site": codes, "patient": people}, "names": SITES},
        reading={"group": "patient"},
    )
    assert "error" not in result
    (answers,) = Looking.seen
    assert (answers.columns["site"] == codes.numpy()).all() and (answers.columns["patient"] == people.numpy()).all()
    assert Looking.subject.columns == {"patient": [], "site": ["Busan", "Seoul"]} and Looking.subject.group == "patient"


def test_a_column_called_group_says_what_belongs_together(look):
    job = {"task": "binary", "classes": ["no", "yes"]}
    look(lambda x: x[:, 0], BIT, **job, more={"columns": {"group": torch.arange(50)}})
    assert Looking.subject.group == "group"
    look(lambda x: x[:, 0], BIT, **job)
    assert Looking.subject.group is None
    assert "'ward', which says" in look(lambda x: x[:, 0], BIT, **job, reading={"group": "ward"})["error"]


@pytest.mark.parametrize(
    ("columns", "names", "sentence"),
    [
        ({"site": torch.arange(50)}, SITES, "Row 2 has the code 2 in the column site"),
        ({"site": torch.zeros(50)}, SITES, "type F32, not I64"),
        ({"site": torch.zeros(50, 1).long()}, SITES, "one code for each row"),
        ({}, SITES, "names the values of the column site, but has no tensor"),
        ({"site": torch.zeros(50).long()}, ["Busan"], "not a JSON object"),
        ({"site": torch.zeros(50).long()}, {"site": ["a", "a"]}, "different names"),
        ({"site": torch.zeros(50).long()}, {"site": ["a" * 61]}, "at most 60 characters"),
        ({"": torch.zeros(50).long()}, None, "named with 1 to 60 characters"),
    ],
)
def test_columns_that_cannot_be_read_get_a_sentence(look, columns, names, sentence):
    result = look(lambda x: x[:, 0], BIT, task="binary", classes=["no", "yes"], more={"columns": columns, "names": names})
    assert set(result) == {"error"} and re.search(sentence, result["error"]), result


# -- checks that are not made ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complain", "sentence"),
    [("at once", "The check has no training data to compare with."), ("at the end", "There were too few rows.")],
)
def test_a_check_that_is_not_made_stands_there_with_its_reason(look, complain, sentence):
    suite = [{"name": "looking", "complain": complain}, {"name": "resources", "batches": 5}]
    result = look(lambda x: 2 * x[:, 0], BIT, task="binary", classes=["no", "yes"], suite=suite)
    assert result["not_run"] == [{"check": "looking", "reason": sentence}]
    assert {m["check"] for m in result["metrics"]} == {"resources"}


def test_a_check_is_not_made_of_a_task_that_it_cannot_measure(look, monkeypatch):
    monkeypatch.setattr(Looking, "TASKS", frozenset({"binary"}))
    result = look(lambda x: x[:, 0], NUMBER, task="regression", classes=[])
    assert result["not_run"] == [
        {"check": "looking", "reason": "The check 'looking' cannot be made of a model whose task is regression."}
    ]


def test_further_files_of_the_job_reach_the_checks(evaluate, monkeypatch, tmp_path):
    monkeypatch.setitem(checks.CHECKS, "looking", Looking)
    training = save_data(tmp_path / "training", X, BIT)
    job = {"task": "binary", "classes": ["a", "b"], "suite": [{"name": "looking"}]}
    evaluate(Answer(lambda x: x[:, 0]), X, BIT, **job, others={"training": training})
    assert Looking.subject.others == {"training": training}


def test_every_check_says_what_it_can_measure():
    for name, check in checks.CHECKS.items():
        assert check.TASKS and set(TASKS) >= check.TASKS, name


def test_the_tasks_of_the_registry_are_those_of_the_engine():
    from models_registry.models import Task as Registered  # noqa: PLC0415 - Django is there in this test only

    assert set(Registered.values) == set(TASKS)


def test_a_task_says_how_wide_its_answers_are():
    declared = [("binary", ["a", "b"]), ("multilabel", ["a"]), ("regression", []), ("ranking", [])]
    assert [Task(*each).width for each in declared] == [2, 1, 1, 1]
    with pytest.raises(CannotMeasure, match="each by a name of its own"):
        Task("multilabel", ["a", "a"])
