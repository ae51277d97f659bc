"""System packages: as root on Debian missing ones are installed and said; otherwise one sentence names them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from config.setup import packages
from config.setup.problem import Problem


@pytest.fixture
def debian(tmp_path, monkeypatch):
    """A Debian that knows `installed` and `lists`; `apt-get install` works for what the lists name."""
    (tmp_path / "installed").write_text("".join(f"{name}\n" for name in packages.WISHED))
    (tmp_path / "lists").write_text("")
    _program(
        tmp_path / "dpkg-query",
        'shift 3; for name in "$@"; do grep -qx "$name" "$D/installed" && echo "$name install ok installed" '
        '|| echo "dpkg-query: no packages found matching $name" >&2; done; exit 1',
    )
    _program(
        tmp_path / "apt-get",
        'echo "$@" >> "$D/asked"\n'
        'if [ "$1" = update ]; then cp "$D/server" "$D/lists" 2>/dev/null; exit 0; fi\n'
        'for name in "$@"; do case "$name" in install|-*) continue;; esac\n'
        '  grep -qx "$name" "$D/lists" || { echo "E: Unable to locate package $name" >&2; exit 100; }\n'
        '  echo "$name" >> "$D/installed"; done',
    )
    _program(tmp_path / "chromium", "exit 0")
    monkeypatch.setenv("D", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "is_ubuntu", lambda: False)
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_as_root_missing_packages_are_installed_and_said(debian, monkeypatch):
    monkeypatch.setattr(packages, "may_install", lambda: True)
    (debian / "server").write_text("".join(f"{name}\n" for name in (*packages.RENDERING, *packages.BROWSER)))
    said: list[str] = []
    packages.ensure_packages(for_tests=True, say=said.append)
    assert said[0] == f"Installing system packages: {' '.join((*packages.RENDERING, *packages.BROWSER))}"
    asked = (debian / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["install", "update", "install"]  # the lists only when they are needed
    assert not packages.missing_packages([*packages.RENDERING, *packages.BROWSER])

    said.clear()
    packages.ensure_packages(for_tests=True, say=said.append)
    assert said == []
    assert len((debian / "asked").read_text().splitlines()) == 3


def test_as_an_ordinary_user_the_sentence_names_packages_and_command(debian, monkeypatch):
    monkeypatch.setattr(packages, "may_install", lambda: False)
    with pytest.raises(Problem, match=r"missing: libpango-1.0-0 .*; install them: sudo apt-get install libpango-1.0-0"):
        packages.ensure_packages(for_tests=False, say=pytest.fail)
    assert not (debian / "asked").exists()


def test_fonts_and_bubblewrap_are_a_line_not_a_stop(debian, monkeypatch):
    monkeypatch.setattr(packages, "may_install", lambda: False)
    (debian / "installed").write_text("".join(f"{name}\n" for name in packages.RENDERING))
    said: list[str] = []
    packages.ensure_packages(for_tests=False, say=said.append)
    assert said == [f"These packages make reports and the sandbox better: sudo apt-get install {' '.join(packages.WISHED)}"]


def test_a_package_that_cannot_be_installed_is_told_with_apts_reason(debian, monkeypatch):
    monkeypatch.setattr(packages, "may_install", lambda: True)
    with pytest.raises(Problem, match=r"could not install .* \(Unable to locate package libpango-1.0-0\)"):
        packages.ensure_packages(for_tests=False, say=lambda _: None)


def test_tests_without_a_browser_are_told(debian, monkeypatch):
    monkeypatch.setattr(packages, "is_ubuntu", lambda: True)  # its package is a snap: nothing is installed
    (debian / "installed").write_text("".join(f"{name}\n" for name in (*packages.RENDERING, *packages.WISHED)))
    (debian / "chromium").unlink()
    monkeypatch.setattr(packages, "BROWSERS", ("chromium-of-nobody",))
    with pytest.raises(Problem, match="need Chromium, and none is installed"):
        packages.ensure_packages(for_tests=True, say=lambda _: None)


def test_elsewhere_libraries_are_looked_for_by_name(monkeypatch):
    monkeypatch.setattr(packages, "is_debian", lambda: False)
    monkeypatch.setattr(packages.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(Problem, match=r"pango-1\.0, pangoft2-1\.0, harfbuzz-subset; install Pango"):
        packages.ensure_packages(for_tests=False, say=pytest.fail)


def test_ubuntu_is_known_by_its_release_file(tmp_path):
    release = tmp_path / "os-release"
    release.write_text("NAME=Ubuntu\nID=ubuntu\n")
    assert packages.is_ubuntu(release)
    release.write_text("NAME=Debian\nID=debian\nID_LIKE=ubuntu\n")
    assert not packages.is_ubuntu(release)
    assert packages.may_install() == (os.geteuid() == 0)
