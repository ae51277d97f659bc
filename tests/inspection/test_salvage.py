"""Files that are more than weights: their tensors are had without any of their code, and nothing but tensors is had."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import sandbox
from models_registry.inspection import child, inert, loading
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.report import Verdict
from tests.inspection import attacks, salvage_cast
from tests.inspection.attacks import PROTOCOL, text

ROOT = Path(__file__).parent.parent.parent
MLP = {"name": "mlp", "config": {"input": [64], "hidden": [8], "classes": 10}}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each file, made once."""
    folder = tmp_path_factory.mktemp("kept")

    def make(name: str) -> Path:
        if not (folder / name).exists():
            salvage_cast.KEPT[name][4](folder / name)
        return folder / name

    return make


@pytest.mark.parametrize("name", salvage_cast.KEPT)
def test_the_weights_are_found_and_what_is_left_behind_is_named(kept: Callable[[str], Path], name: str) -> None:
    verdict, format_, source, class_, _ = salvage_cast.KEPT[name]
    report = inspect_file(kept(name))
    assert (report.verdict, report.format, report.facts["taken_from"]) == (verdict, format_, source), report.reasons
    assert [reason.code for reason in report.reasons if reason.code != "foreign_class"] == []
    if class_:
        (reason,) = [reason for reason in report.reasons if class_ in reason.found.split(", ")]
        assert "No code was imported or run" in reason.sentence and reason.remedy and reason.offset is not None
        assert class_ in report.facts["classes"]
    else:
        assert not report.reasons
    json.dumps(report.as_json())


@pytest.mark.parametrize("name", ["module.pt", "module.pth"])
def test_a_whole_module_gives_what_its_state_dict_would_have(kept: Callable[[str], Path], name: str) -> None:
    expected = salvage_cast.digits().state_dict()
    report = inspect_file(kept(name))
    found = loading.load_state(kept(name), report)
    assert list(found) == list(expected)
    assert all(found[key].equal(value) and found[key].dtype == value.dtype for key, value in expected.items())
    assert {"name": "features.1", "type": "BatchNorm2d"} in report.facts["layers"]
    assert ["first.weight", "second.weight"] in report.facts["tied"]
    buffers = {tensor["name"] for tensor in report.facts["tensors"] if tensor["buffer"]}
    assert buffers == {name for name, _ in salvage_cast.digits().named_buffers()} - {"scratch"}
    assert report.facts["buffers"] == 4 + 4 + 1 + 3
    assert report.facts["parameters"] == sum(value.numel() for name, value in expected.items() if name not in buffers)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("parallel.pt", "module."), ("module_inside.pt", ""), ("fastai.pth", ""), ("lightning_namespace.ckpt", "backbone.")],
)
def test_it_is_measured_through_an_architecture_like_weights(kept: Callable[[str], Path], name: str, prefix: str) -> None:
    model = loading.load_model(kept(name), salvage_cast.KEPT[name][1], MLP)
    answer = child.main({"architecture": MLP, "level": "L2"}, {"checkpoint": kept(name)}, kept(name).parent)
    assert (answer["verdict"], answer["facts"]["architecture"]["prefix"]) == (salvage_cast.KEPT[name][0], prefix)
    rows = torch.rand(3, 64)
    if "lightning" not in name:  # which was trained by one step
        assert model(rows).equal(salvage_cast.plain().eval()(rows))
    assert [reason["code"] for reason in answer["reasons"]] == ["foreign_class"] * len(answer["reasons"])


def test_only_lightning_may_have_any_attribute_before_the_names(tmp_path: Path) -> None:
    state = {f"backbone.{name}": value for name, value in salvage_cast.plain().state_dict().items()}
    torch.save(state, tmp_path / "model.pt")
    answer = child.main({"architecture": MLP}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)
    assert answer["verdict"] == "refused"


def test_what_lay_beside_the_weights_is_listed(kept: Callable[[str], Path]) -> None:
    facts = inspect_file(kept("lightning_namespace.ckpt")).facts
    assert {"epoch", "optimizer_states", "hyper_parameters"} <= set(facts["left_out"])
    assert facts["left_out_count"] == len(facts["left_out"])


def test_in_the_sandbox_nothing_of_it_is_imported(kept: Callable[[str], Path]) -> None:
    with sandbox.run(
        "models_registry.inspection.child",
        inputs={"checkpoint": kept("module.pt")},
        job={"architecture": None},
        roots=[ROOT / "models_registry" / "inspection"],
        limits=sandbox.Limits(wall=60, cpu=60, memory=1 << 30),
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        found = outcome.result
    assert (found["verdict"], found["format"]) == ("salvageable", "torch-module")
    assert found["facts"]["tensors"][0]["sha256"]
    assert found["facts"]["buffers"] == 12
    assert "tests.inspection.salvage_cast.Digits" in found["facts"]["classes"]  # there is no such module where the child runs


def test_a_learner_with_its_code_is_refused(tmp_path: Path) -> None:
    salvage_cast.fastai_export(tmp_path / "export.pkl")
    report = inspect_file(tmp_path / "export.pkl")
    assert (report.verdict, report.format) == (Verdict.REFUSED, "fastai")
    found = {reason.found for reason in report.reasons}
    assert "fastai.learner.Learner" in found
    assert any(name.startswith("cloudpickle.") for name in found)
    assert all(reason.remedy for reason in report.reasons)


def _module(payload: bytes) -> Callable[[Path], None]:
    """A whole module with `payload` as the value of one of its attributes."""

    def build(path: Path) -> None:
        weight = attacks.tensor((4,), (1,))
        state = (
            b"}(" + text("_parameters") + b"}" + text("w") + weight + b"s" + text("_buffers") + b"}" + text("_modules") + b"}"
            + text("extra") + payload + b"u"
        )  # fmt: skip
        attacks.as_torch_with_storage(path, b"cpeople\nNet\n)\x81" + state + b"b")

    return build


HARMLESS = _module(b"N")
REFUSED = {
    # each in the place where an attribute of a module stands
    "a function of the system": ("forbidden_global", b"cos\nsystem\n(" + text("true") + b"tR"),
    "a function of the system as a value": ("forbidden_global", b"cos\nsystem\n"),
    "a function of a library that is called": ("forbidden_call", b"cpeople.tools\nrun\n(" + text("true") + b"tR"),
    "an object that is called": ("forbidden_call", b"cpeople\nNet\n)\x81(" + text("true") + b"tR"),
    "a made type that is called": ("forbidden_call", b"cpeople\nMeta\n(" + text("a") + b"tR)R"),
    "getattr": ("forbidden_global", b"cbuiltins\ngetattr\n(cpeople\nNet\n" + text("run") + b"tR"),
    "a path through a class": ("forbidden_global", b"cpeople\nNet.run\n)R"),
    "a path through a module": ("forbidden_global", b"ctorch.nn.modules.linear\ntorch.os\n"),
    "eval": ("forbidden_global", b"c__builtin__\neval\n(" + text("1") + b"tR"),
    "cloudpickle": ("forbidden_global", b"ccloudpickle.cloudpickle\n_make_function\n)R"),
    "dill": ("forbidden_global", b"cdill._dill\n_create_function\n)R"),
    "a learner": ("forbidden_global", b"cfastai.learner\nLearner\n)\x81"),
    "a hub": ("forbidden_global", b"ctorch.hub\nload\n(" + text("x") + b"tR"),
    "a pickle inside": ("forbidden_global", b"ctorch.storage\n_load_from_bytes\n(" + text("x") + b"tR"),
    "a function of numpy": ("forbidden_global", b"cnumpy.testing._private.utils\nrunstring\n(" + text("1") + b"}tR"),
    "a file handler": ("forbidden_global", b"clogging\nFileHandler\n(" + text("x") + b"tR"),
    "a sparse tensor": ("forbidden_global", b"ctorch._utils\n_rebuild_sparse_tensor\n)R"),
    "an instruction of another protocol": ("forbidden_opcode", b"(ipeople\nNet\n"),
    "an entry for a number": ("pickle_misshapen", b"K\x01" + text("a") + b"K\x01s"),
}


def test_a_module_made_by_hand_gives_its_tensor(tmp_path: Path) -> None:
    """So that what is refused below is refused for its payload."""
    HARMLESS(tmp_path / "model.pt")
    report = inspect_file(tmp_path / "model.pt")
    assert (report.verdict, report.facts["tensor_count"]) == (Verdict.SALVAGEABLE, 1)


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_stubs_may_not_meet_is_refused(tmp_path: Path, what: str) -> None:
    code, payload = REFUSED[what]
    _module(payload)(tmp_path / "model.pt")
    report = inspect_file(tmp_path / "model.pt")
    assert (report.verdict, report.layout) == (Verdict.REFUSED, None)
    assert code in [reason.code for reason in report.reasons]
    assert all(reason.sentence and reason.remedy for reason in report.reasons)
    with pytest.raises(loading.CannotLoad):
        loading.load_state(tmp_path / "model.pt", report)


def test_a_class_whose_making_runs_code_is_not_made(tmp_path: Path, marker: Path) -> None:
    """The same file runs its payload where its class can be imported and torch is told to trust it."""
    people = tmp_path / "people.py"
    people.write_text(f"class Net:\n    def __new__(cls, *args):\n        open({str(marker)!r}, 'w').close()\n")
    HARMLESS(tmp_path / "model.pt")
    loading.load_state(tmp_path / "model.pt", inspect_file(tmp_path / "model.pt"))
    child.main({"architecture": None}, {"checkpoint": tmp_path / "model.pt"}, tmp_path)
    assert not marker.exists()
    program = "import sys, torch; sys.path.insert(0, sys.argv[1]); torch.load(sys.argv[2], weights_only=False)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path), str(tmp_path / "model.pt")], check=False, capture_output=True)
    assert marker.exists()


def test_lies_about_tensors_are_found_in_what_is_salvaged_too(tmp_path: Path) -> None:
    lie = attacks.tensor((1 << 38,), (0,))
    _module(b"N")(tmp_path / "good.pt")
    state = b"}(" + text("_parameters") + b"}" + text("w") + lie + b"s" + text("_buffers") + b"}" + text("_modules") + b"}u"
    attacks.as_torch_with_storage(tmp_path / "model.pt", b"cpeople\nNet\n)\x81" + state + b"b")
    assert "lying_tensor" in [reason.code for reason in inspect_file(tmp_path / "model.pt").reasons]


def test_modules_that_hold_themselves_or_each_other_a_thousandfold_end(tmp_path: Path) -> None:
    shell = b"}(" + text("_parameters") + b"}" + text("_buffers") + b"}" + text("_modules") + b"}"
    loop = b"cpeople\nNet\n)\x81q\x00" + shell + text("a") + b"h\x00su" + b"b"
    attacks.as_torch(tmp_path / "loop.pt", PROTOCOL + loop + b".")
    report = inspect_file(tmp_path / "loop.pt")
    assert [reason.code for reason in report.reasons] == ["not_weights"]
    assert report.facts["layers"] == [{"name": "", "type": "Net"}]
    laughs = b"cpeople\nNet\n)\x81" + shell + b"ubq\x00"
    for level in range(40):
        inner = b"(" + b"".join(text(str(n)) + b"h" + bytes([level]) for n in range(9)) + b"u"
        laughs += b"cpeople\nNet\n)\x81" + shell + inner + b"ubq" + bytes([level + 1])
    attacks.as_torch(tmp_path / "laughs.pt", PROTOCOL + laughs + b".")
    assert inspect_file(tmp_path / "laughs.pt").verdict == Verdict.REFUSED


def test_names_that_no_tensor_could_have_are_not_followed(tmp_path: Path) -> None:
    """A chain of modules, whose names would take gigabytes if they were all written out."""
    shell = b"cpeople\nNet\n)\x81}(" + text("_parameters") + b"}" + text("_buffers") + b"}" + text("_modules") + b"}"
    depth = 20_000
    attacks.as_torch(tmp_path / "chain.pt", PROTOCOL + (shell + text("inner")) * depth + b"N" + b"sub" * depth + b".")
    report = inspect_file(tmp_path / "chain.pt")
    assert report.verdict == Verdict.REFUSED
    assert len(report.facts["layers"]) < 100
    assert report.facts["left_out_count"] == 1


@pytest.mark.parametrize(
    "module", ["os", "posix", "nt", "subprocess", "torch", "numpy", "importlib", "_io", "cloudpickle", "sys"]
)
def test_of_python_torch_and_numpy_only_what_is_listed_may_be_named(module: str) -> None:
    assert not inert.may_be_named(module, "Anything")
    assert not inert.may_be_named(f"{module}.inner", "Anything")


@pytest.mark.parametrize(
    ("name", "makes"), [("Net", True), ("_Private", True), ("L", True), ("run", False), ("__init__", False), ("getLogger", False)]
)
def test_a_class_is_told_from_a_function_by_its_name(name: str, makes: bool) -> None:
    assert inert.makes_an_object("people", name) is makes
    assert inert.may_be_named("people", name)  # as a value


def test_numbers_in_another_byte_order_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"w": torch.arange(4.0)}
    monkeypatch.setattr(sys, "byteorder", "big")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save(state, tmp_path / "new.pt")
    for name in ("old.pth", "new.pt"):
        assert [reason.code for reason in inspect_file(tmp_path / name).reasons] == ["byte_order"]


def test_tensors_of_a_module_that_is_no_module_are_not_guessed(tmp_path: Path) -> None:
    attacks.as_torch_with_storage(tmp_path / "model.pt", b"cpeople\nNet\n)\x81}" + text("w") + attacks.tensor((4,), (1,)) + b"sb")
    assert "not_weights" in [reason.code for reason in inspect_file(tmp_path / "model.pt").reasons]
