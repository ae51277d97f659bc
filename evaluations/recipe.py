"""What a repetition needs beside the bytes: seed, threads, batch, device, and which code measured."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings

from models_registry.jobs import PACKAGES

SEED = 20_260_101
BATCH = 0  # rows; 0: as many as fit the model, by evaluations.engine.fitting, which the code's digest names
THREADS = 1


GIVEN = ("seed", "threads", "batch", "device")  # the part of a recipe that the sandboxed child is told


def recipe() -> dict[str, Any]:
    """The recipe by which this worker measures; the digest of the code names every line that ran in the sandbox."""
    return {
        "seed": SEED,
        "threads": THREADS,
        "batch": BATCH,
        "device": settings.DEVICE,
        **({"countersign": installed} if (installed := _installed()) else {}),
        "code": code_digest(),
    }


@cache
def code_digest() -> str:
    """sha256 over the paths and contents of all source files that the child may import of ours."""
    found = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((settings.BASE_DIR / package).rglob("*.py")):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            found.update(f"{file.relative_to(settings.BASE_DIR).as_posix()} {content}\n".encode())
    return "sha256:" + found.hexdigest()


def _installed() -> str:
    try:
        return version("countersign")
    except PackageNotFoundError:
        return ""
