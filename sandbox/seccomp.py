"""seccomp: which system calls this process may still make, as a small BPF program assembled here."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from sandbox import kernel, syscalls

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; low half of the argument (little endian)
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANYTHING = 0x7E020000 | 0x00000080
_SET_MODE_FILTER, _FOR_ALL_THREADS = 1, 1

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


def _error(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def program(on: str, *, pid: int) -> list[Instruction]:
    """The filter for processor `on`: threads yes; processes, programs, sockets, mounts, metadata and the like no."""

    def call(name: str) -> int:
        found = syscalls.number(name, on)
        if found is None:
            raise LookupError(name)
        return found

    allow: Instruction = (_RETURN, 0, 0, _ALLOW)
    steps: list[Instruction] = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, syscalls.AUDIT_ARCH[on]), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER)]
    if on == "x86_64":  # the second ABI of the processor has numbers of its own, all denied
        steps += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    steps += [(_AT_LEAST, 0, 1, syscalls.NEWEST_REVIEWED + 1), _error(errno.ENOSYS)]
    # clone3 hides its flags behind a pointer; glibc falls back to clone, whose flags can be judged.
    steps += [(_EQUAL, 0, 1, call("clone3")), _error(errno.ENOSYS)]
    steps += [(_EQUAL, 0, 5, call("clone")), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 1, 0, _CLONE_NEW_ANYTHING)]
    steps += [(_ANY_BIT, 1, 0, _CLONE_THREAD), _error(errno.EPERM), allow]
    # abort() and raise() signal one's own threads; nobody else's.
    steps += [(_EQUAL, 0, 4, call("tgkill")), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, pid), allow, _error(errno.EPERM)]
    # The limits of other processes of the same user are not this one's to change; 0 means oneself.
    steps += [(_EQUAL, 0, 5, call("prlimit64")), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0), (_EQUAL, 0, 1, pid)]
    steps += [allow, _error(errno.EPERM)]
    # Dying with the parent and staying opaque to other processes cannot be switched off again.
    steps += [(_EQUAL, 0, 5, call("prctl")), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, kernel.PR_SET_PDEATHSIG)]
    steps += [(_EQUAL, 0, 1, kernel.PR_SET_DUMPABLE), _error(errno.EPERM), allow]
    for number in syscalls.denied(on):
        steps += [(_EQUAL, 0, 1, number), _error(errno.EPERM)]
    return [*steps, allow]


def restrict() -> bool:
    """From here on this process and its threads make only the calls that `program` allows. Needs no_new_privs; raises OSError."""
    on = syscalls.machine()
    if on is None:
        raise OSError("seccomp is prepared for x86-64 and arm64 only")
    steps = program(on, pid=os.getpid())
    code = b"".join(struct.pack("<HBBI", *step) for step in steps)
    text = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(text)), 16)
    number = syscalls.number("seccomp", on)
    left_out = kernel.syscall(number or 0, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_FOR_ALL_THREADS), header)
    if left_out:  # the kernel answers the id of a thread that could not be filtered
        raise OSError(f"thread {left_out} could not be filtered")
    return True
