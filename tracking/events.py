"""What happens to training runs."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("training_run.recorded", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunRecorded(Event):
    """Someone reported a training run with its parameters, curves, code and environment; they are fixed from now on."""

    says = _("Training run reported")
    look = ("chart-line", "idle")

    team: str
    facts_digest: str
    commit: str
    dirty: bool | None
    series: int
