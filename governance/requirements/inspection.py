"""That the checkpoint was inspected and accepted: asked under every policy, and no exception stands in for it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.requirements import Answer, Outcome, Question
from models_registry.models import Inspection, Version


def answer(question: Question) -> list[Answer]:
    version = question.version
    inspection: Inspection | None = getattr(version, "inspection", None)
    if inspection is None or inspection.state in {Inspection.State.QUEUED, Inspection.State.RUNNING}:
        return [Answer(Outcome.NOT_ASSESSED, _("The checkpoint has not been inspected yet."))]
    if inspection.state != Inspection.State.COMPLETED:
        said = _("The inspection of the checkpoint could not be finished: %(why)s") % {"why": inspection.error}
        return [Answer(Outcome.NOT_ASSESSED, said)]
    if not inspection.is_usable:
        found = inspection.reasons[0].get("sentence", "") if inspection.reasons else ""
        return [Answer(Outcome.NOT_MET, _("The inspection did not accept the checkpoint. %(why)s") % {"why": found})]
    return [Answer(Outcome.MET, _("The inspection accepted the checkpoint."))]


def is_accepted(version: Version) -> bool:
    """Whether the bytes may be measured at all."""
    inspection: Inspection | None = getattr(version, "inspection", None)
    return inspection is not None and inspection.state == Inspection.State.COMPLETED and inspection.is_usable
