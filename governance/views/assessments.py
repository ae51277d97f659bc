"""The risk assessments of a model: all of them, one, a new one, and putting one into force."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from governance import services
from governance.assessing import METHODS, result_of
from governance.forms.assessments import ActivationForm, AssessmentForm
from governance.models import RiskAssessment
from governance.permissions import can_activate_assessment, can_assess
from governance.tiers import outgrown_by, special_categories_of
from models_registry.models import RegisteredModel


def _model(request: HttpRequest, pk: UUID) -> RegisteredModel:
    return get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team", "owner"), pk=pk)


@require_safe
def assessments(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every assessment of a model, the newest first."""
    model = _model(request, pk)
    page = page_by_key(request, RiskAssessment.objects.filter(model=model).with_parts())
    active = RiskAssessment.objects.active().filter(model=model).first()
    context = {"model": model, "page": page, "active": active, "may_assess": bool(can_assess(request.user, model))}
    return render(request, "governance/assessments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def assess(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer the questions of the method; the result is shown before anything is kept, where that is asked for."""
    model = _model(request, pk)
    if not (decision := can_assess(request.user, model)):
        raise PermissionDenied(decision.reason)
    form = AssessmentForm(request.POST or None)
    categories = special_categories_of(model)
    status, result = 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid() and "look" in request.POST:
            status, result = 200, result_of(form.answers["levels"], form.answers["uses"], categories)
        elif form.is_valid():
            try:
                made = services.assess_risk(model, by=request.user, **form.answers)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The assessment is kept. It says the tier once somebody else activates it."))
                return see_other(request, made)
    context = {"model": model, "form": form, "result": result}
    return render(request, "governance/assess.html", context, status=status)


@require_safe
def assessment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One assessment: its result and why, each answer with its reason, and the decision for those who may take it."""
    found = get_object_or_404(RiskAssessment.objects.visible_to(request.user).with_parts(), pk=pk)
    return render(request, "governance/assessment.html", _context(request, found, None))


@require_POST
def activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the assessment into force, as it comes out or with another tier and a reason."""
    found = get_object_or_404(RiskAssessment.objects.visible_to(request.user).with_parts(), pk=pk)
    form, status = ActivationForm(request.POST), 422
    if form.is_valid():
        try:
            services.activate_assessment(found, by=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, _("The assessment is in force and says the model's tier."))
            return see_other(request, found)
    return render(request, "governance/assessment.html", _context(request, found, form), status=status)


def _context(request: HttpRequest, found: RiskAssessment, form: ActivationForm | None) -> dict[str, Any]:
    method, reasons = METHODS[found.method_version], found.reasons
    decision = can_activate_assessment(request.user, found)
    is_draft = found.state == RiskAssessment.State.DRAFT
    return {
        "assessment": found,
        "model": found.model,
        "because": result_of(found.levels, found.uses, found.categories, method).because,
        "answers": [(one, one.levels[found.levels[one.key]], reasons.get(one.key, "")) for one in method.factors],
        "laws": [(law, law.uses.get(found.uses[law.key], ""), reasons.get(law.key, "")) for law in method.regulations],
        "form": form or ActivationForm(initial={"tier": found.tier}) if is_draft and decision else None,
        "why_not": decision.reason if is_draft and not decision else "",
        "outgrown": outgrown_by(found.model, found.tier) if found.state == RiskAssessment.State.ACTIVE else [],
    }
