"""The data that the model was trained on, where the job brings them: read as the data of the evaluation are, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator

from evaluations.engine.data import Chunk, Data, open_data
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.subject import Subject

TRAINING = "training"


def training_of(subject: Subject) -> Data:
    """The training data. Raises NotRun where there are none, or where they cannot be read."""
    path = subject.others.get(TRAINING)
    if path is None:
        raise NotRun("The training data are not known to the version, so the two cannot be held against each other.")
    try:
        return open_data(path, task=subject.kind, reading=subject.reading)
    except CannotMeasure as refusal:
        raise NotRun(f"The training data cannot be read: {refusal}") from refusal


def chunks_of(data: Data, *, shape: tuple[int, ...]) -> Iterator[Chunk]:
    """The chunks, if their rows have the shape that is measured. Raises NotRun."""
    try:
        for chunk in data.chunks():
            if tuple(chunk.inputs.shape[1:]) != shape:
                raise NotRun(
                    f"Rows of the training data have the shape {list(chunk.inputs.shape[1:])} and those of the evaluation "
                    f"{list(shape)}, so the two cannot be held against each other."
                )
            yield chunk
    except CannotMeasure as refusal:
        raise NotRun(f"The training data cannot be read: {refusal}") from refusal
