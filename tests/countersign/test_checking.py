"""`countersign check`: what a policy would find missing, said before anything is uploaded, each with its remedy."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy.special import betainc

from countersign.checking import planning
from countersign.checking.checking import PROVENANCE as PROVENANCE_ELEMENTS
from countersign.checking.recognising import recognise
from data_registry.provenance import REQUIRED
from ledger.models import Entry
from measures import proportions
from tests.countersign.conftest import Said
from tests.plugins_versions import CARD, PROVENANCE

ARCHITECTURE = {"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [4], "classes": 3}}
Command = Callable[..., Said]


class Anything:
    def __reduce__(self) -> Any:
        return print, ("it ran",)


# -- recognising -------------------------------------------------------------------------------------------------------------


def test_each_format_is_told_by_its_content(tmp_path: Path, capsys: Any) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).eval()
    files = {name: tmp_path / name for name in ("st", "zip", "legacy", "module", "m.pt2", "script", "pickle", "npz")}
    save_file(net.state_dict(), files["st"])
    torch.save(net.state_dict(), files["zip"])
    torch.save(net.state_dict(), files["legacy"], _use_new_zipfile_serialization=False)
    torch.save({"model": net.state_dict(), "extra": Anything()}, files["module"])
    torch.export.save(torch.export.export(net, (torch.zeros(2, 4),)), files["m.pt2"])
    with pytest.warns(DeprecationWarning):
        torch.jit.script(net).save(files["script"])
    files["pickle"].write_bytes(pickle.dumps({"a": 1}))
    files["npz"].write_bytes(b"\x93NUMPY\x01\x00")
    found = {name: recognise(file) for name, file in files.items()}
    assert {name: one.kind for name, one in found.items()} == {
        "st": "weights",
        "zip": "weights",
        "legacy": "weights",
        "module": "weights",
        "m.pt2": "program",
        "script": "program",
        "pickle": "unusable",
        "npz": "unusable",
    }
    assert found["module"].names_code == ("__builtin__.print",)
    assert all(one.names_code == () for name, one in found.items() if name != "module")
    assert "2 tensors" in found["st"].says and "torch.export" in found["script"].remedy
    assert "it ran" not in capsys.readouterr().out


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04 broken", "a damaged zip archive"),
        (zipped(readme=b"x"), "a zip archive without a checkpoint"),
        (zipped(m__data__aotinductor__x=b"x"), "AOTInductor"),
        (zipped(**{"m__data.pkl": b"\x80\x02\xff\xff"}), "pickle is damaged"),
        ((20).to_bytes(8, "little") + b"{" + b"x" * 40, "a damaged header"),
        ((2).to_bytes(8, "little") + b"{}" + b"x" * 40, "without tensors"),
        (
            (56).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}  ' + b"x",
            "not as long as it says",
        ),
        (b"hello, world", "in no format of a checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    found = recognise(tmp_path / "file")
    assert found.kind == "unusable" and said in found.says and found.remedy


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."]))
def test_whatever_the_bytes_there_is_an_answer(tmp_path_factory: Any, content: bytes, start: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "anything"
    file.write_bytes(start + content)
    assert recognise(file).kind in {"weights", "program", "unusable"}


# -- planning ----------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(a=st.floats(0.5, 5000), b=st.floats(0.5, 5000), x=st.floats(0, 1))
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    assert planning.incomplete_beta(a, b, x) == pytest.approx(float(betainc(a, b, x)), abs=1e-9)


@pytest.mark.parametrize(
    ("rate", "limit"), [(1.0, 0.95), (0.975, 0.95), (1.0, 0.8), (0.9, 0.8), (0.8, 0.9), (0.0, 0.05), (0.5, 0.5)]
)
def test_the_rows_are_those_by_which_the_site_judges(rate: float, limit: float) -> None:
    """The server plans an inconclusive check with Jeffreys' interval: the client, without its code, says the same."""
    assert planning.rows_to_settle(rate, limit) == proportions.rows_to_settle(rate, limit)


# -- the command against a site ------------------------------------------------------------------------------------------------


@pytest.fixture
def ready(site: str, command: Command, key_of: Any, machine: Path, scientist: Any, make_model: Any, make_data: Any) -> Any:
    """`ready(*words)`: check the file with everything that is needed, and these words besides."""
    (machine.parent / "key").write_text(key_of(scientist) + "\n")
    assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0
    make_model(tier="high")
    train, test = make_data("train"), make_data("hold-out", content=b"held out")
    (machine / "card.json").write_text(json.dumps(CARD))
    (machine / "arch.json").write_text(json.dumps(ARCHITECTURE))
    save_file({"weight": torch.zeros(3, 3)}, machine / "model.safetensors")
    given = {
        "--model": "digit-reader",
        "--card": "card.json",
        "--architecture": "arch.json",
        "--training": str(train.pk),
        "--testing": str(test.pk),
    }

    def run(*words: str, file: str = "model.safetensors", policy: str = "high-risk", **without: Any) -> Any:
        chosen = {**given, **{f"--{name}": value for name, value in without.items()}}
        options = [word for name, value in chosen.items() if value is not None for word in (name, value)]
        return command("check", file, "--policy", policy, *options, "--json", *words)

    return run


def codes(said: Said) -> list[str]:
    return [one["code"] for one in said.json["missing"]]


ASSESSED = {"pii_not_assessed", "pii_unknown"}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_missing_and_nothing_was_uploaded(ready: Any, machine: Path, command: Command) -> None:
    before = Entry.objects.count()
    said = ready()
    assert set(codes(said)) <= ASSESSED, said.out
    assert said.code == (3 if codes(said) else 0)
    assert said.json["format"] == "safetensors with 1 tensors"
    assert said.json["policy"]["name"] == "high-risk" and said.json["policy"]["number"] >= 1
    assert Entry.objects.count() == before
    assert "rows_unknown" in [one["code"] for one in said.json["notes"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("without", "code", "says"),
    [
        ({"card": None}, "card", "No card is given. Give --card FILE with a text for each of overview, intended_use"),
        ({"architecture": None}, "architecture", "no architecture is given"),
        ({"training": None}, "training", "No dataset version is named for training."),
        ({"testing": None}, "testing", "Register it and name it with --testing ID."),
        ({"policy": "minimal-risk"}, "tier", "has the risk tier high, and this policy is for low"),
        ({"environment": "moon"}, "environment", "does not allow the environment moon; it allows staging, production"),
        ({"file": "card.json"}, "format", "in no format of a checkpoint"),
    ],
)
def test_each_thing_that_is_missing_is_a_line_with_its_remedy(ready: Any, without: Any, code: str, says: str) -> None:
    said = ready(**without)
    assert said.code == 3 and code in codes(said)
    assert any(says in f"{one['sentence']} {one['remedy']}" for one in said.json["missing"]), said.out


@pytest.mark.django_db(transaction=True)
def test_a_cards_gaps_are_named_one_by_one(ready: Any, machine: Path) -> None:
    card = {**CARD, "limitations": " ", "intended_use": "[More information needed]", "colour": "red"}
    (machine / "card.json").write_text(json.dumps(card))
    said = [one["sentence"] for one in ready().json["missing"] if one["code"] == "card"]
    assert said == [
        "The card says nothing under “intended_use”.",
        "The card says nothing under “limitations”.",
        "The card has a field that is not known: colour.",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_hold_out_too_small_to_pass_is_said_with_the_rows_it_needs(ready: Any, make_data: Any) -> None:
    for rows, expected in ((40, "missing"), (100, "notes"), (100_000, None)):
        said = _with_rows(ready, make_data, rows)
        lines = {
            where: [one for one in said.json[where] if one["sentence"].startswith("sized")] for where in ("missing", "notes")
        }
        accuracy = {
            where: [one for one in found if "for accuracy of at least 0.95" in one["sentence"]] for where, found in lines.items()
        }
        assert {where for where, found in accuracy.items() if found} == ({expected} if expected else set())
    least, likely = planning.rows_to_settle(1.0, 0.95), planning.rows_to_settle(0.975, 0.95)
    said = _with_rows(ready, make_data, 40)
    (line,) = [one for one in said.json["missing"] if "accuracy of at least 0.95" in one["sentence"]]
    assert f"{least} rows show it without any mistake, about {likely} at 0.975. It cannot pass." in line["sentence"]
    assert line["remedy"] == f"Hold out at least {least} rows."


def _with_rows(ready: Any, make_data: Any, rows: int) -> Said:
    """A registered version of the dataset "sized" that declares so many rows."""
    from data_registry import services  # noqa: PLC0415 - as above
    from data_registry.models import Dataset  # noqa: PLC0415 - as above

    first = make_data("sized", content=f"rows {rows}".encode())
    by, dataset = first.created_by, Dataset.objects.get(pk=first.dataset_id)
    draft = services.draft_version(dataset, by=by, provenance=PROVENANCE, format="other", rows=rows)
    services.receive_content(draft, by=by, chunks=[f"{rows} rows {draft.number}".encode()])
    return ready(testing=str(services.register_version(draft, by=by).pk))


@pytest.mark.django_db(transaction=True)
def test_data_that_are_not_ready_are_named(ready: Any, make_data: Any, scientist: Any) -> None:
    from data_registry import services  # noqa: PLC0415 - as above
    from data_registry.models import Dataset  # noqa: PLC0415 - as above

    train = make_data("train-again", content=b"the same")
    said = ready(training=str(train.pk), testing=str(train.pk))
    assert "leakage" in codes(said)
    dataset = Dataset.objects.get(pk=train.dataset_id)
    draft = services.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="other")
    assert "draft" in codes(ready(testing=str(draft.pk)))


@pytest.mark.django_db(transaction=True)
def test_provenance_that_would_be_refused_is_named(ready: Any, machine: Path) -> None:
    (machine / "p.json").write_text(json.dumps({**PROVENANCE, "use": {"license": ["CC-BY-4.0"], "intended-purpose": []}}))
    said = [one["sentence"] for one in ready("--provenance", "p.json").json["missing"] if one["code"] == "provenance"]
    assert said == ["p.json does not say use.intended-purpose."]
    assert set(PROVENANCE_ELEMENTS) == set(REQUIRED)  # the server's list, which shares no code with the client's


@pytest.mark.django_db(transaction=True)
def test_a_policy_is_found_by_name_and_number_or_named(ready: Any, command: Command) -> None:
    assert ready(policy="high-risk:1").json["policy"]["number"] == 1
    said = ready(policy="hihg-risk")
    assert said.code == 1
    assert "No policy hihg-risk is published; there are high-risk, limited-risk, minimal-risk." in said.json["error"]
    said = command("check", "absent", "--policy", "high-risk")
    assert said.code == 64 and "There is no file absent" in said.err


@pytest.mark.django_db(transaction=True)
def test_in_words_each_thing_is_one_line(ready: Any, command: Command, machine: Path) -> None:
    said = command("check", "model.safetensors", "--policy", "high-risk")
    assert said.code == 3
    lines = said.out.splitlines()
    assert lines[0] == "model.safetensors: safetensors with 1 tensors"
    assert "Under policy high-risk 1, 4 things are missing:" in said.out
    assert "To be known:" in lines and sum(line.startswith("  - ") for line in lines) >= 5


@pytest.mark.django_db(transaction=True)
def test_personal_data_call_for_a_signature(ready: Any, make_data: Any, scientist: Any) -> None:
    column = {"name": "email", "dtype": "text", "category": "contact", "present": "yes"}
    data = make_data("people", columns=[column], content=b"people")
    said = ready(training=str(data.pk))
    (note,) = [one for one in said.json["notes"] if one["code"] == "pii"]
    assert "Personal data reach people v1" in note["sentence"] and "data protection officer's signature" in note["sentence"]


def test_a_torch_file_whose_pickle_orders_texts_freely_is_read_too(tmp_path: Path) -> None:
    torch.save(OrderedDict(a=torch.zeros(2), b={"names": ["x", "y"]}), tmp_path / "m.pt", pickle_protocol=4)
    assert recognise(tmp_path / "m.pt").names_code == ()
    torch.save({"weights": torch.zeros(2), "extra": Anything()}, tmp_path / "n.pt", pickle_protocol=4)
    assert recognise(tmp_path / "n.pt").names_code == ("builtins.print",)
