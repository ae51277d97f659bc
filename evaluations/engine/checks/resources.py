"""What the model costs to run here: time of a batch, rows a second, parameters, bytes, memory. The only numbers that differ
from run to run."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
import torch

from evaluations.engine import memory
from evaluations.engine.findings import Findings, Metric, counted, estimated
from evaluations.engine.inference import Answers, dtype_of, ready
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import TASKS
from measures.estimate import CONFIDENCE, Estimate
from measures.quantiles import percentile

NAME = "resources"
FEWEST = 20  # timed batches, however slow the model
WARM_UP = 3


class Resources:
    """Times the first rows of the data again and again: up to `batches` times, for at most about `seconds`."""

    TASKS: ClassVar = frozenset(TASKS)

    def __init__(self, subject: Subject, *, batches: int = 400, seconds: float = 10.0, confidence: float = CONFIDENCE) -> None:
        self._subject, self._batches, self._seconds, self._confidence = subject, max(1, batches), seconds, confidence
        self._sample: torch.Tensor | None = None
        self._started = memory.start_peak()
        self._peak = (0, "not read")

    def see(self, answers: Answers) -> None:
        if self._sample is None:
            self._sample = ready(answers.inputs[: self._subject.batch].clone(), dtype_of(self._subject.model))
        if answers.first_row + len(answers.targets) == self._subject.rows:  # the pass is over: what follows is not the model's
            self._peak = memory.peak_since(self._started)

    def finish(self) -> Findings:
        assert self._sample is not None  # noqa: S101 - data without rows is refused before any check is made
        peak, how = self._peak
        times = self._timed(self._sample)
        rows = len(self._sample)
        metrics: list[Metric] = []
        for name, q in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
            e = percentile(times, q, confidence=self._confidence)
            metrics.append(estimated(NAME, name, _named(e, f"order statistics, {rows:,} rows a batch"), unit="seconds"))
            if q == 0.5:
                metrics.append(estimated(NAME, "throughput", _rate(e, rows, float(times.max())), unit="rows/s"))
        parameters, size = _weights(self._subject.model)
        metrics += [
            counted(NAME, "parameters", parameters, n=1, method="counted", unit="parameters"),
            counted(NAME, "weight_bytes", size, n=1, method="counted, shared storage once", unit="bytes"),
            counted(NAME, "peak_memory", peak, n=1, method=how, unit="bytes"),
        ]
        facts = {
            "batch": rows,
            "timed_batches": len(times),
            "threads": torch.get_num_threads(),
            "parameters": parameters,
            "weight_bytes": size,
            "peak_memory": peak,
            "peak_memory_how": how,
        }
        return Findings(metrics=metrics, facts={"resources": facts})

    def _timed(self, sample: torch.Tensor) -> np.ndarray:
        model = self._subject.model
        times: list[float] = []
        with torch.inference_mode():
            for _ in range(WARM_UP):
                model(sample)
            begin = time.perf_counter()
            while len(times) < self._batches and (len(times) < FEWEST or time.perf_counter() - begin < self._seconds):
                start = time.perf_counter()
                model(sample)
                times.append(time.perf_counter() - start)
        return np.array(times)


def _named(e: Estimate, method: str) -> Estimate:
    return Estimate(e.value, e.low, e.high, e.n, e.confidence, method)


def _rate(median: Estimate, rows: int, slowest: float) -> Estimate:
    """Rows a second at the median time of a batch; the bounds change places."""
    low = None if median.high is None else rows / median.high
    high = rows / median.low if median.low else None
    return Estimate(rows / median.value, low, high, median.n, median.confidence, f"at the median time, {rows:,} rows a batch")


def _weights(model: torch.nn.Module) -> tuple[int, int]:
    """Parameters, and the bytes of parameters and buffers with shared storage counted once."""
    storages: dict[int, int] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
    return sum(p.numel() for p in model.parameters()), sum(storages.values())
