"""How a job ended, in one object: a code, a sentence for people, the evidence of the sandbox, the accepted outputs."""

from __future__ import annotations

import contextlib
import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox import results
from sandbox.child import RESULT
from sandbox.levels import Level, level_of, why_below
from sandbox.watch import Limits, Watched
from sandbox.workplace import Workplace

_LIMIT_SENTENCES = {
    "wall_limit": "The job was stopped at its time limit of {wall} seconds.",
    "cpu_limit": "The job was stopped at its limit of {cpu} seconds of processor time.",
    "memory_limit": "The job was stopped at its memory limit of {memory}.",
    "output_limit": "The job was stopped because it wrote more than its output limit ({output} of files, {log} of text).",
    "called_off": "The job was called off while it ran.",
}
_ENDING_OF_ERROR = {"memory": "memory_limit", "output": "output_limit"}


@dataclass(kw_only=True)
class Outcome:
    """How a job ended. As a context manager it removes the folder of outputs at the end."""

    ended: str  # finished | level | wall_limit | cpu_limit | memory_limit | output_limit | called_off | crashed
    sentence: str
    level: Level
    evidence: dict[str, Any]
    result: Any  # what the module's `main` returned, or None
    folder: Path
    peak_memory: int  # bytes
    seconds: float
    log: str = ""  # the last kilobytes of what the child printed; untrusted text
    place: Workplace | None = field(default=None, repr=False)  # keeps the folder locked while this object lives
    discarded: list[str] = field(default_factory=list)  # names of outputs that were no plain JSON or safetensors files

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.discard()

    def discard(self) -> None:
        """The folder of outputs is gone."""
        if self.place is not None:
            self.place.leave()


def outcome_of(seen: Watched, *, place: Workplace, limits: Limits, need: Level) -> Outcome:
    """What the parent makes of a child that is gone: nothing it left is believed beyond its form."""
    evidence = _evidence(seen)
    level = level_of(evidence)
    discarded = results.keep_acceptable(place.out)
    answer = _answer(place.out, limits)
    if limit := _limit(seen, answer):
        ended, sentence = limit, _limit_sentence(limit, limits)
    else:  # a limit wins over its consequences
        ended, sentence = _ending(seen, answer, shortfall=why_below(evidence, need) if level < need else "")
    peak = answer.get("peak_memory")
    return Outcome(
        ended=ended,
        sentence=sentence,
        level=level,
        evidence=evidence,
        result=answer.get("result") if ended == "finished" else None,
        folder=place.out,
        place=place,
        peak_memory=max(seen.peak_memory, peak if isinstance(peak, int) else 0),
        seconds=round(seen.seconds, 3),
        log=seen.log.decode(errors="replace"),
        discarded=discarded,
    )


def _answer(out: Path, limits: Limits) -> dict[str, Any]:
    """What the child wrote last, or nothing where there is none that could be accepted; the file is gone."""
    answer: Any = None
    with contextlib.suppress(OSError, ValueError):
        answer = results.read_json(out / RESULT, limit=limits.result + (1 << 16))
    (out / RESULT).unlink(missing_ok=True)
    return answer if isinstance(answer, dict) else {}


def _error(answer: dict[str, Any]) -> dict[str, Any]:
    error = answer.get("error")
    return error if isinstance(error, dict) else {}


def _limit(seen: Watched, answer: dict[str, Any]) -> str:
    """The limit that ended the job, or nothing."""
    if seen.ended:
        return seen.ended
    if _signal_of(seen.returncode) == signal.SIGXCPU:
        return "cpu_limit"
    return _ENDING_OF_ERROR.get(str(_error(answer).get("kind")), "")


def _limit_sentence(limit: str, limits: Limits) -> str:
    return _LIMIT_SENTENCES[limit].format(
        wall=f"{limits.wall:g}",
        cpu=limits.cpu,
        memory=_size(limits.memory),
        output=_size(limits.output),
        log=_size(limits.log),
    )


def _ending(seen: Watched, answer: dict[str, Any], *, shortfall: str) -> tuple[str, str]:
    """What happened where no limit was reached, as a code and as one sentence."""
    if not seen.evidence:
        said = seen.log.decode(errors="replace").strip().splitlines()
        return "crashed", "The sandbox could not be set up: " + (said[-1][:300] if said else _death(seen.returncode)) + "."
    if shortfall:
        return "level", shortfall
    if error := _error(answer):
        return "crashed", f"The job stopped with {error.get('type')}: {str(error.get('text'))[:300]}"
    if seen.returncode or "result" not in answer:
        return "crashed", f"The job ended without a result: {_death(seen.returncode)}."
    return "finished", "The job finished."


def _size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 1 << 30 else f"{count / 2**20:.3g} MiB"


def _signal_of(returncode: int) -> int:
    """The signal that ended the child; bubblewrap passes it on as 128 + signal."""
    return -returncode if returncode < 0 else returncode - 128 if returncode > 128 else 0


def _death(returncode: int) -> str:
    number = _signal_of(returncode)
    try:
        return f"signal {signal.Signals(number).name}" if number else f"exit code {returncode}"
    except ValueError:
        return f"exit code {returncode}"


def _evidence(seen: Watched) -> dict[str, Any]:
    """The first line that the child sent. It was written before any untrusted byte was read."""
    try:
        evidence = json.loads(seen.evidence.split(b"\n", 1)[0])
    except ValueError:
        evidence = {}
    return evidence if isinstance(evidence, dict) else {}
