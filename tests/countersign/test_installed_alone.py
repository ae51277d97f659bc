"""What users install: a small package that needs neither Django nor torch."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What the package declares, and what those bring with them.
NEEDED = (
    *("requests", "urllib3", "certifi", "idna", "charset_normalizer"),
    *("cryptography", "cffi", "_cffi_backend", "pycparser", "asn1crypto"),
)
FOREIGN = {"django", "torch", "numpy", "rest_framework", "celery"}
LOADED = f"print(sorted(name for name in sys.modules if name.split('.')[0] in {FOREIGN}))"


def run(*words: str, path: str = str(ROOT), isolated: bool = False) -> subprocess.CompletedProcess[str]:
    flags = ["-S"] if isolated else []
    environment = {"PYTHONPATH": path, "HOME": "/nonexistent"}
    return subprocess.run([sys.executable, *flags, *words], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "statement",
    [
        "import countersign",
        "from countersign.cli import main; main(['gate', 'sha256:' + '0' * 64])",
        "from countersign.cli import main; main(['verify', 'absent.pdf'])",
    ],
)
def test_neither_django_nor_torch_is_loaded(statement: str) -> None:
    done = run("-c", f"import sys; {statement}; {LOADED}")
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, beside nothing but the libraries that it declares."""
    built = tmp_path_factory.mktemp("built")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["cp", "-r", str(ROOT / "countersign"), str(source / "countersign")], check=True)
    words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(built),
        str(source),
    ]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in NEEDED:
        for suffix in ("", ".py"):
            found = Path(metadata.distribution("requests").locate_file(name + suffix))  # type: ignore[arg-type]  # a path here
            if found.exists():
                (built / found.name).symlink_to(found)
        for found in Path(str(metadata.distribution("requests").locate_file(""))).glob(f"{name}*.so"):
            (built / found.name).symlink_to(found)
    return built


def test_the_installed_package_holds_nothing_of_the_server(installed: Path) -> None:
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} - {"countersign"}
    assert {path.name for path in installed.iterdir()} & ours == set()
    assert (installed / "countersign" / "cli" / "main.py").exists()


def test_the_command_line_runs_beside_its_own_libraries_alone(installed: Path) -> None:
    script = installed / "bin" / "countersign"
    assert script.exists()
    for words, code, said in (
        (["--version"], 0, "countersign "),
        (["gate", "sha256:" + "0" * 64, "--json"], 2, "No site is known"),
        (["verify", "absent.pdf", "--json"], 64, "cannot be opened"),
    ):
        done = run(str(script), *words, path=str(installed), isolated=True)
        assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_live_module_without_torch_is_a_sentence(installed: Path) -> None:
    statement = (
        "import countersign, countersign.client\n"
        "class Site: pass\n"
        "try: countersign.submit(object(), model_name='m', data={}, card={}, client=Site())\n"
        "except countersign.CannotSave as refusal: print(refusal)"
    )
    done = run("-c", statement, path=str(installed), isolated=True)
    assert "install countersign[torch]" in done.stdout, done.stderr
