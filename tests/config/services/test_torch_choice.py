"""A host without a GPU gets PyTorch's CPU build, or a refusal; nothing of CUDA comes unasked."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from config.setup import host
from config.setup.environment import pins
from config.setup.problem import Problem
from config.setup.torch_choice import INDEX, choose_torch, cuda_packages, pinned_torch

PROJECT = Path(__file__).resolve().parents[3]
REQUIREMENTS = PROJECT / "requirements.txt"
VERSION = pinned_torch(REQUIREMENTS).removeprefix("torch==")


@pytest.fixture
def pip(tmp_path):
    """A pip whose index answers as told, and which remembers what it was asked: `pip(sources=[…], index=[…])`."""

    def make(**offers: list[str]) -> list[str]:
        program = tmp_path / "pip.py"
        program.write_text(
            f"import sys, json\noffers = json.loads({json.dumps(json.dumps(offers))})\n"
            f"open({str(tmp_path / 'asked')!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
            "found = offers.get('index' if '--index-url' in sys.argv else 'sources')\n"
            "if not found: sys.exit('ERROR: No matching distribution found for torch')\n"
            "print('torch (' + found[0] + ')'); print('Available versions: ' + ', '.join(found))\n"
        )
        return [sys.executable, str(program)]

    return make


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


def test_a_cpu_wheel_among_pips_own_sources_is_taken(pip, tmp_path):
    choice = choose_torch(
        pip(sources=["99.0", f"{VERSION}+cpu", VERSION]), REQUIREMENTS, gpu=False, environment={INDEX: "x"}, platform="linux"
    )
    assert (choice.requirement, choice.options, choice.cuda) == (f"torch=={VERSION}+cpu", (), False)
    assert "about 185 MiB to fetch" in choice.sentence()
    assert asked(tmp_path) == ["index versions torch"]  # lists only: a dry run of an older pip fetches the wheels


def test_otherwise_the_index_that_is_set_is_asked(pip):
    environment = {INDEX: "https://wheels.example/cpu"}
    offers = pip(sources=[VERSION], index=[f"{VERSION}+cpu"])
    choice = choose_torch(offers, REQUIREMENTS, gpu=False, environment=environment, platform="linux")
    assert choice.options == ("--index-url", "https://wheels.example/cpu")


def test_cuda_is_refused_unasked_and_the_sentence_names_the_setting(pip):
    with pytest.raises(Problem, match=rf"no GPU, and pip's sources have no CPU build of torch=={VERSION} .*; set {INDEX} to"):
        choose_torch(pip(sources=[VERSION]), REQUIREMENTS, gpu=False, environment={}, platform="linux")
    with pytest.raises(Problem, match=rf"The index in {INDEX} has no {VERSION}\+cpu for this Python \(it has 1.0\)"):
        choose_torch(pip(index=["1.0"]), REQUIREMENTS, gpu=False, environment={INDEX: "y"}, platform="linux")


@pytest.mark.parametrize(("gpu", "platform", "cuda"), [(True, "linux", True), (False, "darwin", False)])
def test_with_a_gpu_and_on_other_systems_the_plain_build_is_taken(pip, tmp_path, gpu, platform, cuda):
    choice = choose_torch(pip(), REQUIREMENTS, gpu=gpu, environment={}, platform=platform)
    assert (choice.requirement, choice.cuda) == (f"torch=={VERSION}", cuda)
    assert not (tmp_path / "asked").exists()


def test_names_of_cuda_packages_are_known():
    names = [
        "nvidia-cublas-cu12",
        "nvidia_nccl",
        "cuda-bindings",
        "triton",
        "pytorch-triton",
        "numpy",
        "cudatools",
        "tritonclient",
    ]
    assert cuda_packages(names) == ["cuda-bindings", "nvidia-cublas-cu12", "nvidia_nccl", "pytorch-triton", "triton"]


def test_the_resolved_set_holds_no_cuda_on_a_host_without_a_gpu():
    """What is pinned, and what is installed here."""
    pinned = [pin for name in ("requirements.txt", "requirements-dev.txt") for pin in pins(PROJECT / name)]
    assert len(pinned) > 100
    assert cuda_packages(pin.split("==")[0] for pin in pinned) == []
    if host.has_gpu():
        pytest.skip("this host has a GPU, so CUDA may be installed")
    assert cuda_packages(found.metadata["Name"] for found in importlib.metadata.distributions()) == []
    if sys.platform == "linux":
        assert importlib.metadata.version("torch") == f"{VERSION}+cpu"


def test_nothing_is_pinned_by_another_address():
    """No line names a registry's host or a file: where packages come from is the host's own setting."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (PROJECT / name).read_text().splitlines() if line and not line.startswith("#")]
        assert all("==" in line and "://" not in line and " @ " not in line for line in lines)
        assert lines == pins(PROJECT / name)
