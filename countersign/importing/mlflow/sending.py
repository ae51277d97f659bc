"""One run of MLflow stands on the site as it stood there: started once, its points added where they are missing, ended last.

Because the end comes last, a run that broke off half-way is seen by having none; what it has is asked, and only the rest is sent.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from countersign.importing.mlflow import facts, fitting
from countersign.importing.mlflow.records import NoArtifact, Points, Run, Source, Unreadable
from countersign.importing.progress import Summary
from countersign.tracking import api
from countersign.transport import JSON, Refused, Transport, Unreachable, digest_of

TRIES = 3
Answer = TypeVar("Answer")


class Sending:
    """What is sent of one run. `mark` says what will have been taken of it."""

    def __init__(self, site: Transport, run: Run, *, team: str, parent: str, mark: str, summary: Summary) -> None:
        self._site, self._head, self._summary = site, run.head, summary
        self._team, self._parent = team, parent
        self._writer, self._number = str(uuid.uuid4()), 0
        self._label = facts.label_of(run.head)
        notes = list(run.notes)
        self._facts = facts.body_of(run, mark=f"{mark} {self._writer}", notes=notes)
        self._data = fitting.data(run.data, notes=notes)
        self._series = fitting.series(run.series, notes=notes)
        for note in notes:
            summary.leave("part of a run", self._label, note)
        self.there: JSON = {}  # the run as the site has it, after `start`
        self.new = False

    def start(self, known: JSON | None) -> None:
        """The run stands on the site; `known` is what its list had of it."""
        if known is not None:
            self.there = self._again(api.run, self._site, known["id"])
            return
        first = next(fitting.batches(self._series), None)
        self.there = self._again(self._begin, first.series if first else [])
        self.new = self.there["tags"].get(facts.MARK) == self._facts["tags"][facts.MARK]
        if self.new:
            self._summary.take(runs=1, points=first.points if first else 0)

    def finish(self, source: Source, *, artifacts: bool, limit: int) -> None:
        """It has everything that the source holds."""
        pk = str(self.there["id"])
        batches = list(fitting.batches(self._series))[1:] if self.new else list(fitting.batches(self._missing()))
        for batch in batches:
            self._log(pk, series=batch.series)
            self._summary.take(points=batch.points)
        if artifacts:
            self._artifacts(pk, source, limit=limit)
        if not self.new:
            self._summary.take(runs_updated=1)
            self._log(pk, data=self._data, **self._facts)
        elif self._data:
            self._log(pk, data=self._data)
        self._end(pk)

    def _begin(self, series: list[JSON]) -> JSON:
        return api.start_run(
            self._site,
            team=self._team,
            name=facts.name_of(self._head),
            experiment=facts.experiment_name(self._head.experiment),
            parent=self._parent,
            origin="import",
            source=facts.source_of(self._head),
            started_at=facts.moment_of(self._head.started),
            series=series,
            **self._facts,
        )

    def _log(self, pk: str, **what: Any) -> None:
        self._number += 1
        self._again(api.log, self._site, pk, batch=(self._writer, self._number), **what)

    def _end(self, pk: str) -> None:
        if self._head.state != "running":
            ended = facts.moment_of(max(self._head.ended or 0, self._head.started or 0) or None)
            self._again(api.end_run, self._site, pk, state=self._head.state, ended_at=ended)

    def _missing(self) -> dict[str, Points]:
        """Points that the site does not have. As many of one metric are the same ones: MLflow changes none."""
        counts = {one["name"]: one["count"] for one in self.there["series"]}
        found = {}
        for name, points in self._series.items():
            if not counts.get(name):
                found[name] = points
            elif counts[name] != len(points):
                (have,) = self._again(api.series, self._site, self.there["id"], name=name)["series"]
                found[name] = without(points, Points(*api.points(have)))
        return {name: points for name, points in found.items() if len(points)}

    def _artifacts(self, pk: str, source: Source, *, limit: int) -> None:
        have: Mapping[str, str] = {}
        if not self.new:
            have = {one["path"]: one["digest"] for one in self._again(lambda: list(api.artifacts(self._site, pk)))}
        for one in source.artifacts(self._head):
            name = f"{one.path} of {self._label}"
            if isinstance(one, NoArtifact):
                self._summary.leave("artifact", name, one.why)
                continue
            try:
                with one.file(limit) as file:
                    if have.get(one.path) != digest_of(file):
                        self._again(api.send_artifact, self._site, pk, one.path, file)
                        self._summary.take(artifacts=1)
            except Unreadable as error:
                self._summary.leave("artifact", name, str(error))
            except OSError as error:
                self._summary.leave("artifact", name, f"it cannot be read ({error.strerror})", refused=True)
            except (Refused, ValueError) as error:
                self._summary.leave("artifact", name, str(error), refused=True)

    def _again(self, call: Callable[..., Answer], *what: Any, **more: Any) -> Answer:
        """What is sent may be sent again: a start knows its source, a batch its number, an end and an artifact change nothing."""
        for number in range(1, TRIES):
            try:
                return call(*what, **more)
            except Unreachable:
                time.sleep(number)
        return call(*what, **more)


def without(points: Points, have: Points) -> Points:
    """`points` less those that are in `have`, each as often as it is there."""
    left = Counter((step, at, repr(value)) for step, value, at in have.rows())  # as text: NaN equals nothing
    rest = Points.empty()
    for step, value, at in points.rows():
        key = (step, at, repr(value))
        if left[key]:
            left[key] -= 1
        else:
            rest.add(step=step, value=value, time=at)
    return rest
