"""How a run begins: whose it is, where it is kept until it is sent, and what the machine says of itself."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.capturing import capture as captured
from countersign.capturing.seeds import seeds
from countersign.tracking import values
from countersign.tracking.delivering import Delivery, signed_in
from countersign.tracking.running import Run
from countersign.tracking.spool import Spool
from countersign.transport import JSON, Transport

NAME = 200  # characters
FIRST_ANSWER = 10.0  # seconds that a run inside another one waits for the id of that one
_RANKS = ("RANK", "LOCAL_RANK")  # set for each process by torchrun, and by Lightning for those that it starts


def start_run(
    name: str = "",
    *,
    team: str = "",
    experiment: str = "",
    params: Any = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | str | None = None,
    capture: bool = True,
    strict: bool = False,
    client: Transport | None = None,
) -> Run:
    """A run that is reported while it trains. `team` may be left out by who sees only one.

    Whether the site answers or not, this returns at once, and what is reported is kept until it has arrived. Only wrong arguments
    raise; with `strict`, so does a site that does not answer or refuses. Code and environment are captured unless `capture`
    is false. COUNTERSIGN_RUN joins a run that there is; COUNTERSIGN_OFFLINE names a folder that everything is written to instead.
    """
    facts = _checked(name, team, experiment, params, tags)
    if _rank() != 0:
        return Run(facts["name"])  # one process reports for all of them
    joined, offline = os.environ.get("COUNTERSIGN_RUN", ""), os.environ.get("COUNTERSIGN_OFFLINE", "")
    warnings: list[str] = []
    if isinstance(parent, Run):
        parent.asked(FIRST_ANSWER)
        if parent.id is None and not parent.is_silent:
            warnings.append(
                f"{parent.called} is not known to the site yet: {name or 'the new run'} stands beside it, not inside."
            )
        parent = parent.id
    writer = str(uuid.uuid4())
    begun = {**facts, "parent": parent or "", "started_at": datetime.now(UTC).isoformat()}
    start: JSON = {"writer": writer, "run": joined, "facts": {} if joined else begun}
    delivery = None if offline else Delivery((lambda: client) if client else signed_in, warnings.append)
    try:
        spool = _spool(Path(offline) if offline else None, start)
    except OSError as error:
        if strict:
            raise
        silent = Run(facts["name"])
        silent.warn(f"Nothing can be written to keep what is reported ({error}): the run {facts['name']!r} is not reported.")
        return silent
    run = Run(facts["name"], spool=spool, delivery=delivery, joined=bool(joined))
    for sentence in warnings:
        run.warn(sentence)
    if delivery:
        delivery.tell = run.warn
        if strict:
            _begin_now(delivery, spool, start)
    run.begin()
    if joined:
        run.log_params(facts["params"])
        run.set_tags(facts["tags"])
    if capture:
        _capture(run)
    return run


def _begin_now(delivery: Delivery, spool: Spool, start: JSON) -> None:
    try:
        delivery.begin(start)
    except BaseException:
        spool.remove()
        raise
    spool.take()


def _checked(name: str, team: str, experiment: str, params: Any, tags: Any) -> JSON:
    """The arguments as they are sent; `TypeError` and `ValueError` for what cannot be meant."""
    for what, text, most in (("name", name, NAME), ("team", team, NAME), ("experiment", experiment, NAME)):
        if not isinstance(text, str):
            raise TypeError(f"The {what} is a text, not a {type(text).__name__}.")
        if len(text) > most or not text.isprintable():
            raise ValueError(f"The {what} has at most {most} printable characters.")
    if params is not None and values.inside(params) is None:
        raise TypeError(f"The params are a mapping of names and values, not a {type(params).__name__}.")
    if tags is not None and not isinstance(tags, Mapping):
        raise TypeError(f"The tags are a mapping of names and texts, not a {type(tags).__name__}.")
    return {
        "name": name.strip() or Path(sys.argv[0] if sys.argv else "").stem or "run",
        "team": team.strip(),
        "experiment": experiment.strip(),
        "params": values.parameters(params or {}),
        "tags": values.tags(tags or {}),
    }


def _rank() -> int:
    """This process's number among those that train together; 0 for one alone."""
    distributed = sys.modules.get("torch.distributed")
    try:
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            return int(distributed.get_rank())
        return max(int(os.environ.get(name) or 0) for name in _RANKS)
    except (ValueError, RuntimeError):
        return 0


def _spool(offline: Path | None, start: JSON) -> Spool:
    """In the folder that was named, else where this person's programs keep their state, else in a temporary one."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{start['writer'][:8]}"
    if offline is not None:
        return Spool.make(offline.absolute() / name, start)
    try:
        return Spool.make(state_folder() / name, start)
    except (OSError, RuntimeError):  # no home folder, or one that cannot be written
        return Spool.make(Path(tempfile.mkdtemp(prefix="countersign-")) / name, start)


def state_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "countersign" / "runs"


def _capture(run: Run) -> None:
    """Code, environment and hardware, without asking and beside the training; the seeds at once, before they are drawn from."""
    try:
        folder, seeded = Path.cwd(), seeds()
    except Exception as error:  # the folder is gone, or a library is in a state that nobody foresaw
        run.warn(f"The seeds are not captured ({type(error).__name__}: {error}).")
        folder, seeded = None, {}
    run.log_training(seeds=seeded)

    def find() -> JSON:
        found = captured(folder)
        for note in found.notes:
            run.warn(note)
        for number, file in enumerate(found.files, start=1):
            run.keep(file.path, file.content, name=f"captured-{number}")
        return {kind: facts for kind, facts in found.facts().items() if kind != "training"}

    run.look_up("what is known of code and environment", find)
