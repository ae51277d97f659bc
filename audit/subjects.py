"""What entries are about, by the names that people use, each kind in one query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person, Team
from audit.models import IntegrityCheck, Report
from audit.wording import person_word
from data_registry.models import Dataset, DatasetVersion, Profile
from evaluations.models import EvaluationRun
from governance.models import Evidence, Policy, Release, Review, RiskAssessment
from models_registry.models import Inspection, RegisteredModel, Version
from monitoring.models import Alert
from tracking.models import TrainingRun

Names = dict[tuple[str, str], "Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """A subject as a page shows it."""

    label: str
    href: str = ""


def _rows(model: Any, *related: str) -> QuerySet:
    return model.objects.select_related(*related) if related else model.objects.all()


def _page(row: Any) -> str:
    return row.get_absolute_url()


def _of_version(address: str) -> Callable[[Any], str]:
    return lambda row: reverse(address, args=[row.version_id])


# kind: its word, its rows, the label of one, the page of one
_Kind = tuple[Any, Callable[[], QuerySet], Callable[[Any], str], Callable[[Any], str]]
KINDS: dict[str, _Kind] = {
    "model": (gettext_lazy("Model"), lambda: _rows(RegisteredModel), str, _page),
    "version": (gettext_lazy("Version"), lambda: _rows(Version, "model"), str, _page),
    "review": (gettext_lazy("Review"), lambda: _rows(Review, "version__model"), str, _page),
    "risk_assessment": (gettext_lazy("Risk assessment"), lambda: _rows(RiskAssessment, "model"), str, _page),
    "evidence": (gettext_lazy("Evidence"), lambda: _rows(Evidence, "model"), lambda row: f"{row.model}: {row.kind_words}", _page),
    "release": (gettext_lazy("Release"), lambda: _rows(Release, "version__model"), str, _of_version("models_registry:version")),
    "inspection": (
        gettext_lazy("Inspection"),
        lambda: _rows(Inspection, "version__model"),
        lambda row: _("Inspection of %(version)s") % {"version": row.version},
        _of_version("models_registry:evidence"),
    ),
    "evaluation": (
        gettext_lazy("Evaluation"),
        lambda: _rows(EvaluationRun, "version__model"),
        lambda row: _("Evaluation of %(version)s") % {"version": row.version},
        _of_version("evaluations:checks"),
    ),
    "alert": (
        gettext_lazy("Alert"),
        lambda: _rows(Alert, "version__model"),
        lambda row: _("Alert on %(version)s") % {"version": row.version},
        _of_version("monitoring:version"),
    ),
    "report": (gettext_lazy("Report"), lambda: _rows(Report, "version__model"), str, _page),
    "dataset": (gettext_lazy("Dataset"), lambda: _rows(Dataset), str, _page),
    "dataset_version": (gettext_lazy("Dataset version"), lambda: _rows(DatasetVersion, "dataset"), str, _page),
    "profile": (
        gettext_lazy("Profile"),
        lambda: _rows(Profile, "dataset_version__dataset"),
        lambda row: _("Profile of %(data)s") % {"data": row.dataset_version},
        lambda row: row.dataset_version.get_absolute_url(),
    ),
    "training_run": (gettext_lazy("Training run"), lambda: _rows(TrainingRun), str, _page),
    "policy": (gettext_lazy("Policy"), lambda: _rows(Policy), str, lambda row: ""),
    "person": (gettext_lazy("Person"), lambda: _rows(Person), person_word, lambda row: ""),
    "team": (gettext_lazy("Team"), lambda: _rows(Team), lambda row: row.name, lambda row: ""),
    "integrity_check": (
        gettext_lazy("Check of the log"),
        lambda: _rows(IntegrityCheck),
        lambda row: _("Check of the log"),
        lambda row: "",
    ),
}
# Fields of events that hold an id, and what it is the id of.
IDS = {
    "version_id": "version",
    "instead_of": "version",
    "by": "version",
    "to": "version",
    "model": "model",
    "review": "review",
    "alert": "alert",
    "dataset": "dataset",
    "dataset_version": "dataset_version",
    "to_version": "dataset_version",
    "owner": "person",
    "team": "team",
}


def names_of(subjects: Iterable[tuple[str, str]]) -> Names:
    """The names of (kind, id) pairs, in at most one query for each kind; what is not known any more is left out."""
    wanted: dict[str, set[UUID]] = {}
    for kind, key in subjects:
        if kind in KINDS and (parsed := uuid_of(key)):
            wanted.setdefault(kind, set()).add(parsed)
    return dict(_found(wanted))


def _found(wanted: dict[str, set[UUID]]) -> Iterator[tuple[tuple[str, str], Named]]:
    for kind, keys in wanted.items():
        _word, rows, label, page = KINDS[kind]
        for row in rows().filter(pk__in=keys):
            yield (kind, str(row.pk)), Named(str(label(row)), page(row))


def word_of(kind: str) -> str:
    """A kind of subject as people call it."""
    return str(KINDS[kind][0]) if kind in KINDS else kind.replace("_", " ").capitalize()


def uuid_of(text: str) -> UUID | None:
    """The id that a text of the log is; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
