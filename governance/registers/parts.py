"""What the registers add to other pages: how many findings are open about a thing, and what of them waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from data_registry import parts as data_parts
from governance.models import Finding, RequirementException
from governance.permissions.exceptions import can_request, exceptions_to_decide
from governance.permissions.findings import can_raise, team_of
from models_registry.models import Version
from models_registry.parts import Part

if TYPE_CHECKING:
    from accounts.models import Person
    from data_registry.models import DatasetVersion
    from governance.models.exception import ExceptionQuerySet
    from governance.models.finding import FindingQuerySet
    from models_registry.models import RegisteredModel

MOST = 20  # rows of one section of the inbox


def of_version(request: HttpRequest, version: Version) -> list[Part]:
    """With its exceptions, and the way to ask for one where somebody may."""
    context = _standing(request, version, Finding.objects.concerning(version))
    context["exceptions"] = list(exceptions_of(version).with_parts().order_by("-pk")[:MOST])
    if version.state in {Version.State.IN_REVIEW, *Version.APPROVED} and can_request(request.user, version.model.team):
        context["ask"] = reverse("governance:request_exception", args=[version.pk])
    return [Part("more", "governance/part_registers.html", context)]


def of_model(request: HttpRequest, model: RegisteredModel) -> list[Part]:
    """With the findings of its versions."""
    return [Part("body", "governance/part_registers.html", _standing(request, model, Finding.objects.filter(model=model)))]


def of_data(request: HttpRequest, version: DatasetVersion) -> list[data_parts.Part]:
    rows = Finding.objects.filter(dataset_version=version)
    return [data_parts.Part("governance/part_registers.html", _standing(request, version, rows))]


def exceptions_of(version: Version) -> ExceptionQuerySet:
    """Those of the version and those of its whole model."""
    return RequirementException.objects.filter(Q(version=version) | Q(version=None, model=version.model_id))


def exceptions_in_inbox(request: HttpRequest) -> list[dict[str, Any]]:
    rows = exceptions_to_decide(request.user)
    return [{"template": "governance/inbox_exceptions.html", "rows": rows[:MOST], "more": len(rows) > MOST}] if rows else []


def _standing(request: HttpRequest, thing: Any, rows: FindingQuerySet) -> dict[str, Any]:
    visible = rows.visible_to(request.user)
    named = urlencode({thing.ledger_label: thing.pk})
    worst = list(visible.outstanding().with_parts().order_by("due_on", "pk")[: MOST + 1])
    return {
        "findings": worst[:MOST],
        "more": len(worst) > MOST,
        "all": f"{reverse('governance:findings')}?{named}",
        "raise": f"{reverse('governance:raise_finding')}?{named}" if can_raise(request.user, team_of(thing)) else "",
    }


def _mine(person: Person) -> FindingQuerySet:
    visible = Finding.objects.visible_to(person)
    return visible.owned_by(person) | visible.retestable_by(person)


def waiting(person: Person) -> int:
    """Findings that the person has to mend, or may test again."""
    return _mine(person).count()


def inbox(request: HttpRequest) -> list[dict[str, Any]]:
    rows = list(_mine(request.user).with_parts().order_by("due_on", "pk")[: MOST + 1])
    if not rows:
        return []
    section = {"template": "governance/inbox_findings.html", "rows": rows[:MOST], "more": len(rows) > MOST, "most": MOST}
    return [section]
