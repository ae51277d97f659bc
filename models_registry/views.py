"""The pages of models and versions. What others add (checks, decisions, monitoring) comes through models_registry.parts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Role
from accounts.visibility import teams_visible_to
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from data_registry.lineage import assess
from models_registry import cards, editing
from models_registry.cloning import clone_as_model, clone_into
from models_registry.descent import why_not_cloned
from models_registry.forms import CloneForm, RegisterForm, StateForm
from models_registry.history import entries_of, lines
from models_registry.models import RegisteredModel, Version
from models_registry.narrowing import narrowed
from models_registry.pages import format_words, shell, visible_version
from models_registry.parts import list_columns, model_parts, overview_parts, placed, with_columns
from models_registry.permissions import can_draft, can_hand_on, can_register, scientist_teams
from models_registry.registering_runs import checkpoints_of, version_from_run
from models_registry.runs import training_of
from models_registry.sandbox_words import words_of
from tracking.models import TrainingRun

MOST_TENSORS = 200  # rows of the table; the inspection's digest covers all


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """The models that the person sees, with filters in the address."""
    rows = RegisteredModel.objects.visible_to(request.user).select_related("team", "owner").with_standing()
    narrowing = narrowed(rows, request.GET, request.user)
    page = page_by_key(request, narrowing.rows)
    context = {
        "page": page,
        "rows": with_columns(page.rows),
        "columns": list(list_columns),
        "narrowing": narrowing,
        "sought": request.GET.get("q", "").replace("\x00", "").strip(),
        "may_submit": request.user.holds_anywhere(Role.DATA_SCIENTIST),
        "team": None if page else teams_visible_to(request.user).first(),
    }
    return render(request, "models_registry/model_list.html", context)


@require_safe
def model_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A model with its versions."""
    return _model_page(request, _visible_model(request, pk))


@require_POST
def state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Task, risk tier and classes of a model that was registered without."""
    model = _visible_model(request, pk)
    form = StateForm(request.POST, model=model)
    if form.is_valid():
        try:
            editing.state(model, by=request.user, **form.cleaned_data)
            return redirect(model)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    return _model_page(request, model, form, status=422)


def _visible_model(request: HttpRequest, pk: UUID) -> RegisteredModel:
    return get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team", "owner"), pk=pk)


def _model_page(
    request: HttpRequest, model: RegisteredModel, form: StateForm | None = None, *, status: int = 200
) -> HttpResponse:
    versions = Version.objects.filter(model=model).select_related("model", "submitted_by", "created_by", "inspection")
    parts = placed([part for make in model_parts for part in make(request, model)])
    context = {
        "model": model,
        "page": page_by_key(request, versions),
        "places": parts,
        "may_submit": bool(can_draft(request.user, model)),
        "statement": form if form or (model.task and model.risk_tier) else StateForm(model=model),
    }
    return render(request, "models_registry/model_detail.html", context, status=status)


@require_safe
def version_overview(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A version: what blocks it, how far each aspect is, its card, its facts."""
    version = visible_version(request, pk)
    card = version.card
    context = {
        **shell(version),
        "card": card,
        "fields": cards.shown(card.content if card else {}),
        "format": format_words(version.inspection.format) if hasattr(version, "inspection") else "",
        "data": version.data.select_related("dataset_version__dataset"),
        "places": placed([part for make in overview_parts for part in make(request, version)]),
    }
    return render(request, "models_registry/version_overview.html", context)


@require_safe
def version_evidence(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What lies behind the version: bytes, inspection, data, code and environment, each with its digest."""
    version = visible_version(request, pk)
    inspection = getattr(version, "inspection", None)
    data = list(version.data.select_related("dataset_version__dataset"))
    tensors = (inspection.facts.get("tensors") or []) if inspection else []
    context = {
        **shell(version),
        "inspection": inspection,
        "format": format_words(inspection.format) if inspection else "",
        "sandbox": words_of(inspection.sandbox) if inspection else None,
        "difference": inspection.facts.get("difference") if inspection else None,
        "layers": _layers(inspection.facts)[:MOST_TENSORS] if inspection else [],
        "tensors": tensors[:MOST_TENSORS],
        "tensors_hidden": max(0, len(tensors) - MOST_TENSORS),
        "data": data,
        "targets": _targets(version.reading),
        "pii": assess([link.dataset_version_id for link in data]),
        "cards": version.cards.select_related("author"),
        "run": version.training_run,
        "training": training_of(version.training_run) if version.training_run else None,
    }
    return render(request, "models_registry/version_evidence.html", context)


def _targets(reading: dict[str, Any] | None) -> list[str]:
    """The columns that hold what is true."""
    target = (reading or {}).get("target", [])
    return [target] if isinstance(target, str) else list(target)


def _layers(facts: dict[str, Any]) -> list[dict[str, str]]:
    """The modules by name, from the architecture that the weights were put into, or from the file itself."""
    return (facts.get("architecture") or {}).get("layers") or facts.get("layers") or []


@require_safe
def version_history(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What happened to the version, newest first, as the log has it."""
    version = visible_version(request, pk)
    page = page_by_key(request, entries_of(version))
    return render(request, "models_registry/version_history.html", {**shell(version), "page": page, "entries": lines(page.rows)})


@require_http_methods(["GET", "HEAD", "POST"])
def clone(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Begin a draft of another model with this version's bytes; then its page says what is still missing."""
    original = visible_version(request, pk)
    if not (decision := can_hand_on(request.user, original)):
        raise PermissionDenied(decision.reason)
    if not scientist_teams(request.user).exists():
        raise PermissionDenied(_("Only data scientists register versions. Ask an administrator for that role in a team."))
    form = CloneForm(request.POST or None, person=request.user, original=original)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                version = _clone(original, by=request.user, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(
                    request, _("%(version)s is a clone of %(original)s.") % {"version": version, "original": original}
                )
                return see_other(request, version)
    context = {**shell(original), "form": form, "refusal": "" if form.is_bound else why_not_cloned(original)}
    return render(request, "models_registry/clone.html", context, status=status)


def _clone(
    original: Version, *, by: Any, model: RegisteredModel | None, team: Any, name: str, description: str, note: str
) -> Version:
    if model is not None:
        return clone_into(original, by=by, model=model, note=note)
    return clone_as_model(original, by=by, team=team, name=name, description=description, note=note)


@require_http_methods(["GET", "HEAD", "POST"])
def register_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a draft version from a training run; then its page says what is still missing."""
    run = get_object_or_404(TrainingRun.objects.visible_to(request.user).with_parts(), pk=pk)
    decision = can_register(request.user, run.team)
    if not decision:
        raise PermissionDenied(decision.reason)
    form = RegisterForm(request.POST or None, run=run, checkpoints=checkpoints_of(run))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                version = version_from_run(run, by=request.user, **form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("%(version)s was begun from this run.") % {"version": version})
                return see_other(request, version)
    return render(request, "models_registry/register_run.html", {"run": run, "form": form}, status=status)
