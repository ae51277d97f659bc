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
    kinds.register("card_sections", Kind(_("Model card"), card_sections.answer, card_sections.check), order=40)
    kinds.register("provenance", Kind(_("Provenance of the data"), provenance.answer, provenance.check), order=41)
    kinds.register("pii_states", Kind(_("Personal data"), pii_states.answer, pii_states.check), order=42)
    kinds.register("data_validation", Kind(_("Validation of the data"), data_validation.answer, data_validation.check), order=43)
    kinds.register("monitoring_plan", Kind(_("Monitoring"), monitoring_plan.answer, monitoring_plan.check), order=44)
    kinds.register(uploaded_evidence.NAME, Kind(_("Evidence"), uploaded_evidence.answer, uploaded_evidence.check), order=45)
    also_pinned.register("files", Pinned(_("the files that people brought"), uploaded_evidence.pinned))
    kinds.register("risk_assessment", Kind(_("Risk assessment"), risk_assessment.answer, risk_assessment.check), order=46)
    protect(RiskAssessment, when="OLD.state = 'archived'")
