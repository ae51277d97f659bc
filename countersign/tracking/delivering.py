"""Carries the lines of a spool to the site, in order, each until the site has answered for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from countersign.client import Client
from countersign.settings import NotSignedIn
from countersign.tracking import api
from countersign.tracking.spool import Spool
from countersign.transport import JSON, Refused, Transport, Unreachable

SECONDS = 20.0  # for one answer
_FOR_GOOD = {400, 409, 410, 411, 413, 414, 415, 422, 431}  # of a line: sent again, it would be refused again


class Later(Exception):
    """Not now: the site does not answer, or refuses in a way that people can mend. The line is kept; the message says why."""

    def __init__(self, why: str, *, soon: bool) -> None:
        self.soon = soon  # whether trying again within seconds makes sense
        super().__init__(why)


class Delivery:
    """One spool's way to one site. `run` is the run's id once the site has said it."""

    def __init__(self, site: Callable[[], Transport], tell: Callable[[str], None]) -> None:
        self._connect, self.tell = site, tell
        self._site: Transport | None = None
        self.run = self.writer = self._team = ""
        self.refused = 0  # lines that the site refused for good

    @property
    def site(self) -> Transport:
        if self._site is None:
            self._site = self._connect()
        return self._site

    @property
    def url(self) -> str:
        """The run's page."""
        return f"{self.site.settings.url}/runs/{self.run}/"

    def close(self) -> None:
        if self._site is not None:
            self._site.close()

    def next(self, spool: Spool) -> bool:
        """Send the oldest line and take it out; False where there is none. Raises `Later`, and then nothing was taken out."""
        line = spool.first()
        if line is None:
            return False
        try:
            self._send(line, spool)
        except Refused as refusal:
            if line["kind"] == "start" or refusal.status not in _FOR_GOOD:
                raise _later(refusal) from refusal
            self._set_aside(line, str(refusal), spool)
        except (OSError, ValueError) as error:  # of the line itself: a file that is gone, a path that is none
            if line["kind"] == "start":
                raise _later(error) from error
            self._set_aside(line, str(error), spool)
        except (Unreachable, NotSignedIn, KeyError, TypeError) as error:
            raise _later(error) from error
        spool.take()
        return True

    def begin(self, line: JSON) -> None:
        """The run exists at the site, and `run` is its id. Done twice, it is the same run."""
        self.writer = line["writer"]
        if line.get("run"):  # joined: somebody else has started it
            api.log(self.site, line["run"])
            self.run = line["run"]
            return
        facts = dict(line["facts"])
        named = facts.pop("team", "")
        self._team = self._team or api.team_id(self.site, named)
        self.run = str(api.start_run(self.site, team=self._team, origin="sdk", source=self.writer, **facts)["id"])

    def heartbeat(self) -> None:
        """The run is still alive, although it has nothing to say."""
        try:
            api.log(self.site, self.run)
        except (Refused, Unreachable) as error:
            raise _later(error) from error

    def _send(self, line: JSON, spool: Spool) -> None:
        kind = line["kind"]
        if kind == "start":
            self.begin(line)
        elif kind == "log":
            facts = line["facts"]
            if "data" in facts:
                facts = {**facts, "data": [self._known(one) for one in facts["data"]]}
            api.log(self.site, self.run, batch=(self.writer, line["number"]), **facts)
        elif kind == "artifact":
            self._send_file(line, spool)
        elif kind == "end":
            api.end_run(self.site, self.run, **line["facts"])
        # a kind that a later version writes is left out: what it cannot say, it cannot send

    def _send_file(self, line: JSON, spool: Spool) -> None:
        copy, file = spool.copy_of(line["number"]), Path(line["file"])
        if copy.exists():
            file = copy
        elif not file.is_file():
            raise FileNotFoundError(f"{file} was gone before it could be sent")
        elif (file.stat().st_size, file.stat().st_mtime_ns) != (line["size"], line["changed"]):
            self.tell(f"{file} was changed after it was logged; what is there now is sent as {line['path']}.")
        api.send_artifact(self.site, self.run, line["path"], file)

    def _known(self, data: JSON) -> JSON:
        """Data named by the id of a registered version, with that version's name and digest."""
        if data.get("source_type") != "countersign" or data.get("digest"):
            return data
        try:
            version = self.site.get(f"dataset-versions/{quote(data['source'], safe='')}/")
        except Refused as refusal:
            if refusal.status != 404:
                raise
            raise ValueError(f"There is no dataset version {data['source']}, or you may not see it.") from refusal
        return {**data, "digest": version.get("digest") or "", "name": data["name"] or version.get("name") or data["source"]}

    def _set_aside(self, line: JSON, why: str, spool: Spool) -> None:
        self.refused += 1
        spool.set_aside(line, why)
        what = {"log": "a part of what was reported", "artifact": f"the artifact {line.get('path')}", "end": "the end of the run"}
        self.tell(f"The site does not take {what.get(line['kind'], 'a line')}: {why} It is kept in {spool.folder}.")


def _later(error: Exception) -> Later:
    if isinstance(error, Refused):
        return Later(str(error), soon=error.status >= 500 or error.status in {408, 425, 429})
    if isinstance(error, KeyError | TypeError):
        return Later("The site answers in another form than this version of countersign knows; update one of them.", soon=False)
    return Later(str(error), soon=isinstance(error, Unreachable))


def signed_in() -> Transport:
    """The site of the environment or of `countersign login`."""
    return Client(timeout=SECONDS)
