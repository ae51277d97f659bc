"""How well a ranking model puts the rows of each query in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.checks.performance.part import NAME, Options, interval
from evaluations.engine.findings import Chart, Findings, bar_columns, counted, estimated, percent
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject
from measures.ranking import Ranked, ranked

MOST_ROWS = 20_000_000  # 24 bytes each are kept until the end, because a query's rows may lie anywhere


class Queries:
    """NDCG (whole and at each of `cuts`), mean reciprocal rank and mean average precision over the queries."""

    def __init__(self, subject: Subject, options: Options, *, cuts: Sequence[int]) -> None:
        if subject.group is None:
            raise NotRun("A ranking is measured query by query: name the column of the query as the group of the rows.")
        if subject.rows > MOST_ROWS:
            raise NotRun(f"A ranking of more than {MOST_ROWS:,} rows is not measured; take a sample of the queries.")
        self._subject, self._options, self._cuts = subject, options, tuple(cuts)
        self._kept: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]] = []

    def see(self, answers: Answers) -> None:
        queries = self._subject.groups_of(answers)
        assert queries is not None  # noqa: S101 - asked for when the check was made
        self._kept.append((answers.predicted.astype(np.float64), answers.targets, queries))

    def finish(self) -> Findings:
        scores, relevance, queries = (np.concatenate(each) for each in zip(*self._kept, strict=True))
        found = ranked(scores, relevance, queries, cuts=self._cuts)
        metrics = []
        for name, e in found.measured(confidence=self._options.confidence).items():
            base, _at, cut = name.partition("@")
            metrics.append(estimated(NAME, base, e, unit="proportion", label=cut))
        asked = found.without + found.reciprocal_rank.size
        left_out = "counted, left out of the means"
        metrics.append(counted(NAME, "queries_without_relevant", found.without, n=asked, method=left_out, unit="count"))
        return Findings(metrics, [self._bars(found, asked)])

    def _bars(self, found: Ranked, asked: int) -> Chart:
        rows = []
        for name, e in found.measured(confidence=self._options.confidence).items():
            base, _at, cut = name.partition("@")
            label = f"NDCG@{cut}" if cut else {"ndcg": "NDCG", "mrr": "Reciprocal rank", "map": "Average precision"}[base]
            rows.append({"label": label, "value": e.value, "low": e.low, "high": e.high, "n": e.n})
        whole = found.measured(confidence=self._options.confidence)["ndcg"]
        told = f"NDCG of the whole list is {percent(whole.value)} ({interval(whole)})" if whole.known else "nothing is known"
        description = (
            f"Means over {asked - found.without:,} queries that have a relevant row: {told}. "
            f"{found.without:,} of {asked:,} queries have none and are left out."
        )
        columns = bar_columns("Measure", "Mean over the queries", "Queries")
        more = {"unit": "proportion", "check": NAME, "x_title": "Mean over the queries", "y_title": "Measure"}
        return Chart("ranking", "Quality of the ranking", "bars", columns, rows, description, more)
