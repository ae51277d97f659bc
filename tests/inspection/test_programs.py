"""Exported programs: hostile ones are refused before torch reads them, honest ones are loaded in the sandbox and answer alike."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch._ops import OpOverload

import sandbox
from countersign.submitting import _save
from models_registry.inspection import child, formats, loading, operators
from models_registry.inspection.expressions import is_expression, is_guard, shape_of_arguments, symbol_of
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.program_schema import PROGRAM
from models_registry.inspection.report import StaticReport, Verdict
from tests.evaluations.engine_cast import CLASSES, digits, save_data
from tests.inspection import programs_cast as cast
from tests.inspection.programs_cast import Change, Members
from tests.inspection.programs_refused import REFUSED

ROOT = Path(__file__).parent.parent.parent
INSPECTION = ROOT / "models_registry" / "inspection"
LIMITS = sandbox.Limits(wall=120, cpu=120, memory=1 << 30)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each honest model as a program; exporting takes seconds."""
    folder = tmp_path_factory.mktemp("programs")
    return {kind: cast.export(cast.made(kind), folder / f"{kind}.pt2") for kind in cast.HONEST}


@pytest.fixture(scope="module")
def members(exported: dict[str, Path]) -> Members:
    """What the smallest program's archive holds."""
    return cast.members_of(exported["perceptron"])


@pytest.fixture
def changed(members: Members, tmp_path: Path, marker: Path) -> Callable[[Change], StaticReport]:
    """What the gate says of the program after `change`."""

    def inspect(change: Change) -> StaticReport:
        held = dict(members)
        change(held, marker)
        return inspect_file(cast.write(held, tmp_path / "changed.pt2"))

    return inspect


def _nothing(members: Members, marker: Path) -> None:
    """The file as it is, packed anew."""


def test_changing_nothing_is_accepted(changed: Callable[[Change], StaticReport]) -> None:
    """So that what is refused below is refused for its change."""
    assert changed(_nothing).verdict == Verdict.ACCEPTED


# -- refused ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*cast.RUNS_CODE, *REFUSED])
def test_a_change_is_refused_with_its_reason_and_runs_nothing(
    changed: Callable[[Change], StaticReport], marker: Path, name: str
) -> None:
    code, change = (cast.RUNS_CODE | REFUSED)[name]
    report = changed(change)
    assert (report.verdict, report.format) == (Verdict.REFUSED, "torch-export-pt2")
    assert code in [reason.code for reason in report.reasons]
    assert "gate_failed" not in [reason.code for reason in report.reasons]
    assert all(reason.sentence and reason.remedy for reason in report.reasons)
    assert not marker.exists()
    json.dumps(report.as_json())


def test_the_attacks_are_real(members: Members, marker: Path, tmp_path: Path) -> None:
    """Loaded without the policy, in a process of their own, they do run their payloads."""
    for name, (_, change) in cast.RUNS_CODE.items():
        held = dict(members)
        change(held, marker)
        cast.write(held, tmp_path / f"{name}.pt2")
    (tmp_path / "payload.py").write_text(f"open({str(marker)!r}, 'w').close()")
    program = """
import json, logging, os, sys, warnings
import torch
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
marker, folder, ran = sys.argv[1], sys.argv[2], []
sys.path.insert(0, folder)
for name in sys.argv[3:]:
    try:
        torch.export.load(os.path.join(folder, name + ".pt2")).module()(torch.zeros(2, 1, 8, 8))
    except BaseException:
        pass
    if os.path.exists(marker):
        ran.append(name)
        os.remove(marker)
print(json.dumps(ran))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(marker), str(tmp_path), *cast.RUNS_CODE],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert set(cast.RUNS_CODE) - set(json.loads(done.stdout.splitlines()[-1])) == set()


def test_a_refusal_names_what_was_found_where_and_what_to_do(changed: Callable[[Change], StaticReport], members: Members) -> None:
    (reason,) = changed(REFUSED["a function of the system"][1]).reasons
    assert reason.sentence.startswith("The program calls torch.os.system, which is not on the list")
    assert (reason.member, reason.found) == ("models/model.json", 'graph_module.graph.nodes[1].target: "torch.os.system"')
    assert reason.offset == members["models/model.json"].index(b'"torch.ops.aten.linear')
    assert "model.cpu()" in changed(REFUSED["an input on another device"][1]).reasons[0].remedy


def test_nothing_of_a_hostile_program_is_loaded(members: Members, marker: Path, tmp_path: Path) -> None:
    held = dict(members)
    cast.RUNS_CODE["guard"][1](held, marker)
    path = cast.write(held, tmp_path / "checkpoint")
    with pytest.raises(loading.CannotLoad, match="more than a comparison of sizes"):
        loading.load_model(path, "torch-export-pt2", None)
    answer = child.main({"architecture": None, "level": "L3"}, {"checkpoint": path}, tmp_path)
    assert (answer["verdict"], "versions" in answer["facts"]) == ("refused", False)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("member", "format_"),
    [
        ("data/aotinductor/model/model.so", formats.Format.AOTINDUCTOR),
        ("serialized_exported_program.json", formats.Format.TORCH_EXPORT),
    ],
)
def test_native_code_and_the_old_form_are_recognised_and_refused(
    members: Members, tmp_path: Path, member: str, format_: formats.Format
) -> None:
    root = "" if "/" not in member else "model/"
    held = {member: b"{}", "version": b"8.5"} if not root else members | {member: b"\x7fELF"}
    report = inspect_file(cast.write(held, tmp_path / "a.pt2", root=root))
    assert (report.verdict, report.format) == (Verdict.REFUSED, format_)
    assert all(reason.remedy for reason in report.reasons)


def test_packed_members_and_several_roots_are_refused(members: Members, tmp_path: Path) -> None:
    packed = inspect_file(cast.write(members, tmp_path / "packed.pt2", compression=zipfile.ZIP_DEFLATED))
    assert {"packed_weights"} == {reason.code for reason in packed.reasons}
    twice = cast.write(members, tmp_path / "twice.pt2")
    with zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("other/archive_format", "pt2")
    assert inspect_file(twice).verdict == Verdict.REFUSED


def test_a_model_in_training_mode_is_refused(tmp_path: Path) -> None:
    report = inspect_file(cast.export(cast.made("residual").train(), tmp_path / "model.pt2"))
    assert {reason.code for reason in report.reasons} == {"training_mode"}
    assert {reason.found for reason in report.reasons} == {"batch_norm: training", "dropout: train"}
    assert "model.eval()" in report.reasons[0].remedy


def test_a_fixed_number_of_rows_is_refused_in_one_clear_sentence(tmp_path: Path) -> None:
    path = cast.export(cast.made("perceptron"), tmp_path / "model.pt2", free=False)
    (reason,) = inspect_file(path).reasons
    assert reason.sentence.startswith("The program takes exactly 2 rows at a time; its first axis must be free")
    assert 'torch.export.Dim("rows", min=1)' in reason.remedy
    with pytest.raises(loading.CannotLoad, match="exactly 2 rows"):
        loading.load_model(path, "torch-export-pt2", None)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # torch of itself
def test_a_branch_without_gradients_is_refused_and_the_remedy_helps(tmp_path: Path) -> None:
    class Stopped(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return x.flatten(1).softmax(1)

    program = torch.export.export(Stopped(), (torch.zeros(2, 1, 8, 8),), dynamic_shapes=({0: torch.export.Dim("rows", min=1)},))
    torch.export.save(program, tmp_path / "model.pt2")
    reasons = inspect_file(tmp_path / "model.pt2").reasons
    assert {reason.code for reason in reasons} == {"forbidden_operator"}
    assert "program.run_decompositions({})" in reasons[0].remedy
    torch.export.save(program.run_decompositions({}), tmp_path / "model.pt2")
    assert inspect_file(tmp_path / "model.pt2").reasons == []
    assert inspect_file(_save(Stopped(), tmp_path, torch.zeros(2, 1, 8, 8), None)).reasons == []  # as the SDK does by itself


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each text in the program, and of each name of a field."""
    if isinstance(value, str):
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _texts(one, (*path, key))


FREE = {"stack_trace", "nn_module_stack", "torch_fn", "from_node", "custom", "as_string"}  # what torch neither runs nor looks up


def test_no_text_in_a_program_may_be_source_code(exported: dict[str, Path]) -> None:
    """Every text but free notes and the arguments that operators take as texts is held to a form, wherever it stands."""
    program = json.loads(cast.members_of(exported["attentive"])[cast.MODEL])
    assert not list(PROGRAM.departures(program))
    seen: set[tuple[Any, ...]] = set()
    for path in _texts(program):
        kind = tuple("*" if isinstance(step, int) else step for step in path)
        if FREE & set(path) or kind in seen:
            continue
        seen.add(kind)
        holder = program
        for step in path[:-1]:
            holder = holder[step]
        honest = holder[path[-1]]
        holder[path[-1]] = honest + '"); import os #'
        assert any(PROGRAM.departures(program)), path
        holder[path[-1]] = honest
    assert len(seen) > 20


# -- the small languages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Symbol('s77', positive=True, integer=True)", True),
        ("Mul(Integer(-2), Pow(Symbol('s0', integer=True), Integer(-1)))", True),
        ("Min(Integer(16), Max(Symbol('u0'), Rational(1, 2), Float('1.5', precision=53)))", True),
        ("And(StrictLessThan(Symbol('s0'), Integer(9)), true)", True),
        ("__import__('os').system('true')", False),
        ("Symbol('s0').__class__", False),
        ("Symbol('__x')", False),
        ("Symbol('s0', **x)", False),
        ("Symbol('s0', commutative=Integer)", False),
        ("Symbol(name='s0')", False),
        ("Symbol('s0', commutative=True)", False),
        ("Symbol('s0', integer=1)", False),
        ("Integer(x)", False),
        ("Integer(True)", False),
        ("Integer(9999999999999999999999)", False),
        ("Float('__import__')", False),
        ("Add(*[1])", False),
        ("Lambda(Symbol('s0'), Integer(1))", False),
        ("s0 + 1", False),
        ("Symbol('s0') # more", False),
        ("(yield)", False),
        ("Abs(" * 50 + "Integer(1)" + ")" * 50, True),
        ("Abs(" * 300 + "Integer(1)" + ")" * 300, False),
        ("Add(" + "Integer(1), " * 500 + "Integer(1))", False),
        ("", False),
        (7, False),
    ],
)
def test_an_expression_over_sizes_is_only_that(text: object, holds: bool) -> None:
    assert is_expression(text) is holds


def test_the_symbol_of_a_size_is_the_whole_of_it() -> None:
    assert symbol_of("Symbol('s77', positive=True)") == "s77"
    assert symbol_of("Mul(Integer(2), Symbol('s77'))") == symbol_of("Symbol('a b')") == symbol_of(None) == ""


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("(L['x'].size()[2] // 2) != 1", True),
        ("4*max(1, L['x'].size()[2] // 2) > 4 and not L['x'].size()[0] % 8 == -1", True),
        ("L['x'].size()[0] == __import__('os').system('true')", False),
        ("L['x'].size.__globals__['os'] == 1", False),
        ("L['x'].numpy()[0] == 1", False),
        ("L['x y'].size()[0] == 1", False),
        ("L['x'].size()[L] == 1", False),
        ("L['x'].size(key=1)[0] == 1", False),
        ("M['x'].size()[0] == 1", False),
        ("min(*L) == 1", False),
        ("max(1, default=L) == 1", False),
        ("L['x'].size()[0] in 1", False),
        ("abs(1) == 1", False),
        ("2 ** 9999 == 1", False),
        ("-" * 3000 + "1", False),
        ("1" + "+1" * 1500, False),
        ("[1 for x in L] == 1", False),
        ("(x := 1) == 1", False),
        ("1 if L else 2", False),
        ("'a' == 'b'", False),
    ],
)
def test_a_guard_only_compares_sizes(text: str, holds: bool) -> None:
    assert is_guard(text) is holds


def test_shapes_of_arguments_are_tuples_lists_and_dictionaries() -> None:
    from torch.utils import _pytree  # noqa: PLC0415 - only here: torch's own writer is the measure

    value = ([1, (2,)], {"a": 3}, [])
    spec = _pytree.treespec_dumps(_pytree.tree_structure(value))
    assert shape_of_arguments(spec) == (["*", ("*",)], {"a": "*"}, [])
    leaf = '{"type": null, "context": null, "children_spec": []}'
    assert shape_of_arguments(f"[1, {leaf}]") == "*"
    for text in (
        "",
        "[]",
        f"[2, {leaf}]",
        "[1, {}]",
        "[" * 100_000,
        '[1, {"type": null, "context": null, "children_spec": [1]}]',
        None,
    ):
        with pytest.raises(ValueError):
            shape_of_arguments(text)
    deep = _pytree.treespec_dumps(
        _pytree.tree_structure(
            ((((((((((((((((1,),),),),),),),),),),),),),),),),
        )
    )
    with pytest.raises(ValueError, match="not a shape"):
        shape_of_arguments(deep)


def test_every_operator_on_the_list_is_one_of_torchs_and_no_attribute_of_one() -> None:
    for name in operators._ATEN:
        packets = [getattr(torch.ops.aten, name, None), getattr(torch.ops.aten, name + "_", None)]
        assert any(packets), name
        for packet in filter(None, packets):
            for overload in operators._OVERLOADS:
                assert isinstance(getattr(packet, overload, None), OpOverload | None), (name, overload)
    files = {name for name in operators._ATEN if any(word in name for word in ("file", "save", "sparse", "quantize", "set_"))}
    assert files == set()


# -- honest -------------------------------------------------------------------------------------------------------------------


def test_an_honest_program_is_accepted_and_described(exported: dict[str, Path]) -> None:
    for kind, path in exported.items():
        report = inspect_file(path)
        assert (report.verdict, report.format, report.reasons) == (Verdict.ACCEPTED, "torch-export-pt2", [])
        state = cast.made(kind).state_dict()
        described = {tensor["name"]: (tensor["shape"], tensor["dtype"]) for tensor in report.facts["tensors"]}
        assert {name: described[name] for name in state} == {
            name: (list(value.shape), str(value.dtype).removeprefix("torch.")) for name, value in state.items()
        }
        assert set(described) - set(state) == ({"scale"} if kind == "residual" else set())
        given_ = report.facts["program"]
        assert given_["input"]["shape"] == ["rows", 1, 8, 8]
        assert given_["rows"] == {"fewest": 1, "most": None}
    assert report.facts["program"]["operators"]["scaled_dot_product_attention"] == 2
    assert report.facts["program"]["input"]["keyword"] == "images"


def test_honest_programs_are_loaded_in_the_sandbox_and_answer_like_the_live_models(exported: dict[str, Path]) -> None:
    rows = torch.rand(3, 1, 8, 8)
    roots = [INSPECTION, ROOT]  # the second is searched for this package of tests
    with sandbox.run(
        "tests.inspection.answering", inputs=exported, job={"rows": rows.tolist()}, roots=roots, limits=LIMITS
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        assert outcome.level >= sandbox.Level.L2
        assert outcome.result["level"] == str(outcome.level)  # the child is told what it runs in
        answers = outcome.result["answers"]
    for kind in exported:
        model = cast.made(kind)
        live = model(images=rows)["logits"] if kind == "attentive" else model(rows)
        assert torch.allclose(torch.tensor(answers[kind]), live, atol=1e-5), kind


def test_a_program_below_the_level_is_read_but_not_loaded(
    exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(loading, "load_program", lambda path, report: asked.append(path))
    for level in ("", "L0", "L1"):
        answer = child.main({"architecture": None, "level": level}, {"checkpoint": exported["residual"]}, tmp_path)
        assert answer["verdict"] == "accepted"
        assert "that needs a sandbox of level L2" in answer["facts"]["not_checked"][0]
        assert answer["facts"]["tensors"][0]["sha256"]  # weights are plain numbers at any level
    assert not asked
    answer = child.main({"architecture": None, "level": "L2"}, {"checkpoint": exported["residual"]}, tmp_path)
    assert asked and "not_checked" not in answer["facts"]


def test_an_architecture_beside_a_program_is_refused(exported: dict[str, Path], tmp_path: Path) -> None:
    job = {"architecture": {"name": "mlp", "config": {}}, "level": "L2"}
    answer = child.main(job, {"checkpoint": exported["perceptron"]}, tmp_path)
    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("refused", "architecture")


def test_what_torch_cannot_load_is_refused_with_its_words(members: Members, tmp_path: Path) -> None:
    """The parts may contradict each other in ways that no policy lists."""
    held = dict(members)
    cast.edit(cast.MODEL, lambda program: cast.node(program)["inputs"][0]["arg"]["as_tensor"].update(name="nowhere"), of=held)
    path = cast.write(held, tmp_path / "model")
    answer = child.main({"architecture": None, "level": "L2"}, {"checkpoint": path}, tmp_path)
    assert (answer["verdict"], [reason["code"] for reason in answer["reasons"]]) == ("refused", ["not_loadable"])
    assert answer["reasons"][0]["sentence"].startswith("torch cannot load the program: ")


def test_rows_are_handed_over_in_parts_and_in_the_programs_own_type(tmp_path: Path) -> None:
    model = cast.made("perceptron").double()
    images = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    program = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("rows", min=1, max=4)},))
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = loading.load_model(tmp_path / "model.pt2", "torch-export-pt2", None)
    rows = torch.rand(9, 1, 8, 8)
    assert torch.allclose(loaded(rows), model(rows.double()))
    assert loaded.eval() is loaded.train() is loaded
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


# -- from a live module to its numbers ----------------------------------------------------------------------------------------


def test_a_live_module_is_exported_accepted_and_measured(tmp_path: Path) -> None:
    """What the SDK saves of a module with an architecture of its own is a checkpoint like any other."""
    images, labels = digits()
    model = cast.made("residual").train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for rows in [*torch.arange(1347).split(225)] * 6:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
    checkpoint = _save(model, tmp_path, images[:1], None)
    assert model.training  # as it was before
    live = model.eval()(images[1347:]).argmax(1)
    data = save_data(tmp_path / "data.safetensors", images[1347:], labels[1347:])
    with sandbox.run(
        "models_registry.inspection.child",
        inputs={"checkpoint": checkpoint}, job={"architecture": None}, roots=[INSPECTION], limits=LIMITS,
    ) as outcome:  # fmt: skip
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        found = outcome.result
    assert (found["verdict"], found["reasons"]) == ("accepted", [])
    assert (found["facts"]["nan"], "not_checked" in found["facts"]) == (0, False)
    job = {
        "format": found["format"], "architecture": None, "task": "multiclass", "classes": CLASSES, "seed": 1, "threads": 1,
        "batch": 64, "checks": [{"name": "performance", "replicates": 100}, {"name": "resources", "batches": 20, "seconds": 1}],
    }  # fmt: skip
    roots = [ROOT / package for package in ("models_registry/inspection", "evaluations/engine", "measures")]
    with sandbox.run(
        "evaluations.engine.child", inputs={"checkpoint": checkpoint, "dataset": data}, job=job, roots=roots, limits=LIMITS
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence + outcome.log
        result = outcome.result
    assert "error" not in result
    values = {metric["name"]: metric["value"] for metric in result["metrics"] if not metric["label"]}
    assert values["accuracy"] == pytest.approx(float((live == labels[1347:]).float().mean()))
    assert values["accuracy"] > 0.8
    assert values["parameters"] == sum(parameter.numel() for parameter in model.parameters())


def test_the_engine_runs_no_program_below_the_level(exported: dict[str, Path], tmp_path: Path) -> None:
    from evaluations.engine.child import main  # noqa: PLC0415 - it seeds torch when it is run

    data = save_data(tmp_path / "data.safetensors", torch.zeros(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64))
    job = {"format": "torch-export-pt2", "task": "multiclass", "classes": CLASSES, "checks": [], "level": "L1"}
    found = main(job, {"checkpoint": exported["perceptron"], "dataset": data}, tmp_path)
    assert found == {"error": "A program is run in a sandbox of level L2 or better only, and this one reached L1."}


# -- whatever the bytes -------------------------------------------------------------------------------------------------------

FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["as_int", "name", "a"]), inner, max_size=2),
    max_leaves=6,
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()):
        yield value, key
        yield from _places(one)


@FUZZ
@given(
    st.lists(
        st.tuples(st.sampled_from([cast.MODEL, cast.WEIGHTS]), st.integers(0, 1 << 16), st.just(None) | anything), max_size=4
    )
)
def test_changed_descriptions_are_answered(members: Members, tmp_path_factory: Any, changes: list[tuple[str, int, Any]]) -> None:
    held = dict(members)
    for member, where, put in changes:
        value = json.loads(held[member])
        places = list(_places(value))
        if places:
            holder, key = places[where % len(places)]
            holder[key] = put
            held[member] = json.dumps(value).encode()
    _answered(held, tmp_path_factory)


@FUZZ
@given(st.sampled_from([cast.MODEL, cast.WEIGHTS, cast.CONSTANTS, cast.SAMPLE]), st.integers(0, 1 << 16), st.binary(max_size=9))
def test_changed_bytes_are_answered(members: Members, tmp_path_factory: Any, member: str, where: int, put: bytes) -> None:
    at = where % (len(members[member]) + 1)
    _answered(members | {member: members[member][:at] + put + members[member][at + len(put) :]}, tmp_path_factory)


def _answered(held: Members, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.pt2"
    codes = [reason.code for reason in inspect_file(cast.write(held, path)).reasons]
    assert "gate_failed" not in codes  # the last resort, which no bytes may need
