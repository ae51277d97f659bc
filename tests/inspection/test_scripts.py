"""TorchScript: hostile programs are refused before torch reads them, honest ones are loaded in the sandbox and answer alike."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import sandbox
from models_registry.inspection import child, loading, operators, program_loading
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.report import Verdict
from tests.inspection import scripts_cast as cast
from tests.inspection.programs_cast import members_of, write

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scripts")
    kinds = enumerate(cast.HONEST.items())
    return {kind: cast.save(cast.live(kind), folder / f"{n}.pt", traced=traced) for n, (kind, (_, traced)) in kinds}


@pytest.mark.parametrize("name", [*cast.RUNS_CODE, *cast.REFUSED])
def test_what_is_more_than_a_model_is_refused_with_its_reason(tmp_path: Path, marker: Path, name: str) -> None:
    code, build = (cast.RUNS_CODE | cast.REFUSED)[name]
    report = inspect_file(build(tmp_path / "model.pt", marker))
    marker.unlink(missing_ok=True)  # building one of them in torch already ran it
    report = inspect_file(tmp_path / "model.pt")
    assert (report.verdict, report.format) == (Verdict.REFUSED, "torchscript")
    assert code in [reason.code for reason in report.reasons]
    assert all(reason.sentence and reason.remedy for reason in report.reasons)
    assert "gate_failed" not in [reason.code for reason in report.reasons]
    with pytest.raises(loading.CannotLoad):
        loading.load_model(tmp_path / "model.pt", "torchscript", None)
    assert not marker.exists()
    json.dumps(report.as_json())


def test_the_attacks_are_real(tmp_path: Path, marker: Path) -> None:
    """Loaded and asked without the policy, in a process of their own, they do touch the file."""
    for number, (_, build) in enumerate(cast.RUNS_CODE.values()):
        build(tmp_path / f"{number}.pt", marker)
    marker.unlink(missing_ok=True)
    program = """
import json, os, sys, warnings
import torch
warnings.simplefilter("ignore")
marker, ran = sys.argv[1], []
for path in sys.argv[2:]:
    try:
        torch.jit.load(path)(torch.zeros(2, 2))
    except BaseException:
        pass
    if os.path.exists(marker):
        ran.append(path)
        os.remove(marker)
print(json.dumps(ran))
"""
    paths = [str(tmp_path / f"{number}.pt") for number in range(len(cast.RUNS_CODE))]
    done = subprocess.run([sys.executable, "-c", program, str(marker), *paths], capture_output=True, text=True, check=True)
    ran = set(json.loads(done.stdout.splitlines()[-1]))
    assert [name for name, path in zip(cast.RUNS_CODE, paths, strict=True) if path not in ran] == []


def test_a_file_can_really_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"0123456789abcdef")
    path = cast.save(cast.Reads(str(tmp_path / "secret")), tmp_path / "model.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert bytes(torch.jit.load(path)(torch.zeros(1)).tolist()) == b"0123456789abcdef"


def test_a_refusal_names_member_place_and_operator(tmp_path: Path, marker: Path) -> None:
    cast.RUNS_CODE["an operator in a function of the file"][1](tmp_path / "model.pt", marker)
    (reason,) = inspect_file(tmp_path / "model.pt").reasons
    members = members_of(tmp_path / "model.pt")
    source = members[cast.source_of(members)]
    assert (reason.member, reason.found) == (cast.source_of(members), "torch.save")
    assert source[reason.offset :].lstrip().startswith(b"_9 = torch.save(")
    assert "torch.save" in reason.sentence and "torch.export" in reason.remedy


def test_the_lite_interpreter_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2))._save_for_lite_interpreter(str(tmp_path / "model.ptl"))
    (reason,) = inspect_file(tmp_path / "model.ptl").reasons
    assert (reason.found, "bytecode" in reason.sentence) == ("torchscript-lite", True)
    assert "torch.export" in reason.remedy


def test_honest_programs_are_accepted_and_described(saved: dict[str, Path]) -> None:
    for kind, path in saved.items():
        report = inspect_file(path)
        assert (report.verdict, report.format, report.reasons) == (Verdict.ACCEPTED, "torchscript", []), kind
        model = cast.live(kind)
        buffers = {name for name, _ in model.named_buffers()} | ({"scale"} if "residual" in kind else set())
        found = loading.load_state(path, report)
        if kind != "residual, traced":  # where what is no buffer became a constant of the source
            assert {tensor["name"] for tensor in report.facts["tensors"] if tensor["buffer"]} == buffers, kind
        for name, value in model.state_dict().items():
            assert found[name].equal(value), (kind, name)
        assert report.facts["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert {"name": "lstm", "type": "LSTM"} in inspect_file(saved["recurrent"]).facts["layers"]
    assert inspect_file(saved["perceptron"]).facts["program"]["operators"]["linear"] == 2


def test_honest_programs_are_loaded_in_the_sandbox_and_answer_like_the_live_models(saved: dict[str, Path]) -> None:
    rows = torch.rand(3, 1, 8, 8)
    kinds = {f"model{n}": kind for n, kind in enumerate(saved)}
    with sandbox.run(
        "tests.inspection.answering",
        inputs={name: saved[kind] for name, kind in kinds.items()},
        job={"rows": rows.tolist()},
        roots=[ROOT / "models_registry" / "inspection", ROOT],  # the second is searched for this package of tests
        limits=sandbox.Limits(wall=120, cpu=120, memory=1 << 30),
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        assert outcome.level >= sandbox.Level.L2
        answers = outcome.result["answers"]
    for name, kind in kinds.items():
        assert torch.allclose(torch.tensor(answers[name]), cast.live(kind)(rows), atol=1e-5), kind


def test_a_program_below_the_level_is_read_but_not_loaded(saved: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load_program", lambda path, report: pytest.fail("it was loaded"))
    answer = child.main({"architecture": None, "level": "L1"}, {"checkpoint": saved["residual"]}, ROOT)
    assert (answer["verdict"], len(answer["facts"]["not_checked"])) == ("accepted", 1)
    assert answer["facts"]["tensors"][0]["sha256"]


def test_what_torch_makes_of_the_source_is_held_to_the_same_list(
    saved: dict[str, Path], tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second fence: past the gate, before anything of the program runs."""
    path = cast.RUNS_CODE["a file is written"][1](tmp_path / "model.pt", marker)
    with pytest.raises(program_loading.ForbiddenOperator, match="aten::save"):
        program_loading.load_script(path)
    assert not marker.exists()
    monkeypatch.setattr(operators, "_ATEN", operators._ATEN - {"linear"})
    with pytest.raises(program_loading.ForbiddenOperator, match="aten::linear"):
        program_loading.load_script(saved["perceptron"])


def test_no_operator_on_the_list_for_scripts_touches_files_or_storages() -> None:
    names = {schema.name for schema in torch._C._jit_get_all_schemas()}
    for name in operators._OF_SCRIPTS:
        assert f"aten::{name}" in names or f"aten::{name}_" in names or name in ("__range_length", "__derive_index"), name
    words = ("file", "save", "load", "set_data", "as_strided", "resize", "rpc", "fork", "owner")
    assert not [name for name in operators._OF_SCRIPTS | operators._OF_PRIM | operators._NODES if any(w in name for w in words)]


def test_half_precision_rows_are_cast(tmp_path: Path) -> None:
    model = nn.Linear(4, 2).double()
    loaded = loading.load_model(cast.save(model, tmp_path / "model.pt"), "torchscript", None)
    rows = torch.rand(3, 4)
    assert torch.allclose(loaded(rows), model(rows.double()))
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())


def test_an_architecture_beside_a_program_is_refused(saved: dict[str, Path]) -> None:
    job = {"architecture": {"name": "mlp", "config": {}}, "level": "L2"}
    answer = child.main(job, {"checkpoint": saved["perceptron"]}, ROOT)
    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("refused", "architecture")


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    where=st.integers(0, 5_000), more=st.text(max_size=12), cut=st.integers(0, 20), which=st.sampled_from(["code", "data.pkl"])
)
def test_changed_programs_are_answered(saved: dict[str, Path], where: int, more: str, cut: int, which: str) -> None:
    members = members_of(saved["branching"])
    name = cast.source_of(members) if which == "code" else which
    at = where % len(members[name])
    members[name] = members[name][:at] + more.encode() + members[name][at + cut :]
    path = write(members, saved["branching"].with_name("changed.pt"))
    assert "gate_failed" not in [reason.code for reason in inspect_file(path).reasons]
