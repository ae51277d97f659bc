"""A first process that does nothing but wait: whatever happens to the supervisor, nothing it started stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

from config.services import processes

GRACE = 8.0  # seconds that orphans get to end by themselves: PostgreSQL writes its data


def guarded(program: Callable[[], int]) -> int:
    """The program's code. It runs in a child; what it leaves behind is ended here, and it ends when this process does."""
    starter = processes.die_with_parent(signal.SIGTERM)
    child = os.fork()
    if child == 0:
        starter()
        code = 1
        try:
            code = program()
        except BaseException:  # whatever it is, only the child may end by it
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    processes.adopt_orphans()

    def pass_on(number: int, frame: FrameType | None) -> None:
        # A terminal sends Ctrl-C to both, a script to this process alone: twice within a second counts once.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGHUP if number == signal.SIGHUP else signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        if pid == child:
            status = ended
    processes.end_descendants(grace=GRACE)
    return os.waitstatus_to_exitcode(status) & 0xFF if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
