"""What stops `make setup` before it begins is one sentence with the remedy."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.setup import bootstrap, host
from config.setup.problem import Problem

PROJECT = Path(__file__).resolve().parents[3]


def test_a_python_that_is_too_old_is_told_so_by_a_file_that_it_can_read():
    """The bootstrap's first file is compiled as each old Python's grammar would, and refuses in one sentence."""
    program = (
        "import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0); sys.argv = ['config/setup'];"
        "runpy.run_path('config/setup', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Countersign needs Python 3.11 or newer, and this is Python 3.9. Install")
    assert "Traceback" not in done.stderr


def test_real_old_pythons_read_the_bootstrap():
    names = ("python2", "python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10")
    found = [path for path in map(shutil.which, names) if path and _runs(path)]
    if not found:
        pytest.skip("this host has no old Python; the grammar is checked above")
    for path in found:
        done = subprocess.run([path, "config/setup"], capture_output=True, text=True, cwd=PROJECT, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("Countersign needs Python 3.11 or newer")


def _runs(path: str) -> bool:
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def test_the_bootstrap_needs_nothing_but_the_standard_library():
    """Without site-packages it imports and gets as far as its own checks."""
    program = "import sys; sys.argv = ['x']; import runpy; m = runpy.run_path('config/setup/__main__.py'); m['main']"
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-c"),
            program + "\nimport types\np = types.ModuleType('config'); p.__path__ = ['config']; sys.modules['config'] = p"
            "\nfrom config.setup import bootstrap, environment, packages, torch_choice, host",
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert done.stderr == ""


def test_a_python_without_venv_names_the_package(monkeypatch):
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ensurepip" else known(name, *more))
    with pytest.raises(Problem, match=r"comes without ensurepip; install them .*-venv\) and start again"):
        host.check_venv_module()


def test_a_full_disk_is_told_with_both_numbers(tmp_path):
    with pytest.raises(Problem, match=r"The environment needs 953674316.4 GiB, and only [0-9.]+ GiB are free"):
        host.check_space(tmp_path, need=1024 * 10**15, purpose="The environment")


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        host.check_writable(tmp_path / "missing")
    with pytest.raises(Problem, match="may not write to /proc"):
        host.check_writable(Path("/proc"))


def test_a_taken_port_is_told_with_another_one():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Problem, match=rf"Port {port} on 127.0.0.1 is taken .* PORT={port + 1}"):
            host.check_port_free(port)
    host.check_port_free(port)


def test_a_problem_ends_the_setup_with_code_2_and_one_line(tmp_path, capsys):
    assert bootstrap.bootstrap(str(tmp_path / "nowhere"), []) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "does not exist" in told


def test_make_says_that_there_is_no_python():
    done = subprocess.run(["make", "setup", "PYTHON=no-such-python"], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("setup  There is no no-such-python here; install Python 3.11 or newer")


def test_make_help_explains_every_word():
    done = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=PROJECT, check=True)
    for word in ("help", "setup", "up", "demo", "test", "bench", "check"):
        assert f"make {word} " in done.stdout
