"""Splits: every row once out of fold, no group divided, shares kept, the same rows on every machine, for ever."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from pyarrow import parquet
from safetensors.torch import save_file

import countersign
from countersign import CannotSplit, load_split
from countersign.splitting import drawing, making
from countersign.splitting.reading import open_table

LABELS = st.lists(st.sampled_from("abcde"), min_size=4, max_size=80)
SEEDS = st.integers(-(2**40), 2**40)
often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, **columns: list[Any]) -> Path:
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """100 rows of three labels, written by 20 people."""
    labels = [str(row % 10 // 4) for row in range(100)]
    return write(tmp_path / "digits.csv", pixel=list(range(100)), label=labels, writer=[f"w{row // 5}" for row in range(100)])


# -- what holds for whatever data ------------------------------------------------------------------------------------------


@often
@given(labels=LABELS, seed=SEEDS, data=st.data())
def test_every_row_is_out_of_fold_exactly_once_and_shares_hold_within_one_row(labels: Any, seed: int, data: Any) -> None:
    count = data.draw(st.integers(2, len(labels)))
    held = drawing.folds(drawing.strata_of(labels, len(labels)), rows=len(labels), count=count, seed=seed)
    assert sorted(row for fold in held for row in fold) == list(range(len(labels)))
    for label, total in [(None, len(labels)), *Counter(labels).items()]:
        for fold in held:
            here = sum(label is None or labels[row] == label for row in fold)
            assert abs(here - total / count) < 1


@often
@given(labels=LABELS, seed=SEEDS, share=st.floats(0.01, 0.99))
def test_a_hold_out_keeps_each_share_within_one_row(labels: Any, seed: int, share: float) -> None:
    rows = len(labels)
    held = drawing.hold_out(drawing.strata_of(labels, rows), rows=rows, share=share, seed=seed)
    assert len(held) == min(max(1, round(rows * share)), rows - 1) == len(set(held))
    for label, total in Counter(labels).items():
        assert abs(sum(labels[row] == label for row in held) - total * len(held) / rows) < 1


@often
@given(labels=LABELS, seed=SEEDS, data=st.data())
def test_no_group_is_divided_and_no_fold_is_empty(labels: Any, seed: int, data: Any) -> None:
    of = data.draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=len(labels)))
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(of):
        groups.setdefault(str(name), []).append(row)
    if len(groups) < 2:
        return
    count = data.draw(st.integers(2, len(groups)))
    held = drawing.grouped_folds(groups, labels, count=count, seed=seed)
    assert sorted(row for fold in held for row in fold) == list(range(len(labels)))
    assert all(held)
    assert sum(len({of[row] for row in fold}) for fold in held) == len(groups)
    out = drawing.grouped_hold_out(groups, labels, rows=len(labels), share=0.3, seed=seed)
    assert 0 < len(out) < len(labels)
    assert {of[row] for row in out}.isdisjoint({of[row] for row in range(len(labels)) if row not in set(out)})


@often
@given(labels=LABELS, seed=SEEDS, number=st.integers(1, 1000))
def test_a_bag_has_as_many_rows_as_there_are_in_each_stratum_and_leaves_some_out(labels: Any, seed: int, number: int) -> None:
    rows = len(labels)
    strata = drawing.strata_of(labels, rows)
    if all(len(members) == 1 for members in strata.values()):
        return
    taken = drawing.bag(strata, rows=rows, number=number, seed=seed)
    assert taken == sorted(taken) and len(set(taken)) < rows
    assert Counter(labels[row] for row in taken) == Counter(labels)


def test_a_bag_of_groups_has_whole_groups() -> None:
    groups = {str(name): [3 * name, 3 * name + 1, 3 * name + 2] for name in range(12)}
    taken = Counter(drawing.grouped_bag(groups, rows=36, number=1, seed=4))
    assert sum(taken.values()) == 36
    assert all(len({taken[row] for row in members}) == 1 for members in groups.values())


def test_about_a_share_of_1_over_e_is_out_of_bag_and_draws_are_even() -> None:
    left = [1 - len(set(drawing.bag({"": range(1000)}, rows=1000, number=one, seed=1))) / 1000 for one in range(1, 51)]
    assert abs(float(np.mean(left)) - np.exp(-1)) < 0.005
    drawn = Counter(row for one in range(1, 51) for row in drawing.bag({"": range(10)}, rows=10, number=one, seed=2))
    assert all(25 < drawn[row] < 80 for row in range(10))


def test_grouped_folds_come_near_to_the_shares() -> None:
    """As near as scikit-learn's StratifiedGroupKFold, which is made for the same."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - the oracle of this test alone

    chance = np.random.default_rng(5)
    labels = chance.choice(list("abc"), p=[0.7, 0.2, 0.1], size=600)
    of = (chance.pareto(0.8, size=600) * 4).astype(int) % 60  # a few large groups and many small ones
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(of):
        groups.setdefault(str(name), []).append(row)

    def apart(held: Any) -> float:
        return max(abs((labels[fold] == one).mean() - (labels == one).mean()) for fold in held for one in "abc")

    ours = apart(drawing.grouped_folds(groups, list(labels), count=5, seed=1))
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    assert ours <= apart([test for _train, test in splitter.split(labels, labels, of)]) + 0.01


# -- the same rows for ever --------------------------------------------------------------------------------------------------


def test_the_rows_are_those_that_were_written_down_once(digits: Path) -> None:
    """If these change, every split that anybody kept is another one: give the format another number instead."""
    assert list(drawing.words(7, "kfold", 2)) == [6001110718711496287, 10522920300818276900]
    folds = countersign.split(digits, method="kfold", seed=7, stratify="label")
    assert list(folds.parts[0].held_out)[:6] == EXPECTED["kfold"]
    held = countersign.split(digits, method="holdout", seed=7, stratify="label", test=0.1)
    assert list(held.parts[0].held_out)[:6] == EXPECTED["holdout"]
    bags = countersign.split(digits, method="bootstrap", seed=7, replicates=2)
    assert list(bags.parts[1].train)[:6] == EXPECTED["bootstrap"]


EXPECTED = {  # drawn by a second program, written from the description alone
    "kfold": [5, 7, 8, 10, 20, 28],
    "holdout": [5, 9, 12, 22, 26, 56],
    "bootstrap": [0, 1, 4, 7, 8, 8],
}


def test_another_seed_gives_other_rows(digits: Path) -> None:
    one, two = (countersign.split(digits, method="kfold", seed=seed).parts[0].held_out for seed in (1, 2))
    assert one != two


# -- files -------------------------------------------------------------------------------------------------------------------


def test_the_same_rows_come_from_every_format(tmp_path: Path) -> None:
    labels = [row % 3 for row in range(60)]
    pixels = np.arange(240, dtype=np.float32).reshape(60, 4)
    files = [write(tmp_path / "a", label=labels, x=list(range(60))), tmp_path / "b", tmp_path / "c.npz", tmp_path / "d"]
    save_file({"label": torch.tensor(labels), "inputs": torch.tensor(pixels)}, files[1])
    np.savez(files[2], label=np.array(labels), inputs=pixels)
    parquet.write_table(pa.table({"label": [float(one) for one in labels], "x": list(range(60))}), files[3])
    assert [open_table(file).format for file in files] == ["csv", "safetensors", "npz", "parquet"]
    found = [countersign.split(file, method="kfold", seed=3, folds=4, stratify="label") for file in files]
    assert len({json.dumps([list(part.held_out) for part in one.parts]) for one in found}) == 1
    assert len({one.sha256 for one in found}) == 4
    assert all(one.counts["strata"] == {"0": 20, "1": 20, "2": 20} for one in found)


@pytest.mark.parametrize("method", ["holdout", "kfold", "bootstrap"])
def test_what_was_saved_is_what_is_loaded(digits: Path, tmp_path: Path, method: str) -> None:
    made = countersign.split(digits, method=method, seed=11, group="writer")
    made.save(tmp_path / "split.json")
    again = load_split(tmp_path / "split.json")
    assert again.as_json() == made.as_json() == json.loads((tmp_path / "split.json").read_text())
    assert [list(part.train) for part in again.parts] == [list(part.train) for part in made.parts]
    for part in again.parts:
        assert set(part.train).isdisjoint(part.held_out)
        assert set(part.train) | set(part.held_out) == set(range(100))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "loo"}, "is one of holdout, kfold, bootstrap"),
        ({"method": "kfold", "folds": 1}, "make 2 to 100 folds"),
        ({"method": "kfold", "folds": 101}, "make 2 to 100 folds"),
        ({"method": "kfold", "folds": 21, "group": "writer"}, "20 groups make 2 to 20 folds"),
        ({"method": "holdout", "test": 1.0}, "between 0 and 1"),
        ({"method": "bootstrap", "replicates": 1}, "two replicates or more"),
        ({"method": "bootstrap", "stratify": "label", "group": "writer"}, "not both"),
        ({"method": "kfold", "stratify": "colour"}, "has no column colour. It has pixel, label, writer"),
        ({"method": "kfold", "stratify": "pixel"}, "stratify by one that repeats"),
    ],
)
def test_what_cannot_be_split_is_refused_in_a_sentence(digits: Path, options: Any, said: str) -> None:
    with pytest.raises(CannotSplit, match=said):
        countersign.split(digits, **{"seed": 1, **options})


def test_rows_without_a_group_are_not_guessed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", x=[1, 2, 3], patient=["p1", "", "p2"])
    with pytest.raises(CannotSplit, match="Row 1 has no value in patient"):
        countersign.split(file, method="kfold", seed=1, group="patient", folds=2)
    same = write(tmp_path / "b.csv", x=[1, 2, 3], patient=["p1"] * 3)
    with pytest.raises(CannotSplit, match="one group cannot be divided"):
        countersign.split(same, method="holdout", seed=1, group="patient")


def test_missing_labels_are_a_stratum_of_their_own(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", x=list(range(10)), label=["a", ""] * 5)
    assert countersign.split(file, method="kfold", seed=1, folds=5, stratify="label").counts["strata"] == {"(missing)": 5, "a": 5}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"PK\x03\x04 broken", b"PAR1 broken", b"\x08\0\0\0\0\0\0\0{broken}", b"x\n1\n"]
)
def test_a_file_that_is_no_table_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(CannotSplit):
        countersign.split(tmp_path / "data", method="kfold", seed=1)


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"format": "countersign.split/2"}', '{"format": "countersign.split/1", "method": "kfold"}']
)
def test_a_file_that_is_no_split_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(CannotSplit):
        load_split(tmp_path / "split.json")


@pytest.mark.parametrize(("suffix", "module"), [("c.npz", "numpy"), ("d.parquet", "pyarrow")])
def test_a_missing_extra_is_named(tmp_path: Path, suffix: str, module: str) -> None:
    file = tmp_path / suffix
    np.savez(file, x=np.arange(9)) if module == "numpy" else parquet.write_table(pa.table({"x": [1, 2, 3]}), file)
    statement = (
        f"import sys; sys.modules[{module!r}] = None\nimport countersign\n"
        f"try: countersign.split({str(file)!r}, method='kfold', seed=1)\nexcept countersign.CannotSplit as why: print(why)"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert f"read with {module}: install countersign[data]" in done.stdout, done.stderr


# -- the command -------------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_split_and_replaces_none(command: Any, digits: Path, machine: Path) -> None:
    words = ["split", digits, "--method", "kfold", "--folds", "5", "--seed", "7", "--stratify", "label"]
    said = command(*words)
    assert (said.code, said.out) == (0, "5 folds of 100 rows, 20 held out, drawn with seed 7: split.json.\n")
    assert load_split("split.json").as_json() == making.split(digits, method="kfold", seed=7, stratify="label").as_json()
    said = command(*words)
    assert said.code == 64 and "exists already" in said.err
    said = command(*words, "-o", "other.json", "--json")
    assert said.json["data"]["rows"] == 100 and said.json["parts"][0] == {"name": "fold-1", "train_rows": 80, "held_out_rows": 20}


def test_the_command_refuses_what_does_not_go_together(command: Any, digits: Path) -> None:
    said = command("split", digits, "--method", "kfold", "--test", "0.2", "--seed", "7")
    assert said.code == 64 and "--test is for --method holdout" in said.err
    said = command("split", "absent.csv", "--method", "kfold", "--seed", "7")
    assert said.code == 64 and "There is no file absent.csv" in said.err


def test_damage_anywhere_in_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Each byte is changed once; what stands in the file then is another file, or a refusal."""
    labels = [row % 2 for row in range(12)]
    save_file({"label": torch.tensor(labels)}, tmp_path / "tensors")
    with (tmp_path / "arrays").open("wb") as file:
        np.savez_compressed(file, label=np.array(labels), x=np.zeros(12))
    parquet.write_table(pa.table({"label": labels}), tmp_path / "table", compression="gzip", use_dictionary=False)
    for name in ("tensors", "arrays", "table"):
        path, refused = tmp_path / name, 0
        sound = path.read_bytes()
        for place in range(min(len(sound), 700)):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x15]) + sound[place + 1 :])
            try:
                countersign.split(path, method="kfold", seed=1, folds=2, stratify="label")
            except CannotSplit:
                refused += 1
        assert refused > 20, name


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "I64", "shape": [10**12], "data_offsets": [0, 96]},
        {"dtype": "I64", "shape": [-5], "data_offsets": [0, 96]},
        {"dtype": "I64", "shape": [12.5], "data_offsets": [0, 96]},
        {"shape": [12], "data_offsets": [0, 96]},
        {"dtype": "I64", "shape": [12]},
        {"dtype": "I64", "shape": [12], "data_offsets": [0]},
        {"dtype": [], "shape": [12], "data_offsets": [0, 96]},
        {"dtype": "I64", "shape": {"a": 1}, "data_offsets": [0, 96]},
    ],
)
def test_a_header_that_promises_what_is_not_there_is_refused(tmp_path: Path, entry: dict[str, Any]) -> None:
    header = json.dumps({"label": entry}).encode()
    (tmp_path / "file").write_bytes(len(header).to_bytes(8, "little") + header + bytes(96))
    with pytest.raises(CannotSplit, match=r"is none|too short"):
        countersign.split(tmp_path / "file", method="kfold", seed=1)
