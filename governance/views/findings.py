"""The register of findings, and one finding with what may be done about it now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Role
from core.decisions import Decision
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from data_registry.models import DatasetVersion
from governance import services
from governance.forms.findings import DoneForm, FindingFilter, PlanForm, RaiseForm, RetestForm, ReviseForm
from governance.models import Finding, RequirementException
from governance.permissions.findings import RAISERS, can_raise, can_retest, can_revise, can_work, team_of
from ledger.models import Entry
from models_registry.history import lines
from models_registry.models import RegisteredModel, Version

MOST_EVENTS = 100
State = Finding.State


@require_safe
def finding_list(request: HttpRequest) -> HttpResponse:
    """The findings that the person sees, with filters in the address."""
    form = FindingFilter(request.GET, person=request.user)
    rows = form.narrowed(Finding.objects.visible_to(request.user).with_parts())
    context = {
        "page": page_by_key(request, rows),
        "form": form,
        "filtered": any(request.GET.get(name) for name in form.fields),
        "query": shown_by(request, form.fields),
        "raises": any(request.user.holds_anywhere(role) for role in RAISERS)
        and not request.user.holds_anywhere(Role.ADMINISTRATOR),
    }
    return render(request, "governance/finding_list.html", context)


def shown_by(request: HttpRequest, names: Iterable[str]) -> str:
    """The part of the address that filters, without the place in the list."""
    return urlencode({name: request.GET[name] for name in names if request.GET.get(name)})


def _finding(request: HttpRequest, pk: UUID) -> Finding:
    return get_object_or_404(Finding.objects.visible_to(request.user).with_parts(), pk=pk)


@require_safe
def finding_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, _finding(request, pk))


def _page(request: HttpRequest, finding: Finding, bound: dict[str, Form] | None = None, *, status: int = 200) -> HttpResponse:
    steps = _steps(request, finding)
    for step in steps:
        step.form = (bound or {}).get(step.name, step.form)
    context = {
        "finding": finding,
        "steps": steps,
        "exceptions": RequirementException.objects.visible_to(request.user)
        .standing()
        .filter(kind="findings", subject=str(finding.pk))
        .with_parts(),
        "entries": lines(Entry.objects.about(finding).select_related("leaf").order_by("-subject_seq")[:MOST_EVENTS]),
    }
    return render(request, "governance/finding_detail.html", context, status=status)


@dataclass
class Step:
    """One thing that can be done in this state: its form for those who may, the reason for others."""

    name: str
    title: str
    button: str
    may: Decision
    form: Form

    @property
    def why_not(self) -> str:
        return self.may.reason


def _steps(request: HttpRequest, finding: Finding) -> list[Step]:
    person, state = request.user, finding.state
    steps = []
    if state in {State.OPEN, State.IN_PROGRESS}:
        may = can_work(person, finding)
        planned = PlanForm(auto_id="plan_%s", initial={"plan": finding.plan})
        steps.append(Step("plan", _("Plan"), _("Keep the plan"), may, planned))
        if may:
            steps.append(Step("mended", _("Ready for retest"), _("Ask for the retest"), may, DoneForm(auto_id="mended_%s")))
    if state == State.READY_FOR_RETEST:
        may = can_retest(person, finding)
        steps.append(Step("retest", _("Retest"), _("Record the retest"), may, RetestForm(auto_id="retest_%s")))
    if state != State.CLOSED and (may := can_revise(person, finding)):
        given = {"severity": finding.severity, "owner": finding.owner_id, "due_on": finding.due_on}
        form = ReviseForm(auto_id="revise_%s", initial=given, team=finding.team)
        steps.append(Step("revise", _("Severity, owner, due date"), _("Revise"), may, form))
    return steps


@require_http_methods(["GET", "HEAD", "POST"])
def raise_finding(request: HttpRequest) -> HttpResponse:
    """Raise a finding about the model, version or dataset version that the address names."""
    thing = _thing(request)
    team = team_of(thing)
    may = can_raise(request.user, team)
    if not may:
        raise PermissionDenied(may.reason)
    owner = thing.owner_id if isinstance(thing, RegisteredModel) else None
    owner = thing.model.owner_id if isinstance(thing, Version) else owner
    form = RaiseForm(request.POST or None, team=team, initial={"owner": owner})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                finding = services.raise_finding(thing, by=request.user, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The finding is raised."))
                return see_other(request, finding)
    return render(request, "governance/finding_form.html", {"form": form, "thing": thing}, status=status)


def _thing(request: HttpRequest) -> RegisteredModel | Version | DatasetVersion:
    kinds: dict[str, Any] = {
        "version": Version.objects.select_related("model__team", "model__owner", "training_run"),
        "model": RegisteredModel.objects.select_related("team", "owner"),
        "dataset_version": DatasetVersion.objects.select_related("dataset__team", "created_by"),
    }
    for name, rows in kinds.items():
        if given := request.GET.get(name):
            try:
                return get_object_or_404(rows.visible_to(request.user), pk=UUID(given))
            except ValueError as error:
                raise Http404 from error
    raise Http404


def _does(name: str, form: type[Form], service: Callable[..., Any], done: Any) -> Callable[..., HttpResponse]:
    """A view that takes one step; what is refused comes back on the finding's page with what was typed."""

    @require_POST
    def view(request: HttpRequest, pk: UUID) -> HttpResponse:
        finding = _finding(request, pk)
        more = {"team": finding.team} if form is ReviseForm else {}
        bound = form(request.POST, auto_id=f"{name}_%s", **more)
        status = 422
        if bound.is_valid():
            said = bound.said() if isinstance(bound, RetestForm) else bound.cleaned_data
            try:
                service(finding, by=request.user, **said)
            except DomainError as refusal:
                bound.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, str(done))
                return see_other(request, finding)
        return _page(request, _finding(request, pk), {name: bound}, status=status)

    return view


plan = _does("plan", PlanForm, services.plan_finding, gettext_lazy("The plan is kept."))
mended = _does("mended", DoneForm, services.finding_is_mended, gettext_lazy("The finding waits for its retest."))
retest = _does("retest", RetestForm, services.retest_finding, gettext_lazy("The retest is recorded."))
revise = _does("revise", ReviseForm, services.revise_finding, gettext_lazy("The finding is revised."))
