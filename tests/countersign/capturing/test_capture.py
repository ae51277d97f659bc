"""What a training hands over without being asked: environment, locks, seeds and files; and how it arrives at the site."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countersign.capturing import capture, environment_facts, machine, packages
from countersign.capturing.seeds import seeds
from countersign.tracking import start_run
from countersign.tracking.spool import read, spools
from tests.countersign.capturing.conftest import Repository


def kept(folder: Path) -> dict[str, bytes]:
    return {file.path: file.content for file in capture(folder).files}


# -- lock files ----------------------------------------------------------------------------------------------------------


def test_lock_files_are_kept_with_their_digests_and_the_most_exact_first(repository: Repository) -> None:
    repository.write("requirements.txt", "numpy==2\n")
    repository.write("part/uv.lock", "version = 1\n")
    repository.write("part/requirements.txt", "numpy==3\n")
    captured = capture(repository.folder / "part")
    files = {file.path: file for file in captured.files if file.path.startswith("environment/")}
    assert set(files) == {"environment/uv.lock", "environment/requirements.txt"}
    assert files["environment/requirements.txt"].content == b"numpy==3\n"  # the nearest
    assert [lock["name"] for lock in captured.environment["locks"]] == ["uv.lock", "requirements.txt"]
    assert captured.environment["lock_digest"] == files["environment/uv.lock"].digest


def test_outside_of_a_checkout_nothing_above_the_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    (tmp_path / "inner").mkdir()
    assert kept(tmp_path / "inner") == {}


def test_a_lock_file_with_a_password_is_named_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("--extra-index-url https://ada:" + "hunter22@example.org/simple\n")
    captured = capture(tmp_path)
    assert captured.files == []
    assert captured.environment["locks"][0]["name"] == "requirements.txt"
    assert captured.notes == ["requirements.txt is not kept, because it seems to hold an address with a password in line 1."]


def test_links_that_lead_out_and_huge_files_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("x\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "requirements.txt").symlink_to(tmp_path / "secret")
    (inner / "poetry.lock").mkdir()
    monkeypatch.setattr(packages, "LIMIT", 3)
    (inner / "uv.lock").write_text("1234")
    assert kept(inner) == {}
    (inner / "uv.lock").write_text("123")
    assert kept(inner) == {"environment/uv.lock": b"123"}


def test_condas_own_records_become_its_explicit_list(tmp_path: Path) -> None:
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    address = "https://conda.example.org/t/to-123/main/linux-64/numpy-2.conda"
    (meta / "numpy.json").write_text(json.dumps({"url": address, "md5": "ab"}))
    (meta / "broken.json").write_text("{")
    said = packages.conda_explicit({"CONDA_PREFIX": str(tmp_path)})
    assert said == b""  # another environment than that of this Python
    assert packages.conda_explicit({}) == b""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "prefix", str(tmp_path))
        said = packages.conda_explicit({"CONDA_PREFIX": str(tmp_path)})
    assert said.decode().splitlines()[1:] == ["@EXPLICIT", "https://conda.example.org/main/linux-64/numpy-2.conda#ab"]


def test_the_mlproject_file_is_kept(repository: Repository) -> None:
    repository.write("MLproject", "name: digits\n")
    (repository.folder / "inner").mkdir()
    assert kept(repository.folder / "inner")["code/MLproject"] == b"name: digits\n"
    repository.write("MLproject", "env: {password: '" + "hunter22'}\n")
    captured = capture(repository.folder)
    assert "code/MLproject" not in {file.path for file in captured.files}
    assert captured.notes[-1].startswith("MLproject is not kept, because it seems to hold a value of “password”")


# -- packages, machine, seeds --------------------------------------------------------------------------------------------


def test_installed_packages_are_told_once_each_and_broken_ones_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "odd_one-1": "Name: odd.one\nVersion: 1\n",
        "broken-2": "",
        "requests-0": "Name: Requests\nVersion: 0\n",
    }.items():
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "METADATA").write_text(text)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    found = environment_facts()["packages"]
    assert "odd.one==1" in found and "Requests==0" not in found
    assert found == sorted(found, key=str.lower)


def test_the_kind_of_host_is_read_from_what_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(**variables: str) -> str:
        return machine.host_kind(tmp_path, variables)

    monkeypatch.setattr(sys, "platform", "linux")
    assert (kind(), kind(DISPLAY=":0"), kind(CI="true"), kind(CI="false")) == ("server", "unknown", "ci", "server")
    assert kind(KUBERNETES_SERVICE_HOST="10.0.0.1") == "container"
    supply = tmp_path / "sys/class/power_supply/BAT0"
    supply.mkdir(parents=True)
    (supply / "type").write_text("Battery\n")
    assert kind() == "laptop"
    (supply / "scope").write_text("Device\n")  # the battery of a mouse
    assert kind() == "server"
    chassis = tmp_path / "sys/class/dmi/id/chassis_type"
    chassis.parent.mkdir(parents=True)
    chassis.write_text("10\n")
    assert kind() == "laptop"
    (tmp_path / ".dockerenv").touch()
    assert kind() == "container"
    monkeypatch.setitem(sys.modules, "ipykernel", object())  # type: ignore[arg-type]  # any entry does
    assert kind() == "notebook"


def test_accelerators_are_told_by_nvidia_smi_and_a_driver_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB, 570.1'\necho 'NVIDIA H200, 143771 MiB, 570.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    facts = environment_facts()
    assert facts["hardware"]["accelerators"] == ["NVIDIA H200, 143771 MiB, driver 570.1"] * 2
    assert facts["accelerator"] == "2 × NVIDIA H200"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(machine, "SECONDS", 0.2)
    assert environment_facts()["accelerator"] == ""


def test_hardware_is_what_this_process_may_use() -> None:
    found = machine.hardware()
    assert found["cpu"] and found["cores"] >= 1 and found["memory_bytes"] > 1 << 20


def test_seeds_are_read_without_changing_what_is_drawn() -> None:
    numpy, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
    torch.manual_seed(7)
    random.seed(1)
    numpy.random.seed(1)
    first = seeds()
    drawn = random.getrandbits(30), numpy.random.random()
    random.seed(1)
    numpy.random.seed(1)
    assert first["torch"] == 7 and seeds() == first
    torch.manual_seed(2**63 + 1)
    assert seeds()["torch"] == str(2**63 + 1)
    torch.manual_seed(7)
    assert (random.getrandbits(30), numpy.random.random()) == drawn
    assert seeds()["python"] != first["python"] and seeds()["numpy"] != first["numpy"]


def test_whatever_breaks_a_training_goes_on(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("odd machine")

    monkeypatch.setattr("countersign.capturing.captured.code_of", broken)
    monkeypatch.setattr("countersign.capturing.captured.machine.hardware", broken)
    captured = capture(repository.folder)
    assert captured.code == {} and captured.environment == {} and captured.training["seeds"]
    assert captured.notes == [
        "The code could not be captured (RuntimeError: odd machine).",
        "The environment could not be captured (RuntimeError: odd machine).",
    ]


def test_arguments_of_the_training_file_are_kept_unless_one_seems_a_secret(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tags(*words: str) -> dict[str, str]:
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        return capture(repository.folder).tags

    assert tags("--lr", "0.1") == {}  # not this repository's program: a console, a test runner
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=str(repository.folder / "train.py")))
    assert tags("--lr", "0.1", "a b") == {"countersign.arguments": '["--lr", "0.1", "a b"]'}
    assert tags() == {}
    assert tags("--password", "hunter22") == {}
    assert tags("--lr", "0.1", "--token=" + "abcdefgh12345678") == {}
    assert tags("x" * 30_000) == {}


# -- how it travels ------------------------------------------------------------------------------------------------------


def test_a_run_hands_facts_and_files_over_also_when_it_ends_at_once(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("train.py", "epochs = 4\n")
    repository.write("requirements.txt", "numpy==2\n")
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("COUNTERSIGN_OFFLINE", str(tmp_path / "out"))
    start_run("quick").end()
    (spool,) = spools(tmp_path / "out")
    lines = read(spool)
    facts = {kind: said for line in lines if line["kind"] == "log" for kind, said in line["facts"].items()}
    assert facts["code"]["dirty"] and facts["environment"]["host_kind"] and facts["training"]["seeds"]
    artifacts = {line["path"]: spool / "files" / str(line["number"]) for line in lines if line["kind"] == "artifact"}
    assert set(artifacts) == {"code/changes.patch", "environment/requirements.txt"}
    assert b"epochs = 4" in artifacts["code/changes.patch"].read_bytes()


@pytest.mark.django_db(transaction=True)
def test_the_site_takes_all_that_is_captured(
    repository: Repository, site: str, scientist: Any, key_of: Any, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - only this test needs the server's side

    repository.write("train.py", "epochs = 4\n")
    repository.write("uv.lock", "version = 1\n")
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))
    run = start_run("captured", strict=True)
    run.end(wait=60)
    found = TrainingRun.objects.get()
    assert found.code["commit"] == repository.git("rev-parse", "HEAD") and found.code["untracked"] == 1
    assert found.environment["hardware"]["cores"] >= 1 and found.training["seeds"]["python"]
    paths = {artifact.path: artifact.digest for artifact in found.artifacts.all()}
    assert paths["code/changes.patch"] == found.code["patch_digest"]
    assert paths["environment/uv.lock"] == found.environment["lock_digest"]
