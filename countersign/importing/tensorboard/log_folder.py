"""A log folder with all its runs, sent once or followed while trainings write to it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from countersign.importing.progress import Summary
from countersign.importing.tensorboard.folders import run_folders
from countersign.importing.tensorboard.sending import Changed, Sending, silent_for
from countersign.transport import Refused, Transport


class InUse(Exception):
    """Another process imports the same folder; the message says so."""


@dataclass
class LogFolder:
    """Each folder below `top` that holds event files is a run; one inside another is its child."""

    site: Transport
    top: Path
    team: str
    experiment: str = ""
    name: str = ""  # of the run in `top` itself, and before those of the others
    ended_after: float = 3600.0  # seconds without an event, after which a run is taken to have ended
    sendings: dict[str, Sending] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)  # folder -> why
    links: set[str] = field(default_factory=set)  # that lead out of `top`

    def size(self) -> int:
        """Bytes of all event files."""
        return sum(folder.size() for folder in run_folders(self.top))

    def send(self, told: Callable[[int], None] | None = None) -> int:
        """Everything that is written by now is on the site; the number of new points. Raises `Unreachable`, and `Refused` where
        trying again later may help or nothing would be taken at all; what else is refused is given up, run by run."""
        before = self.points
        for folder in run_folders(self.top, left=self.links):
            if folder.name in self.given_up:
                continue
            sending = self.sendings.setdefault(folder.name, Sending(self.site, folder))
            try:
                if not sending.begun and sending.begin(**self._facts(folder.name)) and told:
                    told(sum(sending.at.read.values()))  # what an earlier import has sent
                if sending.begun:
                    sending.send(told)
                    sending.end(quiet=silent_for(sending) > self.ended_after)
            except Changed as error:
                self.given_up[folder.name] = str(error)
            except OSError as error:
                self.given_up[folder.name] = f"{error.strerror or error}"
            except Refused as refusal:
                if passes(refusal) or refusal.status in (401, 403):
                    raise
                self.given_up[folder.name] = str(refusal)
        return self.points - before

    def end(self) -> None:
        """What still runs is taken to have ended: nothing has come for long enough."""
        for name, sending in self.sendings.items():
            if sending.begun and name not in self.given_up:
                sending.end(quiet=True)

    @property
    def points(self) -> int:
        return sum(sending.points for sending in self.sendings.values())

    @property
    def running(self) -> int:
        return sum(sending.state == "running" for sending in self.sendings.values())

    def _facts(self, folder: str) -> dict[str, object]:
        own = self.name or self.top.resolve().name
        shown = "/".join(filter(None, [self.name, folder])) or own
        above = [name for name in self.sendings if name != folder and (not name or folder.startswith(name + "/"))]
        parents = [self.sendings[name] for name in sorted(above, key=len, reverse=True) if self.sendings[name].begun]
        return {
            "team": self.team,
            "experiment": self.experiment,
            "name": shown,
            "parent": parents[0].run["id"] if parents else None,
            "tags": {"tensorboard.folder": "/".join(filter(None, [self.top.resolve().name, folder]))},
        }

    def summary(self) -> Summary:
        """What came in, what did not and why."""
        summary = Summary(source=str(self.top))
        begun = {name: sending for name, sending in self.sendings.items() if sending.begun}
        summary.take(runs=len(begun), points=self.points)
        for name in sorted(self.links):
            summary.leave("link", name, "it leads out of the folder: import what it names by itself")
        for name, why in self.given_up.items():
            summary.leave("run", name or ".", why, refused=True)
        for name, sending in self.sendings.items():
            label = name or "."
            if not sending.begun and name not in self.given_up:
                summary.leave("run", label, "no whole record is written yet")
            for (what, which), why in sending.left.items():
                summary.leave(what, f"{label}: {which}", why, refused=True)
            if sending.superseded:
                summary.note(f"{label}: {sending.superseded:,} points were left out that a restarted training has written anew.")
            for step in sending.restarts:
                summary.note(
                    f"{label}: its training was restarted at step {step:,} after later points had been sent; "
                    "what was sent stays, and a run of its own goes on."
                )
            self._about_files(summary, label, sending)
        if self.running:
            runs = "1 run is still open" if self.running == 1 else f"{self.running:,} runs are still open"
            summary.note(f"{runs}: import again later, or follow with --watch.")
        return summary

    def _about_files(self, summary: Summary, label: str, sending: Sending) -> None:
        events = sending.folder.events
        for what, count in sorted(events.left_out.items()):
            summary.leave(what, f"{label}: {count:,}", "only scalars are curves")
        if events.other_params:
            summary.leave("parameter", f"{label}: {events.other_params:,}", "it has no plain value, or had another one before")
        if events.unreadable:
            summary.leave("record", f"{label}: {events.unreadable:,}", "it is no event", refused=True)
        for name, file in sending.folder.files.items():
            where = f"{label}/{name}"
            if file.damaged:
                at = ", ".join(f"{place:,}" for place in file.places)
                summary.leave(
                    "record", f"{where}: {file.damaged:,}, at byte {at}", "it does not match its checksum", refused=True
                )
            if file.too_large:
                summary.leave("record", f"{where}: {file.too_large:,}", "it is too large for one that holds scalars")
            if file.stopped:
                summary.leave("file", where, f"nothing can be read from byte {file.offset:,} on: {file.stopped}", refused=True)
            elif file.broken_off and sending.state != "running":
                summary.note(f"{where} breaks off in the middle of a record, at byte {file.offset:,}.")


@contextlib.contextmanager
def alone_in(top: Path) -> Iterator[None]:
    """No other import of this folder runs on this machine: two would not know of each other what they have sent."""
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        yield
        return
    handle = os.open(top, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(f"Another import of {top} is under way; wait for its end, or stop it.") from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)


def passes(refusal: Refused) -> bool:
    """Too many requests, or a server that is being restarted: the same may be taken a little later."""
    return refusal.status == 429 or refusal.status >= 500
