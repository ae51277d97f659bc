"""A run as the training script holds it: what it is told is kept and sent beside the training, which it never disturbs."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from countersign.tracking import api, given, values
from countersign.tracking.delivering import Delivery
from countersign.tracking.gathering import AT_ONCE, lines
from countersign.tracking.sending import Courier
from countersign.tracking.spool import FILES, Spool
from countersign.transport import JSON

CROWDED = 10 * AT_ONCE  # points in memory, about 30 MB: then whoever reports another one writes them down
WAIT = 15.0  # seconds that an end waits for what has not arrived
FIRST_ANSWER = 2.0  # seconds that whoever asks for the page's address waits for it
_log = logging.getLogger("countersign")


class Run:
    """Made by `countersign.start_run`. Without a spool it is silent: another rank, or a copy in another process."""

    def __init__(
        self, name: str = "", *, spool: Spool | None = None, delivery: Delivery | None = None, joined: bool = False
    ) -> None:
        self.name, self.state = name, "running"
        self._spool, self._delivery, self._joined = spool, delivery, joined
        self._pid = os.getpid()
        self._said: deque[Any] = deque()  # points (name, step, value, milliseconds), and lines (kind, content) between them
        self._looking: list[threading.Thread] = []
        self._names: set[str] = set()
        self._warned: set[str] = set()
        self._last_step = -1
        self._left_out = self._left_out_said = 0  # points for which there was no room
        self._gathering, self._is_gathering = threading.RLock(), False
        self._error_before = getattr(sys, "last_value", None)
        self._courier = Courier(spool, delivery, self) if spool else None

    # -- what the script tells -----------------------------------------------------------------------------------------------

    def log(self, metrics: Mapping[str, Any] | None = None, /, *, step: Any = None, **named: Any) -> None:
        """One point for each metric: `run.log(step=3, loss=0.2)` or `run.log({"train/loss": 0.2}, step=3)`. Without a step, the
        one after the highest so far. What is no number is left out, with one warning."""
        if not self._reports():
            return
        at = self._last_step + 1 if step is None else values.step(step)
        if at is None:
            self.warn(f"A step must be a whole number: what was logged at {type(step).__name__} is left out.")
            return
        self._last_step = max(self._last_step, at)
        moment = time.time_ns() // 1_000_000
        for name, value in {**_pairs(metrics), **named}.items():
            single = values.number(value)
            if single is None or not self._may_be_called(name):
                kind = type(value).__name__
                self.warn(
                    f"{str(name)[:80]!r} is left out: a {kind} is no single number."
                    if single is None
                    else f"{str(name)[:80]!r} is left out: a metric has a name of 1 to {values.NAME} printable characters."
                )
            else:
                self._said.append((name, at, single, moment))
        if len(self._said) >= AT_ONCE and self._courier:
            self._courier.wake()
            if len(self._said) >= CROWDED:
                self.gather()

    def log_params(self, params: Any = None, /, **named: Any) -> None:
        """Parameters as they are: a mapping (nested ones become `optimizer.lr`), an argparse namespace, a dataclass. Once given,
        a parameter keeps its value."""
        if params is not None and values.inside(params) is None:
            raise TypeError(f"Give a mapping of names and values, not a {type(params).__name__}.")
        self._say("log", facts={"params": {**values.parameters(params or {}), **values.parameters(named)}})

    def set_tags(self, tags: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Texts to find the run by; a tag may be set again."""
        self._say("log", facts={"tags": values.tags({**_pairs(tags), **named})})

    def log_data(self, data: str | Path, *, name: str = "", context: str = "training") -> None:
        """The data that it learns from: a file (its sha256 is reported, its content stays here), a .dvc file, or the id of a
        registered dataset version. A file is read beside the training."""
        self.look_up(f"the digest of {data}", lambda: {"data": [given.data(data, name=name, context=context)]})

    def log_artifact(self, path: str | Path, name: str = "") -> None:
        """Send a file, or every file of a folder, as it is now or soon after. `name` is its path in the run."""
        for inner, file in given.files(Path(path).absolute(), name, self.warn):
            try:
                self._say("artifact", **given.artifact(inner, file))
            except OSError as error:
                self.warn(f"{file} cannot be read ({error.strerror or error}): it is not sent.")

    def log_training(self, **facts: Any) -> None:
        """How it is trained: `early_stopping`, `schedule`, `seeds`, `libraries` (each a mapping), `summary` (a text)."""
        self._say("log", facts={"training": given.training(facts)})

    # -- its end -------------------------------------------------------------------------------------------------------------

    def end(self, state: str = api.FINISHED, *, wait: float = WAIT) -> None:
        """The run is over: `finished`, `failed` or `killed`. Waits at most so many seconds for what has not arrived yet; what is
        still left then stays in the spool, and one sentence says how to send it."""
        if state not in api.STATES:
            raise ValueError(f"A run ends as {', '.join(api.STATES)}; not as {state!r}.")
        if self._courier is None or self.state != "running" or os.getpid() != self._pid:
            return
        ended = datetime.now(UTC).isoformat()
        self.state = state
        atexit.unregister(self._leave)
        if not self._joined:
            self._said.append(("end", {"facts": {"state": state, "ended_at": ended}}))
        self._courier.finish()
        arrived = False
        try:
            arrived = self._courier.over.wait(wait) and not self._courier.why
        finally:  # also where somebody does not want to wait any longer
            if not arrived:
                self._say_what_is_left()

    def flush(self, seconds: float = WAIT) -> bool:
        """Whether everything said so far has arrived within so many seconds."""
        if self._courier is None or self._delivery is None or os.getpid() != self._pid:
            return False
        until = time.monotonic() + seconds
        self.gather()
        while not self._courier.over.is_set() and (left := until - time.monotonic()) > 0:
            self._courier.idle.clear()
            self._courier.wake()
            if self._courier.idle.wait(min(left, 0.5)) and self.spool_is_empty:
                return True
        return self._courier.over.is_set() and not self._courier.why

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end(_state_of(error))

    def _leave(self) -> None:
        """The interpreter ends and nobody has ended the run."""
        error = getattr(sys, "last_value", None)
        self.end(_state_of(error if error is not self._error_before else None))

    # -- what it is ----------------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str | None:
        """The run's id at the site; None while the site has not answered."""
        return (self._delivery.run or None) if self._delivery else None

    @property
    def url(self) -> str | None:
        """The run's page. Asked for right after the start, it waits for the site's first answer, two seconds at most; None where
        the site has not answered by then."""
        self.asked(FIRST_ANSWER)
        return self._delivery.url if self._delivery and self.id else None

    @property
    def spool(self) -> Path | None:
        """The folder that keeps what was not sent yet; None for a silent run."""
        return self._spool.folder if self._spool else None

    @property
    def spool_is_empty(self) -> bool:
        return self._spool is None or (self._spool.is_empty and not self._said)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is reported from here: another rank reports, or another process."""
        return self._spool is None or os.getpid() != self._pid

    def __repr__(self) -> str:
        return f"<Run {self.name!r} {self.id or 'not sent yet'}: {self.state}>"

    def __deepcopy__(self, memo: Any) -> Run:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.name,)  # in another process it is silent

    # -- inside --------------------------------------------------------------------------------------------------------------

    def warn(self, sentence: str) -> None:
        """Say it once."""
        if sentence not in self._warned and len(self._warned) < 1_000:
            self._warned.add(sentence)
            _log.warning("countersign: %s", sentence)

    def begin(self) -> None:
        """From now on it is written and sent."""
        if self._courier:
            self._courier.start()
            atexit.register(self._leave)

    def asked(self, seconds: float) -> None:
        """Wait until the site has answered once, or has not."""
        if self._courier and self._delivery:
            self._courier.asked.wait(seconds)

    @property
    def called(self) -> str:
        return f"The run {self.name!r}"

    def _reports(self) -> bool:
        if self._spool is None:
            return False
        if os.getpid() != self._pid:
            self.warn("This process was forked from the one that reports the run: what it logs is left out.")
            return False
        if self.state != "running":
            self.warn(f"{self.called} has ended: what is logged after that is left out.")
            return False
        return True

    def _may_be_called(self, name: Any) -> bool:
        if name not in self._names:
            if values.name(name) != name:
                return False
            self._names.add(name)
        return True

    def look_up(self, what: str, find: Callable[[], JSON]) -> None:
        """Report facts that take a while to find; `find` runs beside the training and the sending."""

        def look() -> None:
            try:
                for kind, facts in find().items():  # one by one: what the site refuses of one takes no other with it
                    self._said.append(("log", {"facts": {kind: facts}}))
            except Exception as error:  # whatever it is, the training goes on
                self.warn(f"{what[0].upper()}{what[1:]} is left out: {error}")
            finally:
                self._courier.wake()  # type: ignore[union-attr]  # only a run that reports looks anything up

        if self._reports():
            thread = threading.Thread(target=look, name=what, daemon=True)
            self._looking.append(thread)
            thread.start()

    def keep(self, path: str, content: bytes, *, name: str) -> None:
        """Send what a look-up has found as the artifact `path`; like its facts, also when the run has ended meanwhile."""
        if self._spool is not None:
            file = self._spool.folder / FILES / name
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.write_bytes(content)
            self._said.append(("artifact", given.artifact(path, file)))

    def still_looking(self) -> list[str]:
        return [thread.name for thread in self._looking if thread.is_alive()]

    def _say(self, kind: str, **said: Any) -> None:
        if self._reports() and self._courier:
            self._said.append((kind, said))
            self._courier.wake()

    def gather(self) -> None:
        """Everything said so far stands in the spool."""
        assert self._spool is not None  # noqa: S101 - a silent run gathers nothing
        with self._gathering:
            if self._is_gathering:
                return  # a signal's handler in the middle of it: what that has said is gathered after it
            self._is_gathering = True
            try:
                self._write(self._spool)
            finally:
                self._is_gathering = False

    def _write(self, spool: Spool) -> None:
        for kind, said, points in lines(self._said):
            if not spool.append(kind, **said):
                self._left_out += points
                self.warn("Neither disk nor memory takes more of what is reported: from here on, points are left out.")
        if self._left_out > self._left_out_said:
            said = {"tags": {"countersign.left_out": f"{self._left_out} points"}}
            if spool.append("log", facts=said):
                self._left_out_said = self._left_out

    def _say_what_is_left(self) -> None:
        assert self._spool is not None and self._courier is not None  # noqa: S101 - only a run that reports has something left
        for what in self.still_looking():
            self.warn(f"{what[0].upper()}{what[1:]} was not found in time: it is left out.")
        if self._delivery is None:
            return
        why = self._courier.why or "The site takes its time"
        if self._left_out:
            self.warn(f"{self._left_out:,} points of {self.called} were left out, because there was no room to keep them.")
        if self._spool.in_memory:
            self.warn(f"The disk takes nothing: the last part of {self.called} is lost when the process ends.")
        self.warn(
            f"{why.rstrip('.')}. Not everything of the run {self.name!r} has arrived; it is kept. "
            f"Send it later: countersign send-run {self._spool.folder}"
        )


def _pairs(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"Give a mapping of names and values, not a {type(given).__name__}.")
    return given


def _state_of(error: BaseException | None) -> str:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return api.FINISHED
    return api.KILLED if isinstance(error, KeyboardInterrupt) else api.FAILED
