"""The Monitoring tab of a version, and answering its alerts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Sum
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from core import blobs
from core.errors import DomainError
from core.pages import see_other
from core.paging import page_by_key
from models_registry.models import Version
from models_registry.pages import shell, visible_version
from models_registry.parts import Part
from monitoring import services
from monitoring.forms import CloseForm
from monitoring.models import Alert, CheckChart, ObservationBatch
from monitoring.permissions import can_answer

MOST = 50  # alerts of one list, the latest; the history of the version has all


@require_safe
def monitoring(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Alerts first, then the latest check class by class and all checks as a picture, then the batches that arrived."""
    version = visible_version(request, pk)
    batches = ObservationBatch.objects.filter(version=version)
    latest = batches.exclude(checked_at=None).order_by("-checked_at").first()
    alerts = Alert.objects.filter(version=version).select_related("version__model__team").order_by("-opened_at")
    unsettled = list(alerts.exclude(state=Alert.State.CLOSED)[:MOST])
    review = version.reviews.select_related("policy").order_by("-opened_at").first()
    context = {
        **shell(version),
        "alerts": [(alert, can_answer(request.user, alert), CloseForm(auto_id=f"{alert.pk}_%s")) for alert in unsettled],
        "closed": list(alerts.filter(state=Alert.State.CLOSED)[:MOST]),
        "latest": latest,
        "rules": _rules(latest.outcome) if latest else [],
        "charts": [_picture(chart) for chart in CheckChart.objects.filter(version=version).order_by("environment")],
        "waiting_rows": batches.filter(checked_at=None).aggregate(rows=Sum("n"))["rows"] or 0,
        "page": page_by_key(request, batches),
        "policy": review.policy if review else None,
        "limits": review.policy.document.monitoring if review else None,
        "released": version.releases.exists(),
    }
    return render(request, "monitoring/monitoring.html", context)


def _rules(outcome: dict[str, Any]) -> list[dict[str, str]]:
    """Both rules of a check: what each asks, how it came out, its sentence."""
    titles = {
        "interval": _("Each class within the limits around its reference"),
        "source": _("No class's mean below the least allowed"),
    }
    rules = []
    for name, title in titles.items():
        rule = outcome[name]
        word = "not_run" if not rule["applied"] else "failed" if rule["fired"] else "passed"
        rules.append({"title": title, "outcome": word, "sentence": rule["sentence"]})
    return rules


def _picture(chart: CheckChart) -> dict[str, Any]:
    light, dark = (reverse("monitoring:chart", args=[chart.pk, theme]) for theme in ("light", "dark"))
    return {
        "title": chart.title,
        "description": chart.description,
        "table": chart.table,
        "light_url": f"{light}?{chart.light_digest[7:15]}",  # a new drawing has a new address, so that no old one is shown
        "dark_url": f"{dark}?{chart.dark_digest[7:15]}",
    }


@require_safe
@cache_control(private=True, max_age=86_400)
def chart(request: HttpRequest, pk: int, theme: str) -> FileResponse:
    """The drawing of the checks of a version that the person may see."""
    charts = CheckChart.objects.filter(version__in=Version.objects.visible_to(request.user))
    found = get_object_or_404(charts, pk=pk)
    digest = found.dark_digest if theme == "dark" else found.light_digest
    return FileResponse(blobs.open_blob(digest), content_type="image/svg+xml")


@require_POST
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say that you look into it."""
    return _answer(request, pk, lambda alert: services.acknowledge(alert, by=request.user))


@require_POST
def close(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End the alert, saying why."""
    form = CloseForm(request.POST)
    if form.is_valid():
        return _answer(request, pk, lambda alert: services.close(alert, by=request.user, **form.cleaned_data))
    alert = _alert(request, pk)
    messages.error(request, " ".join(sentence for sentences in form.errors.values() for sentence in sentences))
    return see_other(request, reverse("monitoring:version", args=[alert.version_id]))


def _alert(request: HttpRequest, pk: UUID) -> Alert:
    return get_object_or_404(Alert.objects.visible_to(request.user).select_related("version__model__team"), pk=pk)


def _answer(request: HttpRequest, pk: UUID, deed: Any) -> HttpResponse:
    alert = _alert(request, pk)
    try:
        deed(alert)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Recorded."))
    return see_other(request, reverse("monitoring:version", args=[alert.version_id]))


def overview(request: HttpRequest, version: Version) -> list[Part]:
    """An open alert stands above everything else on the version's overview."""
    alerts = list(Alert.objects.filter(version=version, state=Alert.State.OPEN))
    return [Part("lead", "monitoring/part_alerts.html", {"alerts": alerts, "version": version})] if alerts else []


def waiting_alerts(person: Any) -> int:
    """How many alerts wait for the person, in one query: for the top bar."""
    return Alert.objects.answerable_by(person).filter(state=Alert.State.OPEN).count()


def inbox(request: HttpRequest) -> list[dict[str, Any]]:
    """Open alerts of what the person answers for."""
    alerts = Alert.objects.answerable_by(request.user).filter(state=Alert.State.OPEN).select_related("version__model")
    mine = list(alerts.order_by("-opened_at")[: MOST + 1])
    if not mine:
        return []
    return [{"template": "monitoring/inbox_alerts.html", "rows": mine[:MOST], "more": len(mine) > MOST, "most": MOST}]
