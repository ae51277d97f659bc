"""Real clients have environments of their own: pinned, without CUDA, made once, and what goes wrong is one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from config.setup import clients as module
from config.setup.clients import EVERYDAY, LARGE, PROOF, ClientEnvironment, client, main, prepare
from config.setup.environment import pins
from config.setup.problem import Problem
from config.setup.torch_choice import cuda_packages

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose `.venv` is the real one."""
    shutil.copytree(ROOT / "requirements-clients", tmp_path / "requirements-clients")
    (tmp_path / ".venv").symlink_to((ROOT / ".venv").resolve())
    return tmp_path


@pytest.mark.parametrize("name", PROOF)
def test_every_line_pins_a_package_and_none_brings_torch_or_cuda(name: str) -> None:
    path = ROOT / "requirements-clients" / f"{name}.txt"
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == pins(path)
    names = [line.partition("==")[0].lower() for line in lines]
    assert cuda_packages(names) == [] and not {"torch", "torchvision", "torchaudio"} & set(names)
    assert len(names) == len(set(names))


def test_each_file_has_an_environment_and_each_environment_a_file() -> None:
    assert {path.stem for path in (ROOT / "requirements-clients").iterdir()} == set(PROOF) == set(EVERYDAY) | set(LARGE)


def test_an_environment_puts_its_own_packages_before_those_of_the_host(project: Path) -> None:
    made = ClientEnvironment("lightning", project)
    made.make()
    assert (made.packages / "countersign-host.pth").read_text().strip() == str(module._packages_of(project / ".venv"))
    assert not made.is_ready()  # an empty environment proves nothing
    (made.packages / "lightning-2.6.6.dist-info").mkdir()
    (made.packages / "lightning-2.6.6.dist-info" / "METADATA").write_text("Name: lightning\nVersion: 2.6.6\n")
    made.prove()
    assert made.is_ready()
    made.requirements.write_text(made.requirements.read_text() + "more==1\n")
    assert not made.is_ready()  # other pins


def test_a_ready_environment_is_left_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClientEnvironment, "is_ready", lambda _: True)
    monkeypatch.setattr(ClientEnvironment, "make", lambda _: pytest.fail("made again"))
    prepare(list(PROOF), say=pytest.fail, root=project)


def test_what_does_not_import_and_what_brings_cuda_is_told(project: Path) -> None:
    made = ClientEnvironment("tensorboard", project)
    made.make()
    with pytest.raises(Problem, match=r"The client tensorboard does not import \(ModuleNotFoundError: No mod") as told:
        made.prove()
    assert "run make setup" in str(told.value)  # `make demo` alone brings less than a client shares with the tests
    (made.packages / "nvidia_cublas-13.0.dist-info").mkdir()
    with pytest.raises(Problem, match=r"CUDA packages came with tensorboard.txt \(nvidia_cublas\)"):
        made.prove()
    assert not made.stamp.exists()


def test_an_unknown_name_and_a_missing_host_are_told(tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem, match=r"There is no client environment mlflow9; there are mlflow3, mlflow2"):
        client("mlflow9")
    assert main(["../../etc"]) == 2
    assert "There is no client environment ../../etc" in capsys.readouterr().err
    (project / ".venv").unlink()
    with pytest.raises(Problem, match=r"There is no \.venv yet, which client environments stand on; run: make setup"):
        prepare(["lightning"], say=pytest.fail, root=project)


def test_a_pin_that_cannot_be_had_is_a_sentence_and_leaves_no_ready_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (project / "requirements-clients" / "lightning.txt").write_text("lightning==0.0.0.dev0\n")
    with pytest.raises(Problem, match=r"pip could not fetch the packages .* check the network"):
        prepare(["lightning"], say=lambda _: None, root=project)
    assert not ClientEnvironment("lightning", project).is_ready()


def test_a_test_fails_where_its_client_is_missing_and_skips_only_for_a_large_one(
    client_python: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientEnvironment, "is_ready", lambda _: False)
    with pytest.raises(
        pytest.fail.Exception, match=r"mlflow3 is not prepared; run: .venv/bin/python -m config.setup.clients mlfl"
    ):
        client_python("mlflow3")
    with pytest.raises(pytest.skip.Exception, match="mlflow-server is not prepared; run: "):
        client_python("mlflow-server")


@pytest.mark.clients
@pytest.mark.parametrize(
    ("name", "statement", "said"),
    [
        ("mlflow3", "import mlflow, torch, packaging; print(mlflow.__version__)", "3."),
        ("mlflow2", "import mlflow, packaging; print(mlflow.__version__)", "2."),
        ("tensorboard", "import tensorboard; print(tensorboard.__version__)", "2."),
        ("fastai", "import fastai; print(fastai.__version__)", "2."),
        ("lightning", "import countersign, lightning.pytorch; print(lightning.pytorch.__version__)", "2."),
    ],
)
def test_the_real_client_runs(name: str, statement: str, said: str, run_client) -> None:
    assert run_client(name, statement).stdout.startswith(said)
