"""What a run is given beside the checkpoint and its test data: what the model learned from, and how the live version answered.

What cannot be had is said in a sentence that stands with the run; a check that needs it is then not run, never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core import blobs
from core.errors import Missing
from core.registry import Registry
from data_registry import locations
from data_registry.models import DatasetVersion
from evaluations.catalogue import catalogue
from evaluations.models import EvaluationRun
from models_registry.models import VersionData


@dataclass(frozen=True, slots=True)
class Other:
    """A further input of a run, named by digest, or the sentence that says why there is none."""

    digest: str = ""
    what: str = ""  # such as "digits v2"
    missing: str = ""
    data: DatasetVersion | None = None  # whose content it is, which may stay where it is

    def as_json(self) -> dict[str, str]:
        return {"missing": self.missing} if self.missing else {"digest": self.digest, "what": self.what}


# Higher packages say what they know: governance, which version is live. Each answers for one run.
OTHERS: Registry[Callable[[EvaluationRun], Other]] = Registry("further input of an evaluation")


def training_of(run: EvaluationRun) -> Other:
    """The data set that the version learned from, where it is one and in the form of the test data."""
    links = run.version.data.filter(use=VersionData.Use.TRAINING).select_related("dataset_version__dataset")
    named = [link.dataset_version for link in links]
    fitting = [one for one in named if one.format == run.dataset_version.format]
    if not named:
        return Other(missing=_("The version names no training data."))
    if not fitting:
        return Other(missing=_("The training data have another form than the test data, so they cannot be laid beside them."))
    largest = max(fitting, key=lambda one: one.size or 0)
    return Other(largest.digest, str(largest), data=largest)


@contextmanager
def laid_out(run: EvaluationRun, folder: Path) -> Iterator[tuple[dict[str, Path], dict[str, dict[str, str]]]]:
    """Private copies of the further inputs that the suite's checks ask for, and what is said of each of them."""
    files: dict[str, Path] = {}
    said: dict[str, dict[str, str]] = {}
    with ExitStack() as held:
        for name in sorted(_asked_for(run.suite.checks)):
            find = OTHERS.get(name)
            other = find(run) if find else Other(missing=_("This site does not provide it."))
            if not other.missing:
                try:
                    files[name] = held.enter_context(_copy(other, folder, name))
                except Missing as missing:
                    other = Other(missing=str(missing))
            said[name] = other.as_json()
        yield files, said


def _copy(other: Other, folder: Path, name: str) -> AbstractContextManager[Path]:
    if other.data is not None:
        return locations.local_copy(other.data, folder, name)
    return blobs.local_copy(other.digest, folder, name)


def _asked_for(checks: list[Mapping[str, Any]]) -> set[str]:
    known = catalogue()
    return {name for check in checks if check["name"] in known for name in known[check["name"]].others}
