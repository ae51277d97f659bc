"""What an MLmodel file and a list of requirements say, read by their lines: nothing of them is ever loaded.

An MLmodel file is YAML that MLflow writes in one plain form. Only two levels of `flavors:` are read, as text; tags, anchors and
whatever else YAML can hold are words without a meaning here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST = 1 << 20  # bytes of such a file that are read
CHECKPOINTS = (".pt2", ".safetensors", ".pth", ".pt", ".ckpt")  # the best first: what needs no code before what might
_TOP = re.compile(r"([A-Za-z_]\w*):\s*(.*)\Z")
_KEY = re.compile(r"( +)([A-Za-z_][\w.-]*):\s*(.*)\Z")
_PINNED = re.compile(r"([A-Za-z0-9][\w.-]{0,100})==([\w.+!-]{1,100})\Z")
_PYTHON = re.compile(r"python:\s*['\"]?(\d+\.\d+(?:\.\d+)?)['\"]?\s*\Z")


def flavors_of(data: bytes) -> dict[str, dict[str, str]]:
    """The flavors of an MLmodel file, each with its plain settings."""
    found: dict[str, dict[str, str]] = {}
    inside, flavor, outer = False, "", 0
    for line in data[:MOST].decode("utf-8", "replace").splitlines():
        if top := _TOP.match(line):
            inside, flavor, outer = top[1] == "flavors", "", 0
        elif inside and (one := _KEY.match(line)):
            depth = len(one[1])
            outer = outer or depth
            if depth == outer:
                flavor = one[2]
                found[flavor] = {}
            elif flavor and depth == 2 * outer:
                found[flavor][one[2]] = one[3].strip().strip("'\"")
    return found


def checkpoint_among(paths: Iterable[str], *, flavors: dict[str, dict[str, str]]) -> str:
    """The file of weights of a folder with this MLmodel file, or "" where PyTorch did not write it or it cannot be told.

    Without an MLmodel file (`flavors` empty), the one file whose name ends as a checkpoint's does.
    """
    names = sorted(paths)
    if flavors:
        if "pytorch" not in flavors:
            return ""
        below = flavors["pytorch"].get("model_data", "data").strip("/")
        names = [name for name in names if name.startswith(f"{below}/")]
    fitting = [name for name in names if name.endswith(CHECKPOINTS)]
    if flavors:
        fitting = [name for name in fitting if name.rpartition("/")[2].startswith("model.")] or fitting
    return fitting[0] if len(fitting) == 1 else ""


def packages_of(data: bytes) -> list[str]:
    """The lines of a requirements.txt that pin a package: `name==version`; others say nothing that could be repeated."""
    lines = (line.partition("#")[0].strip() for line in data[:MOST].decode("utf-8", "replace").splitlines())
    return [line for line in lines if _PINNED.match(line)]


def python_of(data: bytes) -> str:
    """The Python of a python_env.yaml."""
    for line in data[:MOST].decode("utf-8", "replace").splitlines():
        if found := _PYTHON.match(line):
            return found[1]
    return ""
