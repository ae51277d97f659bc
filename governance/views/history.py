"""What was live when: of one model, and of all of them on a day."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import clock
from core.errors import InvalidInput
from core.paging import page_by_key
from governance.forms.history import AsOfForm, EnvironmentFilter
from governance.history import Asked, asked_of
from governance.models import Release
from models_registry.models import RegisteredModel


@require_safe
def of_model(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every release of the model, the newest first, with who, under which approval, and why it ended."""
    model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
    form = EnvironmentFilter(request.GET or None)
    rows = Release.objects.filter(model=model).told()
    if form.is_valid() and form.cleaned_data["environment"]:
        rows = rows.filter(environment=form.cleaned_data["environment"])
    context = {"model": model, "form": form, "page": page_by_key(request, rows)}
    return render(request, "governance/release_history.html", context)


@require_safe
def as_of(request: HttpRequest) -> HttpResponse:
    """What was live on a day (in the reader's time zone) or at a moment, of every model that this person sees."""
    zone = timezone.get_current_timezone()
    given = request.GET if "at" in request.GET else None
    form = AsOfForm(given, initial={"at": clock.now().astimezone(zone).date().isoformat()})
    asked = Asked(clock.now(), clock.now())
    environment, status = "", 200
    if given is not None:
        status = 422
        if form.is_valid():
            try:
                asked, status = asked_of(form.cleaned_data["at"], zone), 200
                environment = form.cleaned_data["environment"]
            except InvalidInput as refusal:
                form.add_error("at", str(refusal))
    rows = Release.objects.visible_to(request.user).live_during(asked.since, asked.until).told()
    if environment:
        rows = rows.filter(environment=environment)
    page = page_by_key(request, rows) if status == 200 else None
    context = {"form": form, "page": page, "zone": zone, "asked": form.data.get("at", "") if status == 200 and given else ""}
    return render(request, "governance/releases_as_of.html", context, status=status)
