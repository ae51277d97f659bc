"""What a source holds comes in: which runs are wanted, parents before their children, several at once, each once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from countersign.importing.mlflow import facts
from countersign.importing.mlflow.records import Experiment, Head, NoRun, NotMLflow, Source, Unreadable
from countersign.importing.mlflow.sending import Sending
from countersign.importing.progress import Progress, Summary
from countersign.tracking import api
from countersign.transport import JSON, Refused, Transport, Unreachable

AT_ONCE = 4  # runs
FEW = 20  # for so few runs the team's list of runs is not fetched first
ARTIFACT_LIMIT = 1 << 30  # bytes of one artifact
COMPLETE = "the site has all of it already"


@dataclass(frozen=True)
class Choice:
    """What of the source is wanted."""

    experiments: frozenset[str] = frozenset()  # names; none: all
    since: int | None = None  # milliseconds since 1970: runs that started before it are left out
    artifacts: bool = True
    artifact_limit: int = ARTIFACT_LIMIT  # bytes

    @property
    def mark(self) -> str:
        return str(self.artifact_limit) if self.artifacts else "none"

    def covered_by(self, mark: str) -> bool:
        """Whether an import that left this mark had taken as much."""
        return not self.artifacts or (mark.isdecimal() and int(mark) >= self.artifact_limit)


class Import:
    """One import: where from, where to, and what has come of it."""

    def __init__(
        self,
        source: Source,
        connect: Callable[[], Transport],
        *,
        team: str,
        choice: Choice,
        summary: Summary,
        progress: Callable[[int], Progress],
    ) -> None:
        self._source, self._connect, self._team = source, connect, team
        self._choice, self._summary, self._progress = choice, summary, progress
        self._own = threading.local()
        self._sites: list[Transport] = []
        self._known: dict[str, JSON] = {}  # source -> run on the site, of earlier imports
        self._ids: dict[str, str] = {}  # run_id -> id of the run on the site

    def run(self) -> None:
        """Everything that is wanted stands on the site, or in the summary with a reason. Begun again, it goes on from there."""
        heads = self._wanted()
        if len(heads) > FEW:
            self._known = {one["source"]: one for one in api.runs(self._site(), team=self._team) if one["origin"] == "import"}
        self._make_experiments({head.experiment.id: head.experiment for head in heads}.values())
        bar = self._progress(len(heads))
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for level in levels(heads):
                    self._together(pool, level, bar)
        except Unreachable as error:
            raise Unreachable(
                f"{error} {bar.done:,} of {bar.total:,} runs were done: the same command goes on from there."
            ) from error
        finally:
            bar.close()
            for site in self._sites:
                site.close()
        self._name_models()

    def _name_models(self) -> None:
        try:
            models = self._source.models()
        except Unreadable as error:
            self._summary.note(f"Which models are registered cannot be read: {error}.")
            return
        if models:
            named = ", ".join(models[:8]) + (", …" if len(models) > 8 else "")
            self._summary.note(
                f"Registered models are not taken over ({len(models):,}: {named}); a version here begins with a run, "
                "from its page or with `countersign register`."
            )

    def _together(self, pool: ThreadPoolExecutor, heads: Sequence[Head], bar: Progress) -> None:
        waiting = [pool.submit(self._one, head, bar) for head in heads]
        try:
            for one in wait(waiting, return_when=FIRST_EXCEPTION).done:
                one.result()
        finally:
            for one in waiting:
                one.cancel()  # those that have not begun, where one failed or somebody pressed Ctrl-C

    def _wanted(self) -> list[Head]:
        found, named = [], set()
        for head in self._source.heads(only=self._choice.experiments):
            if isinstance(head, NoRun):
                self._summary.leave("run", head.name, head.why)
                named.add(head.name)
                continue
            named.add(head.experiment.name)
            if head.deleted:
                self._summary.leave("run", facts.label_of(head), "it was deleted in MLflow")
            elif self._choice.since is not None and (head.started or 0) < self._choice.since:
                self._summary.leave("run", facts.label_of(head), "it started before the day that --since names")
            else:
                found.append(head)
        if missing := self._choice.experiments - named:
            raise NotMLflow(f"{self._source.name} has no runs of an experiment named {', '.join(sorted(missing))}.")
        return found

    def _make_experiments(self, experiments: Iterable[Experiment]) -> None:
        """Those with tags: the others come into being with their first run."""
        tagged = {facts.experiment_name(one): tags for one in experiments if (tags := facts.tags_of_experiment(one))}
        there = {one["name"] for one in self._site().every("experiments/", team=self._team)} if tagged else set()
        for name, tags in tagged.items():
            if name not in there:
                try:
                    self._site().post("experiments/", {"team": self._team, "name": name, "tags": tags})
                except Refused as error:
                    self._summary.leave("experiment", name, str(error), refused=True)

    def _one(self, head: Head, bar: Progress) -> None:
        try:
            self._take(head)
        except (Unreadable, Refused) as error:
            self._summary.leave("run", facts.label_of(head), str(error), refused=True)
        except OSError as error:  # of this machine's files; the site's and the server's are told otherwise
            self._summary.leave("run", facts.label_of(head), f"it cannot be read ({error.strerror})", refused=True)
        finally:
            bar.advance()

    def _take(self, head: Head) -> None:
        known = self._known.get(facts.source_of(head))
        trace = self._source.trace(head)
        if known and self._complete(known, head, trace):
            self._ids[head.run_id] = known["id"]
            self._summary.leave("run", facts.label_of(head), COMPLETE)
            return
        parent = self._ids.get(head.parent, "")
        if head.parent and not parent:
            self._summary.leave("part of a run", facts.label_of(head), "its parent run is not among those that came in")
        sending = Sending(
            self._site(),
            self._source.load(head),
            team=self._team,
            parent=parent,
            mark=f"{trace} {self._choice.mark}",
            summary=self._summary,
        )
        sending.start(known)
        self._ids[head.run_id] = str(sending.there["id"])
        if not sending.new and self._complete(sending.there, head, trace):
            self._summary.leave("run", facts.label_of(head), COMPLETE)
            return
        sending.finish(self._source, artifacts=self._choice.artifacts, limit=self._choice.artifact_limit)

    def _complete(self, known: JSON, head: Head, trace: str) -> bool:
        """It ended as it did in MLflow, and nothing in MLflow has changed since an import that took as much was through."""
        mark = (known["tags"].get(facts.MARK, "") + "  ").split(" ")
        same = known["state"] == head.state != "running"
        return same and mark[0] == trace and self._choice.covered_by(mark[1])

    def _site(self) -> Transport:
        """One connection for each thread."""
        if not hasattr(self._own, "site"):
            self._own.site = self._connect()
            self._sites.append(self._own.site)
        return self._own.site  # type: ignore[no-any-return]  # a thread's own, which has no type


def levels(heads: Sequence[Head]) -> Iterator[list[Head]]:
    """Runs whose parents came before them, then those whose parents came in with these, and so on. Runs that are parents of
    each other in a circle come at the end."""
    here, done, rest = {head.run_id for head in heads}, set[str](), list(heads)
    while rest:
        ready = [head for head in rest if head.parent not in here or head.parent in done] or rest
        yield ready
        done |= {head.run_id for head in ready}
        rest = [head for head in rest if head.run_id not in done]
