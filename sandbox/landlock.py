"""Landlock: which files this process may still reach. Asked of the kernel itself, never of /sys/kernel/security, which
may be unmounted although Landlock works."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

from sandbox import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every processor
_VERSION = 1  # flag of landlock_create_ruleset: answer the ABI
_PATH_BENEATH = 1

(
    EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK,
    MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV,
) = (1 << bit for bit in range(16))  # fmt: skip
# REFER came with ABI 2, TRUNCATE with 3, IOCTL_DEV with 5; a ruleset may only name what its kernel knows.
_RIGHTS_BY_ABI = {1: MAKE_SYM, 2: REFER, 3: TRUNCATE, 4: TRUNCATE, 5: IOCTL_DEV}
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE  # no links, devices, sockets, pipes
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV  # of the device files that a job was given, and of no others
NETWORK_TCP, SCOPES = 0b11, 0b11  # bind and connect (ABI 4); abstract sockets and signals (ABI 6)


def abi() -> int:
    """The Landlock version of this kernel, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    try:
        return kernel.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(*, read: Iterable[str], write: Iterable[str], devices: Iterable[str] = ()) -> int:
    """From here on this process reads only beneath `read`, writes only beneath `write`, runs no program, opens no TCP
    connection and signals nobody outside; returns the ABI. Needs no_new_privs. Raises OSError where the kernel refuses."""
    version = abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = (_RIGHTS_BY_ABI.get(version, IOCTL_DEV) << 1) - 1
    fields = struct.pack("<QQQ", handled, NETWORK_TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = kernel.syscall(CREATE_RULESET, ctypes.create_string_buffer(fields, 24), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in read:
            _allow(ruleset, path, READ & handled)
        for path in write:
            _allow(ruleset, path, WRITE & handled)
        for path in devices:
            _allow(ruleset, path, DEVICE & handled)
        _allow(ruleset, "/dev/null", (READ_FILE | WRITE_FILE) & handled)
        kernel.syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return  # a library folder that this host does not have
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("<Qi", rights, beneath), 12)
        kernel.syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(beneath)
