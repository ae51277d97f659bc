"""What code in the child can reach: nothing but its inputs, its own folder and the interpreter."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import landlock, syscalls

Launch = Callable[..., SimpleNamespace]
BOXES = pytest.mark.parametrize("bwrap", ["bwrap", None], ids=["in bubblewrap", "without bubblewrap"])


@pytest.fixture
def listeners() -> Iterator[dict[str, object]]:
    """Real servers on this machine: a child that can reach one could reach the database."""
    folder = Path(tempfile.mkdtemp(prefix="listen-"))
    folder.chmod(0o755)
    abstract = f"sandbox-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as hidden,
    ):
        unix.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        hidden.bind("\0" + abstract)
        unix.listen()
        hidden.listen()
        yield {"port": tcp.getsockname()[1], "unix": str(folder / "socket"), "abstract": abstract}
    shutil.rmtree(folder)


@BOXES
def test_no_attack_from_inside_gains_anything(
    launch: Launch, keys: Path, listeners: dict[str, object], bwrap: str | None, who: SimpleNamespace
) -> None:
    job = {"key": str(keys), "parent": os.getpid(), "root": who.uid == 0, **listeners}
    outcome = launch("attack", job=job, canary=str(keys), bwrap=bwrap)
    assert (outcome.ended, outcome.result) == ("finished", {}), outcome.sentence
    assert keys.stat().st_mode & 0o777 == 0o600


def test_without_fences_the_same_attacks_gain_much(launch: Launch, keys: Path, listeners: dict[str, object]) -> None:
    """The attacks are real: where the layers are left out on request, they work, and the level says so."""
    job = {"key": str(keys), "parent": os.getpid(), "root": False, **listeners}
    everything = ["landlock", "seccomp", "own_user", "namespaces"]
    outcome = launch("attack", job=job, canary=str(keys), bwrap=None, leave_out=everything, need="L0")
    assert {"tcp", "unix socket", "read the key", "fork", "exec", "write beside out"} <= set(outcome.result)
    assert outcome.level == "L0"
    assert {outcome.evidence["probes"][name] for name in ("network", "secrets", "fork", "exec", "write")} == {"open"}


@BOXES
def test_the_child_reads_its_inputs_and_writes_its_folder(
    launch: Launch, keys: Path, tmp_path: Path, who: SimpleNamespace, bwrap: str | None
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="blobs-"))
    blob = folder / "blob"
    blob.write_text("weights")
    blob.chmod(0o400)  # as the store keeps them: no other user could read it by its permissions
    for path in (folder, blob):
        os.chown(path, who.uid, -1)
    outcome = launch("greet", inputs={"checkpoint": str(blob)}, canary=str(keys), bwrap=bwrap)
    shutil.rmtree(folder)
    assert outcome.ended == "finished", outcome.sentence + outcome.log
    assert outcome.result["read"] == {"checkpoint": "weights"}
    assert not [name for name in outcome.result["names"] if "SECRET" in name]
    assert outcome.files == ["note.json"]
    assert not outcome.folder_left


@BOXES
def test_the_level_is_what_was_reached(
    launch: Launch, keys: Path, who: SimpleNamespace, bwrap: str | None, bwrap_starts: bool
) -> None:
    outcome = launch("greet", canary=str(keys), bwrap=bwrap)
    assert outcome.level == ("L3" if bwrap and bwrap_starts else "L2")
    assert outcome.evidence["level"] == outcome.level
    assert outcome.evidence["bwrap"] is bool(bwrap and bwrap_starts)
    assert set(outcome.evidence["probes"].values()) == {"blocked"}
    assert outcome.evidence["landlock_abi"] == landlock.abi()
    assert outcome.evidence["own_user"] is (who.uid == 0)
    assert outcome.evidence["uid"] != 0


def test_where_bubblewrap_is_missing_or_refuses_the_jail_still_holds(launch: Launch, keys: Path) -> None:
    for name in ("no-such-program", "false"):
        outcome = launch("greet", canary=str(keys), bwrap=name)
        assert (outcome.ended, outcome.level) == ("finished", "L2")
        assert outcome.evidence["notes"]["bwrap"]


@pytest.mark.parametrize("missing", ["seccomp", "rlimits", "landlock"])
def test_below_the_required_level_the_input_is_not_opened(launch: Launch, keys: Path, missing: str) -> None:
    outcome = launch("greet", canary=str(keys), bwrap=None, leave_out=[missing])
    assert outcome.ended == "level"
    assert outcome.result is None
    assert outcome.files == []  # the job's own first act would have been a file
    assert "L2 is required" in outcome.sentence
    assert "left out on request" in outcome.sentence


def test_an_input_or_canary_that_is_no_plain_file_is_said_before_anything_starts(launch: Launch, keys: Path) -> None:
    os.mkfifo(keys.parent / "pipe")
    for path in ("/nowhere", str(keys.parent), "/dev/zero", str(keys.parent / "pipe")):
        for order in ({"inputs": {"checkpoint": path}}, {"canary": path}):
            outcome = launch("greet", **order)
            assert outcome.ended == "refused"
            assert "cannot be read" in outcome.sentence


def test_only_the_named_packages_can_be_imported(launch: Launch, keys: Path) -> None:
    outcome = launch("imports", job={"modules": ["jobs.hostile", "sandbox.jail", "sandbox.launch", "driver"]}, canary=str(keys))
    assert outcome.result["jobs.hostile"] is True
    assert outcome.result["driver"] == "ModuleNotFoundError"  # it lies beside the roots


def test_threads_are_no_processes(launch: Launch, keys: Path) -> None:
    assert launch("threads", canary=str(keys)).result == "threads work"


def test_the_tables_of_calls_agree_with_the_kernel_headers() -> None:
    headers = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}
    checked = 0
    for machine, header in headers.items():
        if not Path(header).exists():
            continue
        lines = Path(header).read_text().replace("__NR3264_", "__NR_").splitlines()
        words = [line.split() for line in lines if line.startswith("#define __NR_")]
        known = {w[1].removeprefix("__NR_"): int(w[2]) for w in words if len(w) > 2 and w[2].isdigit()}
        for name in {**syscalls.DENIED, **syscalls.JUDGED}:
            number = syscalls.number(name, machine)
            if name in known:
                assert number == known[name], (machine, name)
                checked += 1
    if not checked:
        pytest.skip("no kernel headers here")


def test_every_table_names_calls_that_were_reviewed() -> None:
    for machine in ("x86_64", "aarch64"):
        assert max(syscalls.denied(machine)) <= syscalls.NEWEST_REVIEWED
        worst = {syscalls.number(name, machine) for name in ("socket", "execve", "ptrace", "mount")}
        assert worst <= set(syscalls.denied(machine))


@BOXES
def test_a_job_opens_the_devices_that_it_was_given_and_no_others(launch: Launch, keys: Path, bwrap: str | None) -> None:
    """A harmless device stands for a GPU's: with it the address space is not limited either, and everything else holds."""
    tried = {"tried": ["/dev/full", "/dev/zero"]}
    without = launch("device", job=tried, canary=str(keys), bwrap=bwrap).result
    assert "open" not in without["devices"].values() and not without["address_space"]
    outcome = launch("device", job=tried, canary=str(keys), bwrap=bwrap, devices=["/dev/full"])
    assert outcome.result["devices"]["/dev/full"] == "open" != outcome.result["devices"]["/dev/zero"]
    assert outcome.result["address_space"] and "parent watches" in outcome.evidence["notes"]["address_space"]
    assert outcome.level >= "L2" and set(outcome.evidence["probes"].values()) == {"blocked"}
