"""What change envelopes add to the pages of versions, reviews and models, and to the inbox."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from governance.change_envelopes.words import name_of
from governance.models import ChangeEnvelope, EnvelopeDecision
from models_registry.models import RegisteredModel, Version
from models_registry.parts import Part

MOST = 5  # decisions on one page, the newest; the API has all


def decided(version: Version) -> dict[str, Any]:
    """Under which envelope the version was released, or which limits it passed, in words with figures."""
    rows = EnvelopeDecision.objects.filter(version=version).select_related("envelope__model").order_by("-decided_at")[:MOST]
    return {"decisions": [(one, [(name_of(limit["name"]), limit) for limit in one.passed]) for one in rows]}


def of_version(_request: HttpRequest, version: Version) -> list[Part]:
    part = decided(version)
    return [Part("body", "governance/part_envelope_decision.html", part)] if part["decisions"] else []


def of_model(_request: HttpRequest, model: RegisteredModel) -> list[Part]:
    return [Part("actions", "governance/part_envelopes_link.html", {"model": model})]


def inbox(request: HttpRequest) -> list[dict[str, Any]]:
    rows = ChangeEnvelope.objects.visible_to(request.user).signable_by(request.user).with_parts().order_by("drafted_at")[:50]
    if not rows:
        return []
    return [
        {"title": _("Change envelopes that wait for your signature"), "template": "governance/inbox_envelopes.html", "rows": rows}
    ]
