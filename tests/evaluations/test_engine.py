"""The engine on real digits: numbers equal their oracles, the same run gives the same bytes, misfits get a sentence."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save_file
from sklearn import metrics as oracle

from evaluations.engine import checks, data, memory, predictions
from evaluations.engine.checks.performance import Performance
from evaluations.engine.child import main
from evaluations.engine.data import chunks
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import Task
from measures.moments import Reference
from tests.evaluations.engine_cast import CLASSES, Answer, digits, save_data, trained

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def net():
    return trained()


def _metric(result, name, label=""):
    return next(m for m in result["metrics"] if m["name"] == name and m["label"] == label)


def _estimated(result):
    return [m for m in result["metrics"] if m["confidence"] is not None]


def test_a_trained_network_is_measured_as_the_oracles_measure_it(evaluate, net, hold_out, tmp_path):
    x, y = hold_out
    result = evaluate(net, x, y)
    with torch.inference_mode():
        p = torch.softmax(net(x).double(), dim=1).numpy()
    truth, predicted = y.numpy(), p.argmax(axis=1)
    expected = {
        "accuracy": oracle.accuracy_score(truth, predicted),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, predicted),
        "macro_f1": oracle.f1_score(truth, predicted, average="macro"),
        "mcc": oracle.matthews_corrcoef(truth, predicted),
        "kappa": oracle.cohen_kappa_score(truth, predicted),
        "log_loss": oracle.log_loss(truth, p),
    }
    for name, value in expected.items():
        assert _metric(result, name)["value"] == pytest.approx(value, rel=1e-6), name
    top3 = oracle.top_k_accuracy_score(truth, p, k=3)
    assert _metric(result, "top_k_accuracy", "3")["value"] == pytest.approx(top3)
    recalls = oracle.recall_score(truth, predicted, average=None)
    assert [_metric(result, "recall", c)["value"] for c in CLASSES] == pytest.approx(list(recalls))
    assert _metric(result, "recall", "8")["n"] == (truth == 8).sum()
    assert all(m["low"] <= m["value"] <= m["high"] and len(m["method"]) <= 64 and m["n"] > 0 for m in _estimated(result))
    assert result["rows"] == 450 and _metric(result, "accuracy")["value"] > 0.9

    reference = result["reference"]
    assert reference["n"] == 450 and reference["mean"] == pytest.approx(list(p.mean(axis=0)), rel=1e-6)
    assert reference["variance"] == pytest.approx(list(p.var(axis=0, ddof=1)), rel=1e-6)
    assert reference["class_counts"] == list(np.bincount(predicted, minlength=10))
    Reference(reference["n"], np.array(reference["mean"]), np.array(reference["variance"]))

    kept = load_file(tmp_path / "predictions.safetensors")
    assert kept["probabilities"].numpy() == pytest.approx(p, abs=1e-6) and (kept["predicted"].numpy() == predicted).all()
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert lines[0] == {"stage": "measuring", "done": 0, "total": 450} and lines[-1]["done"] == 450


def test_the_same_run_gives_the_same_bytes(evaluate, net, hold_out, tmp_path):
    first = json.dumps(evaluate(net, *hold_out))
    kept = (tmp_path / "predictions.safetensors").read_bytes()
    assert json.dumps(evaluate(net, *hold_out)) == first and "NaN" not in first
    assert (tmp_path / "predictions.safetensors").read_bytes() == kept


def test_chunks_and_batches_change_nothing_that_is_counted(evaluate, net, hold_out, monkeypatch, tmp_path):
    whole = evaluate(net, *hold_out, batch=450)
    answered = load((tmp_path / "predictions.safetensors").read_bytes())  # a copy: load_file maps the file, which is rewritten
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    parts = evaluate(net, *hold_out, batch=7)
    for a, b in zip(whole["metrics"], parts["metrics"], strict=True):
        assert (a["name"], a["label"], a["n"]) == (b["name"], b["label"], b["n"])
        assert a["value"] == pytest.approx(b["value"], rel=1e-5)
        assert a["low"] is None or a["low"] == pytest.approx(b["low"], rel=1e-4)
    assert whole["charts"][0] == parts["charts"][0]
    for name, again in load_file(tmp_path / "predictions.safetensors").items():
        assert again.numpy() == pytest.approx(answered[name].numpy(), abs=1e-5), name


def test_dropout_is_off_while_measuring(evaluate, net, hold_out):
    net.train()
    assert _metric(evaluate(net, *hold_out), "accuracy")["value"] == _metric(evaluate(net, *hold_out), "accuracy")["value"]
    assert not net.training


def test_the_charts_carry_their_rows_and_say_what_they_show(evaluate, net, hold_out):
    confusion, recall, precision, distribution = evaluate(net, *hold_out)["charts"]
    assert confusion["kind"] == "matrix" and sum(row["count"] for row in confusion["rows"]) == 450
    assert confusion["categories"] == CLASSES and confusion["description"].startswith("Of 450 rows, 4")
    assert recall["kind"] == precision["kind"] == "bars" and recall["metric"] == "recall"
    assert "95 % interval" in recall["description"] and "for class" in recall["description"]
    assert distribution["rows"][3]["mark"] == pytest.approx(float((hold_out[1] == 3).float().mean()))
    for chart in (confusion, recall, precision, distribution):
        assert {column["key"] for column in chart["columns"]} == set(chart["rows"][0])


def test_resources_are_timed_and_counted(evaluate, net, hold_out):
    result = evaluate(net, *hold_out, suite=[{"name": "resources", "batches": 30, "seconds": 1}])
    p50, p99 = _metric(result, "latency_p50"), _metric(result, "latency_p99")
    assert 0 < p50["low"] <= p50["value"] <= p50["high"] and p50["n"] == 30
    assert p99["high"] is None and p99["confidence"] == 0.95  # 30 batches do not bound the 99th percentile
    assert _metric(result, "throughput")["value"] == pytest.approx(64 / p50["value"])
    parameters = 64 * 32 + 32 + 32 * 10 + 10
    assert _metric(result, "parameters")["value"] == parameters and _metric(result, "weight_bytes")["value"] == 4 * parameters
    assert _metric(result, "peak_memory")["value"] > 50 << 20
    assert _metric(result, "parameters")["confidence"] is None and result["resources"]["timed_batches"] == 30
    assert result["reference"] == {}  # that check was not asked for


def test_memory_is_read_without_proc_too():
    size, how = memory.peak_since(False)
    assert size > 10 << 20 and "since its start" in how


def test_an_unknown_check_is_reported_not_passed_over(evaluate, net, hold_out):
    result = evaluate(net, *hold_out, suite=[{"name": "astrology"}, {"name": "prediction_distribution"}])
    assert result["not_run"] == [{"check": "astrology", "reason": "The check 'astrology' is not known to this version."}]
    assert {m["check"] for m in result["metrics"]} == {"prediction_distribution"}
    assert {"performance", "prediction_distribution", "resources"} <= set(checks.CHECKS)


def test_probabilities_may_be_answered_instead_of_logits(evaluate, net, hold_out):
    soft = Answer(lambda x: torch.softmax(net(x), dim=1))
    given, logits = evaluate(soft, *hold_out, output="probabilities"), evaluate(net, *hold_out)
    assert _metric(given, "log_loss")["value"] == pytest.approx(_metric(logits, "log_loss")["value"], rel=1e-4)
    assert "not a distribution" in evaluate(net, *hold_out, output="probabilities")["error"]


@pytest.mark.parametrize("wrap", [lambda t: (t, None), lambda t: [t], lambda t: {"logits": t}])
def test_answers_in_a_tuple_or_dictionary_are_found(evaluate, net, hold_out, wrap):
    assert "error" not in evaluate(Answer(lambda x: wrap(net(x))), *hold_out)


def _raise(x):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("say", "sentence"),
    [
        (lambda x: torch.zeros(len(x), 7), r"answered 64 rows with \[64, 7\] instead of one number for each of its 10 classes"),
        (lambda x: torch.full((len(x), 10), float("nan")), "answered row 0 with numbers that are not finite"),
        (lambda x: "seven", "answered 64 rows with str"),
        (lambda x: x @ torch.zeros(3, 3), r"rows have the shape \[1, 8, 8\], and it said"),
        (_raise, "it said: ZeroDivisionError"),
    ],
)
def test_a_model_that_does_not_fit_the_data_gets_a_sentence(evaluate, hold_out, say, sentence):
    result = evaluate(Answer(say), *hold_out)
    assert set(result) == {"error"}
    assert re.search(sentence, result["error"])


def test_half_precision_weights_are_measured_in_their_own_precision(evaluate, hold_out):
    half = trained().to(torch.bfloat16)
    suite = [{"name": "performance", "replicates": 50}, {"name": "resources", "batches": 5}]
    assert _metric(evaluate(half, *hold_out, suite=suite), "accuracy")["value"] > 0.9


NO_MEMORY = [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9e9")]


@pytest.mark.parametrize("error", [*NO_MEMORY, ValueError("torch cannot read the file: can't allocate memory: you tried 9e9")])
def test_running_out_of_memory_while_loading_is_left_to_the_sandbox(evaluate, hold_out, error):
    with pytest.raises(MemoryError):
        evaluate(error, *hold_out)


@pytest.mark.parametrize("error", NO_MEMORY)
def test_running_out_of_memory_is_left_to_the_sandbox(evaluate, hold_out, error):
    def greedy(x):
        raise error

    with pytest.raises(MemoryError):
        evaluate(Answer(greedy), *hold_out)


def test_a_real_checkpoint_goes_through_the_real_loader(tmp_path, hold_out):
    """Nothing stubbed: a file of weights, its architecture by name, the digits."""
    torch.manual_seed(0)
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    x, y = digits()
    optimizer = torch.optim.Adam(flat.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(flat(x[:1347]), y[:1347]).backward()
        optimizer.step()
    save_file({f"layers.{name}": value for name, value in flat.state_dict().items()}, tmp_path / "checkpoint")
    path = save_data(tmp_path / "data", *hold_out)
    job = {
        "format": "safetensors",
        "architecture": {"name": "mlp", "config": {"input": [1, 8, 8], "hidden": [32], "classes": 10}},
        "task": "multiclass",
        "classes": CLASSES,
        "checks": [{"name": "performance"}, {"name": "prediction_distribution"}, {"name": "resources", "batches": 20}],
        "seed": 1,
        "threads": 1,
        "batch": 256,
    }
    result = main(job, {"checkpoint": tmp_path / "checkpoint", "dataset": path}, tmp_path)
    with torch.inference_mode():
        right = (flat(hold_out[0]).argmax(dim=1) == hold_out[1]).float().mean()
    assert _metric(result, "accuracy")["value"] == pytest.approx(float(right)) and right > 0.9
    job["architecture"]["config"]["hidden"] = [16]
    refused = main(job, {"checkpoint": tmp_path / "checkpoint", "dataset": path}, tmp_path)
    assert refused["error"].startswith("The checkpoint could not be loaded for measuring: The weights do not fit")


def test_a_checkpoint_that_does_not_load_gets_a_sentence(evaluate, hold_out):
    result = evaluate(ValueError("The key layers.1.weight is missing."), *hold_out)
    assert result["error"] == "The checkpoint could not be loaded for measuring: The key layers.1.weight is missing."


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ({"task": "astrology"}, "'astrology' cannot be measured"),
        ({"classes": ["a"]}, "at least two|2 to 2,000"),
        ({"classes": ["a", "a"]}, "by a name of its own"),
        ({"classes": None}, "declares its classes"),
        ({"output": "entrails"}, "not with 'entrails'"),
        ({"suite": [{"name": "performance", "replicas": 3}]}, "parameters that it does not have"),
        ({"suite": [{"name": "performance", "confidence": 95}]}, "between 0 and 1"),
    ],
)
def test_a_job_that_cannot_be_done_gets_a_sentence(evaluate, net, hold_out, job, sentence):
    assert re.search(sentence, evaluate(net, *hold_out, **job)["error"])


def _bytes(path, content):
    path.write_bytes(content)
    return path


def _header(path, header: bytes, tail=b""):
    return _bytes(path, struct.pack("<Q", len(header)) + header + tail)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: _bytes(p, b""), "not a safetensors file"),
        (lambda p: _bytes(p, b"PK\x03\x04 a zip, not tensors"), "not a readable zip"),
        (lambda p: _header(p, b"[1, 2]"), "header is not an object"),
        (lambda p: _header(p, b"{nonsense"), "header is not JSON"),
        (lambda p: _header(p, b"[" * 100_000), "header is not JSON"),
        (lambda p: save_file({"x": torch.zeros(2)}, p) or p, "no tensor named inputs"),
        (lambda p: save_data(p, torch.zeros(2, 1, dtype=torch.float64), torch.zeros(2).long()), "has the type F64, not F32"),
        (lambda p: save_data(p, torch.zeros(2, 1), torch.zeros(2)), "targets of the data set has the type F32, not I64"),
        (lambda p: save_data(p, torch.zeros(3, 1), torch.zeros(2).long()), "one target for each row"),
        (lambda p: save_data(p, torch.zeros(2, 1), torch.zeros(2, 1).long()), "one target for each row"),
        (lambda p: save_data(p, torch.zeros(0, 1), torch.zeros(0).long()), "has no rows"),
        (lambda p: save_data(p, torch.zeros(2, 1), torch.tensor([0, 10])), "Row 1 of the data set has the target 10"),
        (lambda p: save_data(p, torch.zeros(2, 1), torch.tensor([-1, 1])), "Row 0 of the data set has the target -1"),
        (lambda p: save_data(p, torch.tensor([[0.0], [math.nan]]), torch.zeros(2).long()), "Row 1 .* not a finite number"),
        (
            lambda p: _header(
                p,
                json.dumps(
                    {
                        "inputs": {"dtype": "F32", "shape": [10**9, 1], "data_offsets": [0, 4 * 10**9]},
                        "targets": {"dtype": "I64", "shape": [10**9], "data_offsets": [0, 8 * 10**9]},
                    }
                ).encode(),
            ),
            "does not lie where",
        ),
        (
            lambda p: _header(
                p,
                json.dumps(
                    {
                        "inputs": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
                        "targets": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
                    }
                ).encode(),
                b"\0" * 12,
            ),
            "cannot be read as safetensors",
        ),
    ],
)
def test_data_that_cannot_be_measured_on_get_a_sentence(evaluate, net, tmp_path, make, sentence):
    result = evaluate(Answer(lambda x: torch.zeros(len(x), 10)), path=make(tmp_path / "odd.safetensors"))
    assert set(result) == {"error"} and re.search(sentence, result["error"]), result


def test_a_class_without_rows_is_reported_as_unknown(evaluate, net, hold_out):
    x, y = hold_out
    result = evaluate(net, x[y != 4], y[y != 4])
    four = _metric(result, "recall", "4")
    assert (four["n"], four["low"], four["high"]) == (0, 0.0, 1.0)
    recall = next(chart for chart in result["charts"] if chart["name"] == "recall")
    assert "Nothing is known of 1 class without such rows." in recall["description"]


def test_one_row_is_measured_and_says_how_little_it_knows(evaluate, net, hold_out):
    x, y = hold_out
    result = evaluate(net, x[:1], y[:1])
    assert _metric(result, "accuracy")["low"] < 0.2 and _metric(result, "mean_probability", "0")["high"] == 1.0
    assert result["reference"]["n"] == 1


def test_many_classes_show_their_mistakes_instead_of_a_matrix():
    rng = np.random.default_rng(0)
    classes = [f"c{i}" for i in range(60)]
    check = Performance(Subject(torch.nn.Identity(), "multiclass", classes, 900, 64, 1, 0), replicates=20)
    p = rng.dirichlet(np.full(60, 0.05), 900)
    check.see(Answers(0, torch.zeros(900, 1), rng.integers(0, 60, 900), p, p.argmax(axis=1)))
    chart = check.finish().charts[0]
    assert chart.kind == "bars" and len(chart.rows) == 20 and "→" in chart.rows[0]["label"]


def test_predictions_too_large_to_keep_lose_only_the_vectors(tmp_path):
    p = np.random.default_rng(0).dirichlet(np.ones(4), 6)
    answers = Answers(0, torch.zeros(6, 1), np.zeros(6, dtype=np.int64), p, p.argmax(axis=1))
    with predictions.Predictions(
        tmp_path / "p.safetensors", rows=6, task=Task("multiclass", list("abcd")), most_bytes=95
    ) as kept:
        kept.see(answers)
    loaded = load_file(tmp_path / "p.safetensors")
    assert set(loaded) == {"predicted", "confidence"} and loaded["confidence"].numpy() == pytest.approx(p.max(axis=1))


def test_a_pass_holds_one_chunk_at_a_time(monkeypatch, tmp_path):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    path = save_data(tmp_path / "d.safetensors", torch.arange(25.0)[:, None], torch.zeros(25).long())
    held = list(data.open_data(path, task=Task("multiclass", ["a", "b"])).chunks())
    assert [(chunk.first_row, len(chunk.inputs)) for chunk in held] == [(0, 10), (10, 10), (20, 5)]
    assert torch.cat([chunk.inputs for chunk in held])[:, 0].tolist() == list(range(25))


def test_the_engine_knows_no_django():
    """In the child nothing of Django is there to be imported."""
    code = "import sys, evaluations.engine.child; print([m for m in sys.modules if m.split('.')[0] in ('django', 'core')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout == "[]\n"
