"""Which build of PyTorch this host gets. A Linux host without a GPU gets the CPU build, or a refusal: never CUDA unasked.

What pip's sources offer is asked of `pip index`, which reads lists and fetches no wheel: resolving, even as a dry run,
makes older pips fetch the gigabytes that are to be avoided.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.setup.problem import Problem

INDEX = "COUNTERSIGN_TORCH_INDEX"
_CUDA = re.compile(r"(nvidia|cuda|triton|pytorch-triton)([-_.]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    requirement: str  # torch==2.13.0+cpu
    options: tuple[str, ...]  # more words for pip
    cuda: bool

    def sentence(self) -> str:
        """How large it is; measured with 2.13.0 on x86-64."""
        size = "with CUDA, about 3 GiB to fetch and 6 GiB" if self.cuda else "about 185 MiB to fetch and 0.75 GiB"
        return f"PyTorch {self.requirement.removeprefix('torch==')}, {size} on disk"


def cuda_packages(names: Iterable[str]) -> list[str]:
    """Those names that belong to CUDA, sorted."""
    return sorted({name for name in names if _CUDA.match(name)})


def pinned_torch(requirements: Path) -> str:
    for line in requirements.read_text().splitlines():
        if line.startswith("torch=="):
            return line.split()[0]
    raise Problem(f"{requirements} pins no torch; take the file as it came with this version of Countersign.")


def choose_torch(
    pip: list[str], requirements: Path, *, gpu: bool, environment: Mapping[str, str], platform: str = sys.platform
) -> Choice:
    """The build for this host; nothing has been fetched."""
    requirement = pinned_torch(requirements)
    if gpu or platform != "linux":
        return Choice(requirement, (), cuda=gpu)
    version = requirement.removeprefix("torch==")
    index = environment.get(INDEX, "").strip()
    for options in ((), ("--index-url", index)):
        if options == () or index:
            offered, complaint = _offered(pip, options, environment)
            if f"{version}+cpu" in offered:
                return Choice(f"{requirement}+cpu", options, cuda=False)
    if index:
        found = complaint or f"it has {', '.join(offered[:4]) or 'none'}"
        raise Problem(
            f"The index in {INDEX} has no {version}+cpu for this Python ({found}); "
            "take a Python for which PyTorch publishes it, or correct the address."
        )
    raise Problem(
        f"This host has no GPU, and pip's sources have no CPU build of {requirement} for this Python, "
        f"only builds with several GB of CUDA packages, or none; set {INDEX} to the address of PyTorch's own index of CPU wheels "
        "(PyTorch's site shows it under Get Started: Linux, Pip, CPU) and start again."
    )


def _offered(pip: list[str], options: tuple[str, ...], environment: Mapping[str, str]) -> tuple[list[str], str]:
    """The versions that fit this Python, and pip's complaint where there are none."""
    answer = subprocess.run(
        [*pip, "index", "versions", "torch", *options], capture_output=True, text=True, check=False, env=dict(environment)
    )
    listed = next((line for line in answer.stdout.splitlines() if line.startswith("Available versions:")), "")
    complaint = next((line for line in answer.stderr.splitlines() if line.startswith("ERROR:")), "")
    versions = [version.strip() for version in listed.removeprefix("Available versions:").split(",") if version.strip()]
    return versions, complaint.removeprefix("ERROR:").strip()
