"""Releasing a version, and rolling back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.pages import see_other
from governance import services
from governance.forms.releasing import ReleaseForm, RollbackForm
from models_registry.models import RegisteredModel, Version
from models_registry.pages import visible_version


@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make the version live in an environment."""
    version = visible_version(request, pk)
    return _decide(
        request,
        version,
        ReleaseForm(request.POST),
        lambda given: services.release(version, by=request.user, **given),
        _("Released."),
    )


@require_POST
def roll_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make the latest earlier version whose approval holds live again."""
    model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
    return _decide(
        request,
        model,
        RollbackForm(request.POST, model=model),
        lambda given: services.roll_back(model, by=request.user, **given),
        _("Rolled back."),
    )


def _decide(request: HttpRequest, thing: Version | RegisteredModel, form: Any, deed: Any, done: str) -> HttpResponse:
    """One small form beside a thing: do it, or say on the thing's page why not."""
    if not form.is_valid():
        messages.error(
            request, " ".join(f"{form.fields[name].label}: {' '.join(errors)}" for name, errors in form.errors.items())
        )
        return see_other(request, thing)
    try:
        deed(form.cleaned_data)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return see_other(request, thing)
