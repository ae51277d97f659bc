"""What change envelopes bring to the rest: protection, history, the clock, what waits for a person."""

from __future__ import annotations

from core.navigation import waiting_for
from governance import services
from governance.change_envelopes import parts
from governance.due import falling_due
from governance.models import ChangeEnvelope, EnvelopeDecision, EnvelopeSignature
from governance.parts import inbox_parts
from ledger.protection import protect
from models_registry.parts import model_parts, overview_parts


def register() -> None:
    """Called once, by `GovernanceConfig.ready`."""
    protect(EnvelopeSignature)
    protect(EnvelopeDecision)
    overview_parts.register("change_envelopes", parts.of_version, order=110)
    model_parts.register("change_envelopes", parts.of_model, order=110)
    inbox_parts.register("change_envelopes", parts.inbox, order=15)
    falling_due.register("change_envelopes_expire", services.expire_envelopes, order=20)
    falling_due.register("change_envelopes", services.decide_by_envelopes, order=95)  # after what suspends or ends
    waiting_for.register("change_envelopes", lambda person: ChangeEnvelope.objects.visible_to(person).signable_by(person).count())
