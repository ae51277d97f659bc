"""What an id or a name of a client means in its team; what it may not see does not exist."""

from __future__ import annotations

from typing import NoReturn

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core.errors import Missing
from models_registry.mlflow.operations import Asked
from models_registry.mlflow.places import identity
from models_registry.models import RegisteredModel, Version
from tracking.models import Experiment, LoggedModel, TrainingRun
from tracking.services.experiments import DEFAULT

FIRST = "0"  # the experiment of a client that chose none


def experiment(asked: Asked, pk: str) -> Experiment:
    rows = Experiment.objects.filter(team=asked.team)
    found = rows.filter(name=DEFAULT) if pk == FIRST else rows.filter(pk=identity(pk, what=_("experiment")))
    return found.select_related("team").first() or refuse(_("experiment"), pk)


def experiments(asked: Asked, pks: list[str]) -> QuerySet[Experiment]:
    """Those of these ids that there are."""
    known = Q(pk__in=[identity(pk, what=_("experiment")) for pk in pks if pk != FIRST])
    return Experiment.objects.filter(known | Q(name=DEFAULT) if FIRST in pks else known, team=asked.team)


def run(asked: Asked, pk: str) -> TrainingRun:
    rows = TrainingRun.objects.filter(team=asked.team).select_related("team")
    return rows.filter(pk=identity(pk, what=_("run"))).first() or refuse(_("run"), pk)


def logged_model(asked: Asked, pk: str, *, hidden: bool = False) -> LoggedModel:
    rows = LoggedModel.objects.filter(team=asked.team).select_related("team")
    found = rows.filter(pk=identity(pk, what=_("logged model"))).first()
    if found is None or (found.hidden_at and not hidden):
        refuse(_("logged model"), pk)
    return found


def model(asked: Asked, name: str) -> RegisteredModel:
    found = RegisteredModel.objects.filter(team=asked.team, name=name).select_related("team", "owner").first()
    if found is None:
        raise Missing(
            _("The team %(team)s has no registered model %(name)s, or you may not see it.")
            % {"team": asked.team.slug, "name": name[:80]}
        )
    return found


def version(asked: Asked, name: str, number: str) -> Version:
    """A version that was withdrawn is gone for MLflow's client, as one that was deleted would be."""
    rows = Version.objects.filter(model=model(asked, name)).exclude(state=Version.State.WITHDRAWN)
    digits = number.isascii() and number.isdigit() and len(number) <= 9
    found = rows.filter(number=int(number)).select_related("model__team", "created_by").first() if digits else None
    if found is None:
        raise Missing(_("There is no version %(number)s of %(name)s.") % {"number": number[:20], "name": name[:80]})
    return found


def refuse(what: str, pk: str) -> NoReturn:
    raise Missing(_("There is no %(what)s with id=%(id)s, or you may not see it.") % {"what": what, "id": pk[:80]})
