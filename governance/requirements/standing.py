"""The kinds of requirement that policies name by their parameters, as governance itself brings them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from governance.models import RiskAssessment
from governance.pins import Pinned, also_pinned
from governance.requirements import (
    Kind,
    card_sections,
    data_validation,
    kinds,
    monitoring_plan,
    pii_states,
    provenance,
    risk_assessment,
    uploaded_evidence,
)
from ledger.protection import protect


def register() -> None:
    """Called once, by `GovernanceConfig.ready`."""
    for order, name, title, module in (
        (40, "card_sections", _("Model card"), card_sections),
        (41, "provenance", _("Provenance of the data"), provenance),
        (42, "pii_states", _("Personal data"), pii_states),
        (43, "data_validation", _("Validation of the data"), data_validation),
        (44, "monitoring_plan", _("Monitoring"), monitoring_plan),
        (45, uploaded_evidence.NAME, _("Evidence"), uploaded_evidence),
        (46, "risk_assessment", _("Risk assessment"), risk_assessment),
    ):
        kinds.register(name, Kind(title, module.answer, module.check, words=module.words), order=order)
    also_pinned.register("files", Pinned(_("the files that people brought"), uploaded_evidence.pinned))
    protect(RiskAssessment, when="OLD.state = 'archived'")
