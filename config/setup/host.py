"""What the host must offer before anything is installed. Each function returns when it is so and raises `Problem` when not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from config.setup.problem import Problem

GIB = 2**30


def check_writable(folder: Path) -> None:
    """The folder exists and this user may write to it."""
    if not folder.is_dir():
        raise Problem(f"The folder {folder} does not exist; make it, or name another.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Problem(
            f"This user may not write to {folder} ({error.strerror}); take a copy of the project that belongs to you, "
            f"or have the folder given to you: sudo chown -R {os.getuid()} {folder}"
        ) from error


def check_space(folder: Path, *, need: int, purpose: str) -> None:
    """At least `need` bytes are free where `folder` lies."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise Problem(
            f"{purpose} needs {need / GIB:.1f} GiB, and only {free / GIB:.1f} GiB are free where {folder} lies; "
            "free some space, or take a copy of the project on a larger disk."
        )


def missing_for_venv() -> list[str]:
    """The modules without which no virtual environment can be made; Debian ships them in a package of their own."""
    return [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]


def check_venv_module() -> None:
    """Virtual environments can be made with this Python."""
    if missing := missing_for_venv():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Problem(
            f"Python {version} at {sys.executable} comes without {' and '.join(missing)}; "
            f"install them (Debian, Ubuntu: sudo apt-get install python{version}-venv) and start again."
        )


def check_port_free(port: int, *, host: str = "127.0.0.1") -> None:
    """Nobody listens on the port, and this user may."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise Problem(f"This user may not listen on port {port}; take one above 1023: PORT=8000") from error
        except OSError as error:
            raise Problem(
                f"Port {port} on {host} is taken by another program; stop it, or choose another port: PORT={port + 1}"
            ) from error


def has_gpu() -> bool:
    """An NVIDIA driver is at work here: only then is a CUDA build of PyTorch of use."""
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None
