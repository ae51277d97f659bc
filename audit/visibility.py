"""Who sees which entries of the log, and which of the private values behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from accounts.models import Membership, Person, Role
from accounts.visibility import teams_visible_to
from audit.models import Report
from audit.permissions import REPORTING_ROLES
from data_registry.models import Dataset, DatasetVersion, Profile
from evaluations.models import EvaluationRun
from governance.models import Evidence, Release, Review, RiskAssessment
from models_registry.models import Inspection, RegisteredModel, Version
from monitoring.models import Alert
from tracking.models import TrainingRun

if TYPE_CHECKING:
    from ledger.models import Entry

# What an entry can be about, beside the way from there to the team whose content it is.
OF_A_TEAM: dict[str, tuple[Any, str]] = {
    "model": (RegisteredModel, "team"),
    "version": (Version, "model__team"),
    "inspection": (Inspection, "version__model__team"),
    "evaluation": (EvaluationRun, "version__model__team"),
    "review": (Review, "version__model__team"),
    "risk_assessment": (RiskAssessment, "model__team"),
    "evidence": (Evidence, "model__team"),
    "release": (Release, "version__model__team"),
    "alert": (Alert, "version__model__team"),
    "report": (Report, "version__model__team"),
    "dataset": (Dataset, "team"),
    "dataset_version": (DatasetVersion, "dataset__team"),
    "profile": (Profile, "dataset_version__dataset__team"),
    "training_run": (TrainingRun, "team"),
}
OF_PEOPLE = ("person", "team", "key")  # what administrators look after


def ids_of(rows: QuerySet) -> QuerySet:
    """The keys of `rows` in the form in which the log names its subjects."""
    return rows.annotate(subject_key=Cast("pk", CharField())).values("subject_key")


def versions_reportable_by(person: Person) -> QuerySet[Version]:
    """The submitted versions of which `person` may have a report made: the list form of `can_request`."""
    mine = Membership.objects.filter(person=person, person__is_active=True, role__in=REPORTING_ROLES)
    here = mine.filter(Q(team=None) | Q(team=OuterRef("model__team")))
    submitted = Version.objects.visible_to(person).exclude(state=Version.State.DRAFT).exclude(checkpoint_digest="")
    return submitted.filter(Exists(here)).select_related("model")


def entries_opened_to(person: Person) -> Q | None:
    """Everything for an auditor of the whole site; else the content of one's teams, policies, and one's own acts."""
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return None
    if person.holds(Role.AUDITOR):
        return Q()
    teams = teams_visible_to(person)
    seen = Q(actor_kind="person", actor_id=str(person.pk)) | Q(subject_type="person", subject_id=str(person.pk))
    for kind, (model, team) in OF_A_TEAM.items():
        seen |= Q(subject_type=kind, subject_id__in=ids_of(model.objects.filter(**{f"{team}__in": teams})))
    held = Membership.objects.filter(person=person).exclude(role=Role.ADMINISTRATOR)
    seen |= Q(Exists(held), subject_type="policy")
    if person.holds(Role.ADMINISTRATOR):
        seen |= Q(subject_type__in=OF_PEOPLE)
    return seen


def may_read_private(person: Person, entry: Entry) -> bool:
    """Whether names, comments and reasons of an entry that `person` sees are shown, too.

    Those of a team's content are: its pages show them. Those about people are for auditors of the whole site and for the
    person; an administrator learns from the log who acted on what, not what somebody wrote.
    """
    if person.holds(Role.AUDITOR):
        return True
    if entry.actor_kind == "person" and entry.actor_id == str(person.pk):
        return True
    return entry.subject_type in OF_A_TEAM
