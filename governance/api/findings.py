"""Findings: the register, one of them, and each step of the work on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from core.api import ApiView
from core.errors import InvalidInput
from data_registry.models import DatasetVersion
from governance import services
from governance.forms.findings import OUTSTANDING, FindingFilter
from governance.models import Finding
from governance.serializers import findings as shapes
from models_registry.models import RegisteredModel, Version

FILTERS = {"severity", "state", "overdue", "owner", "team", "model", "version", "dataset_version"}
PARAMETERS = [
    OpenApiParameter("severity", str, enum=Finding.Severity.values),
    OpenApiParameter("state", str, enum=[OUTSTANDING, *Finding.State.values], description="`outstanding`: not yet settled."),
    OpenApiParameter("overdue", str, enum=["yes"], description="Only those that are not settled and past their due date."),
    OpenApiParameter("owner", str, description="The id of a person, or `me`."),
    OpenApiParameter("team", UUID, description="The id of a team."),
    OpenApiParameter("model", str, description="The id of a model, or part of the name of a model or dataset."),
    OpenApiParameter("version", UUID),
    OpenApiParameter("dataset_version", UUID),
]


def narrowed(request: Request) -> Any:
    """The findings that the person sees and the query names; what cannot be read is refused."""
    form = FindingFilter(request.query_params, person=request.user)
    if not form.is_valid():
        name, wrong = next(iter(form.errors.items()))
        raise InvalidInput(f"{name}: {wrong[0]}", code="filter")
    return form.narrowed(Finding.objects.visible_to(request.user).with_parts())


def _finding(request: Request, pk: UUID) -> Finding:
    return get_object_or_404(Finding.objects.visible_to(request.user).with_parts(), pk=pk)


def _answer(finding: Finding, status: int = 200) -> Response:
    row = Finding.objects.with_parts().get(pk=finding.pk)
    return Response(shapes.FindingRow(row).data, status=status)


def _person(request: Request, pk: UUID | None) -> Person | None:
    if pk is None:
        return None
    found = Person.objects.visible_to(request.user).filter(pk=pk).first()
    if found is None:
        raise InvalidInput(_("There is no such person, or you may not see them."), code="owner")
    return found


class Findings(ApiView):
    write_scope = "govern"
    queries = FILTERS

    @extend_schema(
        tags=["governance"],
        parameters=PARAMETERS,
        responses=shapes.FindingRow(many=True),
        operation_id="findings_list",
    )
    def get(self, request: Request) -> Response:
        """The findings that you may see, newest first."""
        return self.page(narrowed(request), shapes.FindingRow, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.FindingRaising,
        responses={201: shapes.FindingRow},
        operation_id="findings_raise",
    )
    def post(self, request: Request) -> Response:
        """Raise a finding about exactly one of a version, a model and a dataset version. A critical one suspends its approval."""
        said = self.bind(shapes.FindingRaising, request)
        thing = _thing(request, said)
        owner = _person(request, said.pop("owner", None))
        return _answer(services.raise_finding(thing, by=request.user, owner=owner, **said), 201)


def _thing(request: Request, said: dict[str, Any]) -> RegisteredModel | Version | DatasetVersion:
    rows: dict[str, Any] = {
        "version": Version.objects.select_related("model__team", "model__owner", "training_run"),
        "model": RegisteredModel.objects.select_related("team", "owner"),
        "dataset_version": DatasetVersion.objects.select_related("dataset__team", "created_by"),
    }
    named = {name: said.pop(name) for name in rows if name in said}
    if len(named) != 1:
        raise InvalidInput(_("Name what it is about: one of version, model and dataset_version."), code="about")
    [(name, pk)] = named.items()
    return get_object_or_404(rows[name].visible_to(request.user), pk=pk)


class FindingDetail(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.FindingRow, operation_id="findings_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One finding."""
        return Response(shapes.FindingRow(_finding(request, pk)).data)

    @extend_schema(
        tags=["governance"], request=shapes.FindingRevision, responses=shapes.FindingRow, operation_id="findings_revise"
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change severity, due date or owner; by nobody who owns it or made what it is about."""
        finding = _finding(request, pk)
        said = self.bind(shapes.FindingRevision, request)
        owner = _person(request, said.pop("owner", None))
        given = {"severity": finding.severity, "due_on": finding.due_on} | said
        return _answer(services.revise_finding(finding, by=request.user, owner=owner, **given))


class FindingPlan(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=shapes.FindingPlan, responses=shapes.FindingRow, operation_id="findings_plan")
    def post(self, request: Request, pk: UUID) -> Response:
        """Say, as its owner, what will be done; the finding is in progress."""
        return _answer(services.plan_finding(_finding(request, pk), by=request.user, **self.bind(shapes.FindingPlan, request)))


class FindingMended(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=shapes.FindingDone, responses=shapes.FindingRow, operation_id="findings_mended")
    def post(self, request: Request, pk: UUID) -> Response:
        """Say, as its owner, what was done; the finding waits for its retest."""
        said = self.bind(shapes.FindingDone, request)
        return _answer(services.finding_is_mended(_finding(request, pk), by=request.user, **said))


class FindingRetest(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=shapes.FindingRetest, responses=shapes.FindingRow, operation_id="findings_retest")
    def post(self, request: Request, pk: UUID) -> Response:
        """Record what the retest came to: passed closes the finding, failed opens it again."""
        said = self.bind(shapes.FindingRetest, request)
        return _answer(services.retest_finding(_finding(request, pk), by=request.user, **said))
