"""Starts the parts, restarts one that ends by itself, and stops all in order. One thread; signals only set a flag."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import FrameType

from config.services import processes
from config.services.identity import Identity
from config.services.site import PROJECT, Part
from config.setup.problem import Problem

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a part that ended is started again
STEADY = 60.0  # seconds after which a part counts as healthy again
START_TIME = 120.0  # seconds that the site may take until it answers
ANSWERS_BELOW = 500  # the site is up when it answers, even if it answers "sign in first"


def say(sentence: str) -> None:
    print(f"{datetime.datetime.now().astimezone():%H:%M:%S}  {sentence}", flush=True)  # noqa: T201 - a command line prints


class Stop(Exception):
    """Somebody asked for the end."""


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP ask for the end; asking again, more than a second later, asks for it at once."""

    def __init__(self) -> None:
        self.asked = 0.0
        self.hurry = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup has asked to ignore it
                signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self.asked > 1:
            self.hurry = True
        self.asked = self.asked or now

    def check(self) -> None:
        if self.asked:
            raise Stop

    @contextlib.contextmanager
    def at_a_prompt(self) -> Iterator[None]:
        """While somebody is asked something, Ctrl-C ends the question at once."""
        asking = (signal.SIGINT, signal.SIGTERM)

        def interrupt(number: int, frame: FrameType | None) -> None:
            for each in asking:
                signal.signal(each, self._take)  # whatever follows finds the question ended
            self._take(number, frame)
            raise KeyboardInterrupt

        for number in asking:
            signal.signal(number, interrupt)
        try:
            yield
        except (KeyboardInterrupt, EOFError) as error:
            print(flush=True)  # noqa: T201 - the question's line ends
            raise Stop from error
        finally:
            for number in asking:
                signal.signal(number, self._take)


@dataclass
class Running:
    part: Part
    process: Popen[bytes] | None = None
    started: float = 0.0
    again_at: float = 0.0
    pause: float = FIRST_PAUSE


class Supervisor:
    def __init__(self, parts: Sequence[Part], *, data: Path, identity: Identity, variables: Mapping[str, str], signals: Signals):
        self.all = [Running(part) for part in parts]
        self.data = data
        self.identity = identity
        self.variables = variables
        self.signals = signals

    def log(self, part: Part) -> Path:
        return self.data / "logs" / f"{part.name}.log"

    def start(self) -> None:
        for running in self.all:
            self._start(running)

    def _start(self, running: Running) -> None:
        part = running.part
        running.process = processes.start(
            part.command,
            log=self.log(part),
            identity=self.identity,
            environment={**self.variables, **part.variables},
            cwd=PROJECT,
            death_signal=part.death,
        )
        running.started = time.monotonic()

    def await_answer(self, port: int) -> None:
        """The site answers on its port; a part that ends before that ends the start."""
        deadline = time.monotonic() + START_TIME
        while not answers(port):
            self.signals.check()
            for running in self.all:
                if running.process is None or processes.has_ended(running.process):
                    log = self.log(running.part)
                    raise Problem(f"{running.part.name} did not start ({processes.last_line(log)[:300]}); its log is {log}.")
            if time.monotonic() > deadline:
                raise Problem(f"The site did not answer within {START_TIME:.0f} seconds; its logs lie in {self.data / 'logs'}.")
            time.sleep(0.05)

    def watch(self, *, lost: Callable[[], str] = str, until: Callable[[], bool] = bool) -> None:
        """Until asked to stop, or until `until`; a part that ends by itself comes back after a pause that grows."""
        while not until():
            self.signals.check()
            if name := lost():
                raise Problem(f"{name} has ended by itself; its log lies in {self.data / 'logs'}. Start again to recover.")
            now = time.monotonic()
            for running in self.all:
                self._tend(running, now)
            time.sleep(0.1)

    def _tend(self, running: Running, now: float) -> None:
        if running.process is None:
            if now >= running.again_at:
                self._start(running)
                say(f"{running.part.name} runs again")
        elif processes.has_ended(running.process):
            if now - running.started > STEADY:
                running.pause = FIRST_PAUSE
            code = processes.end_group(running.process)
            running.process, running.again_at = None, now + running.pause
            say(
                f"{running.part.name} ended by itself (code {code}); it starts again in {running.pause:.0f} s. "
                f"Its log: {self.log(running.part)}"
            )
            running.pause = min(running.pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """All parts have ended: asked first, side by side, each by its own steps; what did not hear is killed."""
        live = [(running.process, list(running.part.stop)) for running in reversed(self.all) if running.process]
        deadlines: dict[int, float] = {}
        while waiting := [(process, steps) for process, steps in live if not processes.has_ended(process)]:
            now = time.monotonic()
            for process, steps in waiting:
                if now < deadlines.get(process.pid, 0) and not self.signals.hurry:
                    continue
                if not steps or self.signals.hurry:
                    processes.end_group(process)
                    continue
                number, seconds = steps.pop(0)
                processes.tell(process, number)
                deadlines[process.pid] = now + seconds
            time.sleep(0.02)
        for process, _ in live:
            processes.end_group(process)
        for running in self.all:
            running.process = None


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < ANSWERS_BELOW
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
