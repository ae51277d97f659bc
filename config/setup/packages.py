"""System packages: what is missing, and who may install it. Only Debian and Ubuntu are asked about by name."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from config.setup.problem import Problem

# What WeasyPrint loads to make the PDF: without these nothing renders.
RENDERING = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
# Without these the site works, with plainer reports and a weaker sandbox, and both say so.
WISHED = ("fonts-inter", "fonts-dejavu", "fonts-noto-cjk", "bubblewrap")
BROWSER = ("chromium", "poppler-utils")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset")

Say = Callable[[str], None]


def is_debian() -> bool:
    return shutil.which("dpkg-query") is not None and shutil.which("apt-get") is not None


def may_install() -> bool:
    return os.geteuid() == 0


def is_ubuntu(release: Path = Path("/etc/os-release")) -> bool:
    """Ubuntu's `chromium` package only fetches a snap, which cannot run in tests."""
    return release.exists() and "\nID=ubuntu" in "\n" + release.read_text()


def missing_packages(names: Sequence[str]) -> list[str]:
    """Those of the Debian packages that are not installed, in the order given."""
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Status}\n", *names], capture_output=True, text=True, check=False
    )
    installed = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith("install ok installed")}
    return [name for name in names if name not in installed]


def ensure_packages(*, for_tests: bool, say: Say) -> None:
    """What rendering needs is installed, and for tests a browser too; as root on Debian or Ubuntu it is installed here."""
    if not is_debian():
        _check_libraries()
        if for_tests:
            _check_browser()
        return
    browser = () if is_ubuntu() or not for_tests else BROWSER
    missing = missing_packages([*RENDERING, *WISHED, *browser])
    if missing and may_install():
        install(missing, say=say)
        missing = []
    if needed := [name for name in missing if name not in WISHED]:
        raise Problem(f"System packages are missing: {' '.join(needed)}; install them: sudo apt-get install {' '.join(missing)}")
    if missing:
        say(f"These packages make reports and the sandbox better: sudo apt-get install {' '.join(missing)}")
    if for_tests:
        _check_browser()


def install(names: Sequence[str], *, say: Say) -> None:
    """The packages are installed with apt-get, whose lists are fetched only when they do not know one of them."""
    say(f"Installing system packages: {' '.join(names)}")
    if _apt("install", *names) is None:
        return
    say("Fetching the package lists, then trying again")
    _apt("update")
    if complaint := _apt("install", *names):
        raise Problem(f"apt-get could not install {' '.join(names)} ({complaint}); install them by hand and start again.")


def _apt(verb: str, *names: str) -> str | None:
    """None when it worked, else what apt-get complained about."""
    options = ["-y", "-q", "--no-install-recommends"] if verb == "install" else ["-q"]
    answer = subprocess.run(
        ["apt-get", verb, *options, *names],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if answer.returncode == 0:
        return None
    complaints = [line for line in (answer.stderr + answer.stdout).splitlines() if line.startswith("E:")]
    return complaints[-1].removeprefix("E:").strip() if complaints else f"exit code {answer.returncode}"


def _check_libraries() -> None:
    if missing := [name for name in LIBRARIES if ctypes.util.find_library(name) is None]:
        raise Problem(
            f"Libraries for reports are missing: {', '.join(missing)}; "
            "install Pango and HarfBuzz (macOS: brew install pango; Fedora: dnf install pango) and start again."
        )


def _check_browser() -> None:
    if not any(shutil.which(name) for name in BROWSERS):
        raise Problem(
            "The browser tests need Chromium, and none is installed; install it "
            "(Debian: sudo apt-get install chromium; Ubuntu's package is a snap and does not do, take google-chrome)."
        )
