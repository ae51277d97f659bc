"""Numbers of the system calls that the jail denies, by what they would reach. Each pair is (x86-64, arm64); None: no such call.

A deny list, because torch's own calls differ between versions and processors. What it cannot name, calls newer than this
table, is answered ENOSYS by `NEWEST_REVIEWED`, so a newer kernel opens nothing.
"""

from __future__ import annotations

import platform

Pair = tuple[int | None, int | None]

NETWORK: dict[str, Pair] = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
}  # fmt: skip
PROCESSES: dict[str, Pair] = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "setsid": (112, 157),
    "setpgid": (109, 154), "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
}  # fmt: skip
IDENTITY: dict[str, Pair] = {
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143), "setresuid": (117, 147),
    "setresgid": (119, 149), "setfsuid": (122, 151), "setfsgid": (123, 152), "setgroups": (116, 159), "capset": (126, 91),
    "personality": (135, 92),
}  # fmt: skip
NAMESPACES: dict[str, Pair] = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
}  # fmt: skip
KERNEL: dict[str, Pair] = {
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "clock_adjtime": (305, 266), "sethostname": (170, 161), "setdomainname": (171, 162),
    "syslog": (103, 116), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "vhangup": (153, 58),
    "fanotify_init": (300, 262),
}  # fmt: skip
# Memory that no process maps escapes the memory limit, and shared objects let two jobs talk to one another.
SHARED: dict[str, Pair] = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "msgget": (68, 186), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
# Landlock does not know these: without them a job of an ordinary user could chmod that user's keys.
METADATA: dict[str, Pair] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88), "link": (86, None),
    "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
}  # fmt: skip
SCHEDULING: dict[str, Pair] = {
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274), "sched_setaffinity": (203, 122), "migrate_pages": (256, 238), "move_pages": (279, 239),
}  # fmt: skip
# Judged by their arguments in seccomp.py, or called by the jail itself.
JUDGED: dict[str, Pair] = {
    "clone": (56, 220), "clone3": (435, 435), "prctl": (157, 167), "prlimit64": (302, 261), "tgkill": (234, 131),
    "seccomp": (317, 277), "capset": (126, 91),
}  # fmt: skip

DENIED: dict[str, Pair] = {
    **NETWORK, **PROCESSES, **IDENTITY, **NAMESPACES, **KERNEL, **SHARED, **METADATA, **SCHEDULING,
}  # fmt: skip
NEWEST_REVIEWED = 462  # mseal; Linux 6.10. Calls above it have the same numbers on both processors.

_COLUMN = {"x86_64": 0, "aarch64": 1}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def machine() -> str | None:
    """The processor whose numbers are known here, or None where seccomp cannot be applied."""
    name = platform.machine()
    return name if name in _COLUMN else None


def number(name: str, on: str) -> int | None:
    """The number of call `name` on processor `on`."""
    pair = JUDGED.get(name) or DENIED[name]
    return pair[_COLUMN[on]]


def denied(on: str) -> list[int]:
    """All numbers that are denied whatever their arguments, without repetition."""
    return sorted({found for name in DENIED if (found := number(name, on)) is not None})
