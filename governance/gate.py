"""May exactly these bytes run in this environment? The one question that a deployment asks, and its recorded answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.counting import worth_an_event
from core import clock
from governance import events
from governance.approvals import approval_of
from governance.models import Environment, GateRecord, Release, SignOff
from ledger.acts import act
from models_registry.models import Version

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import Person


@dataclass(frozen=True)
class GateAnswer:
    allowed: bool
    reasons: list[str]
    digest: str
    environment: str
    version: Version | None = None
    policy: str = ""


def answer(digest: str, environment: str, *, asked_by: Person, model: UUID | None = None) -> GateAnswer:
    """The answer for the bytes that `digest` names; allowed only while the approval holds and the version is live there.

    The same bytes may be versions of several models, under policies of different strength. What was refused or taken back for
    one of them must not pass as another one unnoticed: then the asker says with `model` which one they mean.
    """
    rows = Version.objects.visible_to(asked_by).filter(checkpoint_digest=digest).exclude(state=Version.State.DRAFT)
    found = list((rows.filter(model=model) if model else rows).select_related("model"))
    if not found:
        _count_unknown(asked_by)
        return GateAnswer(
            False, [_("No version with this checkpoint was submitted, or you may not see it.")], digest, environment
        )
    live = Release.objects.live().filter(version__in=found, environment=environment).values_list("version_id", flat=True)
    version = next((one for one in found if one.pk in set(live)), max(found, key=lambda one: one.created_at))
    approval = approval_of(version, environment)
    reasons = list(approval.reasons)
    elsewhere = _refused_elsewhere(version, found)
    if version.pk not in set(live):
        reasons.append(_("It is not released to %(environment)s.") % {"environment": Environment(environment).label.lower()})
    given = GateAnswer(not reasons, reasons, digest, environment, version, str(approval.policy or ""))
    if elsewhere:  # an answer about several versions: what each is worth stands in the log on its own
        return replace(given, allowed=False, reasons=[*reasons, *elsewhere])
    _record(given, asked_by)
    return given


def _refused_elsewhere(version: Version, found: list[Version]) -> list[str]:
    """For each version of another model with the same bytes that was suspended, or rejected by a person: that it was."""
    others = [one for one in found if one.model_id != version.model_id]
    against = SignOff.objects.filter(review__version__in=others, verdict=SignOff.Verdict.REJECT)
    rejected = set(against.values_list("review__version", flat=True))
    return [
        _("The same bytes are %(version)s, which is %(state)s. Name the model that you mean to ask about it alone.")
        % {"version": one, "state": one.get_state_display().lower()}
        for one in others
        if one.state == Version.State.SUSPENDED or one.pk in rejected
    ]


def _record(given: GateAnswer, asked_by: Person) -> None:
    """An answer is an event when it is given for the first time or differs from the last one."""
    assert given.version is not None  # noqa: S101 - only answers about a version are recorded
    last = GateRecord.objects.filter(version=given.version, environment=given.environment).first()
    if last is not None and (last.allowed, last.reasons) == (given.allowed, given.reasons):
        return
    with act(asked_by) as this:
        GateRecord.objects.update_or_create(
            version=given.version,
            environment=given.environment,
            defaults={"allowed": given.allowed, "reasons": given.reasons, "answered_at": clock.now()},
        )
        this.record(
            events.GateAnswered(
                environment=given.environment,
                checkpoint=given.digest,
                allowed=given.allowed,
                reasons=[reason[:300] for reason in given.reasons],
            ),
            on=given.version,
        )


def _count_unknown(asked_by: Person) -> None:
    """Questions about unknown bytes are counted for each person and minute, so that nobody can flood the log with them."""
    count = worth_an_event("gate.unknown", str(asked_by.pk))
    if count is not None:
        with act(asked_by) as this:
            this.record(events.GateAskedUnknown(in_this_minute=count))
