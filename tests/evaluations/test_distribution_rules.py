"""Both rules that monitoring follows are applied where a version is measured, the second against the version in production."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from measures.moments import Moments, Reference
from measures.predictions import check_predictions
from tests.evaluations.engine_cast import CLASSES, Answer, trained

SUITE = [{"name": "prediction_distribution"}]


@pytest.fixture(scope="module")
def net():
    return trained()


def _fired(result):
    return {m["label"]: m["value"] for m in result["metrics"] if m["name"] == "rule_fired"}


def _said(result):
    return result["charts"][0]["description"]


def _kept(tmp_path, p):
    path = tmp_path / "production.safetensors"
    save_file({"predicted": p.argmax(axis=1), "probabilities": p.astype(np.float32)}, path)
    return {"production": path}


def _probabilities(net, x):
    with torch.inference_mode():
        return torch.softmax(net(x).double(), dim=1).numpy()


def test_without_a_version_in_production_the_sources_rule_alone_is_applied(evaluate, net, hold_out):
    result = evaluate(net, *hold_out, suite=SUITE)
    assert _fired(result) == {"source": 0}
    assert "The mean probability of every class over 450 rows is at least 0.05." in _said(result)
    never_nine = evaluate(Answer(lambda x: net(x) - 50.0 * torch.eye(10)[9]), *hold_out, suite=SUITE)
    assert _fired(never_nine) == {"source": 1} and "lies below 0.05 for class “9”" in _said(never_nine)


def test_against_the_version_in_production_both_rules_are_applied(evaluate, net, hold_out, tmp_path):
    p = _probabilities(net, hold_out[0])
    same = evaluate(net, *hold_out, suite=SUITE, others=_kept(tmp_path, p))
    assert _fired(same) == {"source": 0, "interval": 0}
    assert "No class's mean probability over 450 rows differs from the reference" in _said(same)

    eager = Answer(lambda x: net(x) + 6.0 * torch.eye(10)[3])
    moved = evaluate(eager, *hold_out, suite=SUITE, others=_kept(tmp_path, p))
    now, before = Moments.of(_probabilities(eager, hold_out[0])), Moments.of(p)
    expected = check_predictions(now, Reference(before.n, before.mean, before.variance), labels=CLASSES)
    assert expected.interval.fired and _fired(moved)["interval"] == 1
    assert expected.interval.sentence.partition(" for ")[0] in _said(moved) and "“3” (0." in _said(moved)


def test_what_the_version_in_production_did_not_keep_is_said(evaluate, net, hold_out, tmp_path):
    path = tmp_path / "bare.safetensors"
    save_file({"predicted": hold_out[1].numpy()}, path)
    bare = evaluate(net, *hold_out, suite=SUITE, others={"production": path})
    assert _fired(bare) == {"source": 0} and "kept no probabilities" in _said(bare)
    broken = evaluate(net, *hold_out, suite=SUITE, others=_kept(tmp_path, np.full((450, 10), 0.5)))
    assert _fired(broken) == {"source": 0} and "cannot be compared: The probabilities of a row are not" in _said(broken)
    short = evaluate(net, *hold_out, suite=SUITE, others=_kept(tmp_path, np.full((3, 10), 0.1)))
    assert _fired(short) == {"source": 0} and "answered 3 rows and this one 450" in _said(short)
