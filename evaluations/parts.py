"""What the page of a dataset version says of measurements on it: how often, by whom, for which version."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from data_registry.models import DatasetVersion, HoldOut
from data_registry.parts import Part
from data_registry.permissions import can_register_hold_out
from evaluations.models import EvaluationRun

MOST = 50


def measurements(request: HttpRequest, version: DatasetVersion) -> list[Part]:
    """The hold-out card: whether it is one, who may register it, and every measurement on exactly these bytes. Those of others'
    models are counted and not named."""
    if not version.is_registered:
        return []
    began = EvaluationRun.objects.filter(dataset_digest=version.digest, started_at__isnull=False)
    seen = began.visible_to(request.user)
    count, visible = began.count(), seen.count()
    rows = seen.select_related("version__model", "asked_by").order_by("-started_at")[:MOST]
    registered = HoldOut.objects.filter(dataset_version__digest=version.digest).select_related("registered_by")
    hold_out = registered.order_by("registered_at").first()
    may = can_register_hold_out(request.user, version)
    context: dict[str, Any] = {
        "version": version,
        "hold_out": hold_out,
        "may_register": hold_out is None and bool(may),
        "count": count,
        "versions": began.values("version").distinct().count(),
        "rows": list(rows),
        "older": max(0, visible - MOST),
        "hidden": count - visible,
    }
    return [Part("evaluations/part_hold_out.html", context)]
