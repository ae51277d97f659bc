"""The seccomp program, interpreted here: so that the filter for arm64 is tested on x86-64, and the other way round."""

from __future__ import annotations

import errno

import pytest

from sandbox import kernel, seccomp, syscalls

PID = 4242
ALLOW, KILL = "allow", "kill"
MACHINES = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
# What every program needs: read, write, mmap, mprotect, brk, futex, openat, exit_group, getrandom
HARMLESS = {"x86_64": [0, 1, 9, 10, 12, 202, 257, 231, 318], "aarch64": [63, 64, 222, 226, 214, 98, 56, 94, 278]}


def answer(machine: str, number: int, first: int = 0, *, arch: int | None = None) -> str | int:
    """What the kernel would do: allow, kill, or the error number."""
    steps = seccomp.program(machine, pid=PID)
    data = {0: number, 4: syscalls.AUDIT_ARCH[machine] if arch is None else arch, 16: first}
    at = held = 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            held = data[value]
        elif code == 0x06:
            return ALLOW if value == 0x7FFF0000 else KILL if value == 0x80000000 else value & 0xFFFF
        else:
            true = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += yes if true else no


@MACHINES
def test_every_denied_call_is_answered_with_an_error(machine: str) -> None:
    for name in syscalls.DENIED:
        if (number := syscalls.number(name, machine)) is not None:
            assert answer(machine, number) == errno.EPERM, name


@MACHINES
def test_what_every_program_needs_is_allowed(machine: str) -> None:
    assert {answer(machine, number) for number in HARMLESS[machine]} == {ALLOW}


@MACHINES
def test_calls_newer_than_the_table_do_not_exist(machine: str) -> None:
    assert answer(machine, syscalls.NEWEST_REVIEWED) == ALLOW
    assert answer(machine, syscalls.NEWEST_REVIEWED + 1) == errno.ENOSYS
    assert answer(machine, 100_000) == errno.ENOSYS


@MACHINES
def test_calls_of_another_processor_mode_kill(machine: str) -> None:
    assert answer(machine, HARMLESS[machine][0], arch=0x40000003) == KILL
    if machine == "x86_64":
        assert answer(machine, 0x40000000 + 59) == KILL


@MACHINES
def test_threads_may_start_and_processes_may_not(machine: str) -> None:
    clone = syscalls.number("clone", machine) or 0
    thread = 0x3D0F00  # what pthread_create passes
    assert answer(machine, clone, thread) == ALLOW
    assert answer(machine, clone, 17) == errno.EPERM  # fork: SIGCHLD alone
    assert answer(machine, clone, thread | 0x10000000) == errno.EPERM  # with a new user namespace
    assert answer(machine, syscalls.number("clone3", machine) or 0) == errno.ENOSYS  # glibc falls back to clone


@MACHINES
def test_signals_and_limits_reach_nobody_else(machine: str) -> None:
    for name, own in (("tgkill", [PID]), ("prlimit64", [0, PID])):
        number = syscalls.number(name, machine) or 0
        assert {answer(machine, number, first) for first in own} == {ALLOW}
        assert answer(machine, number, 1) == errno.EPERM


@MACHINES
def test_dying_with_the_parent_cannot_be_switched_off(machine: str) -> None:
    prctl = syscalls.number("prctl", machine) or 0
    assert answer(machine, prctl, kernel.PR_SET_PDEATHSIG) == errno.EPERM
    assert answer(machine, prctl, kernel.PR_SET_DUMPABLE) == errno.EPERM
    assert answer(machine, prctl, 15) == ALLOW  # a thread's name
