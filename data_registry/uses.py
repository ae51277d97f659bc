"""Who uses a dataset version: packages above say it here, because they know this one and not the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from accounts.models import Person
from core.registry import Registry
from data_registry.models import DatasetVersion


@dataclass(frozen=True, slots=True)
class Use:
    label: str  # such as "digit-reader v3"
    url: str
    purpose: str  # such as "training", in the reader's language


# Names of what learned from exactly these bytes: such data hold nothing out. Not bounded by sight; one name is said.
LEARNED_FROM: Registry[Callable[[DatasetVersion], Iterable[str]]] = Registry("what learned from dataset versions")
# Called with a version and the reader; answers only with what the reader may see, in a constant number of queries.
USES: Registry[Callable[[DatasetVersion, Person], Iterable[Use]]] = Registry("use of dataset versions")
