"""The split is read with nothing taken on trust: what would let a row be measured that was trained on is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import countersign
from evaluations.resampling.splits import NoSplit, read_split


def split(**changed: Any) -> bytes:
    whole = {
        "format": "countersign.split/1",
        "data": {"file": "a.csv", "sha256": "sha256:" + "0" * 64, "rows": 6},
        "method": "kfold",
        "seed": 7,
        "stratify": None,
        "group": None,
        "parts": [{"name": "one", "held_out": [0, 2, 4]}, {"name": "two", "held_out": [1, 3, 5]}],
    }
    return json.dumps(whole | changed).encode()


def bag(*bags: list[int]) -> bytes:
    return split(method="bootstrap", parts=[{"name": str(one), "in_bag": rows} for one, rows in enumerate(bags)])


def test_what_the_client_writes_the_server_reads(tmp_path: Any) -> None:
    """They share no code, so this holds them together."""
    (tmp_path / "data.csv").write_text("x,label\n" + "".join(f"{row},{row % 3}\n" for row in range(40)))
    for method in ("kfold", "bootstrap"):
        made = countersign.split(tmp_path / "data.csv", method=method, seed=3, stratify="label")
        made.save(tmp_path / f"{method}.json")
        plan = read_split((tmp_path / f"{method}.json").read_bytes())
        assert (plan.method, plan.sha256, plan.rows, plan.seed) == (method, made.sha256, 40, 3)
        assert [plan.held_out(one).tolist() for one in range(1, len(plan.names) + 1)] == [list(p.held_out) for p in made.parts]
        facts = plan.facts()
        assert [(one["train_rows"], one["held_out_rows"]) for one in facts["parts"]] == [
            (len(part.train), len(part.held_out)) for part in made.parts
        ]
        if method == "bootstrap":
            assert plan.bag(1).tolist() == np.bincount(made.parts[0].train, minlength=40).tolist()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no file of the format"),
        (split(format="countersign.split/2"), "no file of the format"),
        (split(method="holdout"), "A hold-out has one part"),
        (split(method="loo"), "no method, no data or no parts"),
        (split(method=["kfold"]), "no method, no data or no parts"),
        (split(method={"kfold": 1}), "no method, no data or no parts"),
        (split(data={"rows": 2**40}), "more rows than a file"),
        (split(data={"rows": 2**70}), "more rows than a file"),
        (
            split(method="bootstrap", data={"rows": 2**24}, parts=[{"name": str(one), "in_bag": [0]} for one in range(9)]),
            "more rows than a file",
        ),
        (split(data=None), "no method, no data or no parts"),
        (split(parts={}), "no method, no data or no parts"),
        (split(data={"rows": "6"}), "whole numbers how many rows"),
        (split(data={"rows": True}), "whole numbers how many rows"),
        (split(seed=None), "whole numbers how many rows"),
        (split(seed=2**63), "whole numbers how many rows"),
        (split(parts=[{"name": "one", "held_out": [0, 1, 2, 3, 4, 5]}]), "2 to 200 parts, not 1"),
        (split(parts=[{"name": str(one), "held_out": [0]} for one in range(201)]), "not 201"),
        (split(parts=[1, 2]), "does not list its rows"),
        (split(parts=[{"name": "one", "held_out": []}, {"name": "two", "held_out": [1]}]), "does not list its rows"),
        (split(parts=[{"name": "one", "held_out": [0.5]}, {"name": "two", "held_out": [1]}]), "does not list its rows"),
        (
            split(parts=[{"name": "one", "held_out": [0, 6]}, {"name": "two", "held_out": [1]}]),
            "names a row that the data do not",
        ),
        (split(parts=[{"name": "one", "held_out": [-1]}, {"name": "two", "held_out": [1]}]), "names a row that the data do not"),
        (split(parts=[{"name": "a", "held_out": [0, 1, 2]}, {"name": "a", "held_out": [3, 4, 5]}]), "the same name"),
        # a row held out twice, and a row that is never held out
        (split(parts=[{"name": "one", "held_out": [0, 1, 2, 3]}, {"name": "two", "held_out": [3, 4, 5]}]), "exactly once"),
        (split(parts=[{"name": "one", "held_out": [0, 1, 2]}, {"name": "two", "held_out": [3, 4]}]), "exactly once"),
        (bag([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2]), "0 leaves no row out"),
    ],
)
def test_what_is_no_split_is_refused_in_a_sentence(raw: bytes, said: str) -> None:
    with pytest.raises(NoSplit, match=said):
        read_split(raw)


def test_the_order_in_which_rows_are_listed_does_not_matter() -> None:
    raw = split(parts=[{"name": "one", "held_out": [4, 0, 2]}, {"name": "two", "held_out": [5, 3, 1]}])
    assert read_split(raw).held_out(1).tolist() == [0, 2, 4]


def test_names_are_printable_and_short() -> None:
    parts = [{"name": "\x1b[31m" + "a" * 500, "held_out": [0, 1, 2]}, {"name": 7, "held_out": [3, 4, 5]}]
    assert read_split(split(parts=parts)).names == ["[31m" + "a" * 96, "2"]


def test_what_a_split_says_of_its_data_is_shown_without_hidden_characters() -> None:
    hidden = split(data={"sha256": "\ud800sha256:\x00\u202e" + "0" * 200, "rows": 6})
    assert read_split(hidden).sha256 == "sha256:" + "0" * 93
    assert read_split(split(data={"sha256": {"a": 1}, "rows": 6})).sha256 == ""
