"""Only the chosen rows are measured, and measured as if there were no others."""

from __future__ import annotations

import base64
import json
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch

from evaluations.engine.child import main
from evaluations.engine.data import chunks, open_data
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.selection import select, weights_digest
from evaluations.engine.tasks import Task
from tests.evaluations.engine_cast import CLASSES, Net, digits, save_data

DIGITS = Task("multiclass", CLASSES)


@pytest.fixture
def rows(tmp_path: Any) -> Any:
    """`rows([0, 5])`: the file that lists them."""

    def write(content: Any) -> Any:
        path = tmp_path / "rows.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def whole(tmp_path: Any) -> Any:
    x, y = digits()
    return save_data(tmp_path / "data.safetensors", x, y)


def test_the_chunks_hold_exactly_the_chosen_rows(whole: Any, rows: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    x, y = digits()
    chosen = [3, 99, 100, 101, 950, 1796]
    found = list(select(open_data(whole, task=DIGITS), rows(chosen)).chunks())
    assert torch.equal(torch.cat([chunk.inputs for chunk in found]), x[chosen])
    assert np.array_equal(np.concatenate([chunk.targets for chunk in found]), y[chosen].numpy())
    assert [chunk.first_row for chunk in found] == [0, 2, 4, 5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ({"rows": [1]}, "not a list of whole numbers"),
        ([], "not a list of whole numbers"),
        ([0, 1.5], "not a list of whole numbers"),
        ([True, 2], "not a list of whole numbers"),
        ([0, 1797], "reach to 1797, but the data set has the rows 0 to 1796"),
        ([-1, 4], "has the rows 0 to"),
        ([1, 1], "ascending order, each once"),
        ([2, 1], "ascending order, each once"),
    ],
)
def test_a_list_that_names_no_rows_is_refused_in_a_sentence(whole: Any, rows: Any, content: Any, said: str) -> None:
    with pytest.raises(CannotMeasure, match=said):
        select(open_data(whole, task=DIGITS), rows(content))


def test_a_fold_measures_its_held_out_rows_and_says_which_were_wrong(
    whole: Any, rows: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    torch.manual_seed(3)
    net = Net().eval()
    stub = types.ModuleType("models_registry.inspection.loading")
    stub.load_model = lambda path, format, architecture: net  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "models_registry.inspection.loading", stub)
    chosen = list(range(0, 1797, 7))
    job = {
        "format": "safetensors",
        "task": "multiclass",
        "classes": CLASSES,
        "checks": [{"name": "performance", "replicates": 200}, {"name": "row_losses"}],
        "seed": 1,
        "batch": 64,
    }
    result = main(job, {"checkpoint": tmp_path / "none", "dataset": whole, "rows": rows(chosen)}, tmp_path)
    x, y = digits()
    with torch.inference_mode():
        predicted = net(x[chosen]).argmax(dim=1)
    wrong = (predicted != y[chosen]).numpy()
    fact = result["row_losses"]
    unpacked = np.unpackbits(np.frombuffer(base64.b64decode(fact["wrong"]), np.uint8), count=fact["rows"]).astype(bool)
    assert np.array_equal(unpacked, wrong)
    assert fact["true"] == np.bincount(y[chosen], minlength=10).tolist()
    assert fact["predicted"] == np.bincount(predicted, minlength=10).tolist()
    accuracy = next(one for one in result["metrics"] if one["name"] == "accuracy")
    assert (accuracy["n"], accuracy["value"]) == (len(chosen), pytest.approx(1 - wrong.mean()))
    assert result["rows"] == len(chosen)
    assert result["weights"] == weights_digest(net)


def test_the_same_weights_have_one_digest_however_they_were_saved() -> None:
    torch.manual_seed(3)
    net = Net()
    again = Net()
    again.load_state_dict({name: tensor.clone() for name, tensor in reversed(net.state_dict().items())})
    assert weights_digest(net) == weights_digest(again)
    with torch.no_grad():
        again.layers[1].bias[0] += 1e-6
    assert weights_digest(net) != weights_digest(again)
