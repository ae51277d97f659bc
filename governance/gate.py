"""May exactly these bytes run in this environment? The one question that a deployment asks, and its recorded answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.counting import worth_an_event
from core import clock
from core.errors import InvalidInput
from governance import attestations, events
from governance.approvals import Approval, approval_of
from governance.emergencies import emergency_of, ended, sentence_of
from governance.models import Attestation, EmergencyApproval, GateRecord, Release, SignOff, label_of
from ledger.acts import Act, act
from models_registry.models import Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from accounts.models import Person

MOST_SAID = 300  # characters of one reason in an event


@dataclass(frozen=True)
class GateAnswer:
    """The answer with every reason why not; with what certifies it where it is allowed."""

    allowed: bool
    reasons: list[str]
    digest: str
    environment: str
    version: Version | None = None
    policy: str = ""
    attestation: Attestation | None = None
    emergency: EmergencyApproval | None = None  # what an allowed answer rests on where signatures are missing

    @property
    def notice(self) -> str:
        """What must be known of an allowed answer; empty where there is nothing."""
        return sentence_of(self.emergency) if self.emergency else ""


def answer(digest: str, environment: str, *, asked_by: Person, model: UUID | None = None) -> GateAnswer:
    """The answer for the bytes that `digest` names; allowed only while the approval holds and the version is live there.

    The same bytes may be versions of several models, under policies of different strength. What was refused or taken back for
    one of them must not pass as another one unnoticed: then the asker says with `model` which one they mean.
    """
    rows = Version.objects.visible_to(asked_by).filter(checkpoint_digest=digest).exclude(state=Version.State.DRAFT)
    released = Release.objects.live().filter(version=OuterRef("pk"), environment=environment)
    rows = rows.annotate(is_live=Exists(released)).select_related("model", "inspection", "training_run")
    found = list(rows.filter(model=model) if model else rows)
    if not found:
        _count_unknown(asked_by)
        return GateAnswer(
            False, [_("No version with this checkpoint was submitted, or you may not see it.")], digest, environment
        )
    version = next((one for one in found if one.is_live), max(found, key=lambda one: one.created_at))
    given, approval = _decided(version, environment, is_live=version.is_live)
    elsewhere = _refused_elsewhere(version, found)
    if elsewhere:  # an answer about several versions: what each is worth stands in the log on its own
        return replace(given, allowed=False, reasons=[*given.reasons, *elsewhere])
    return _recorded(given, approval, asked_by)


def present(version: Version, environment: str, *, approval: Approval | None = None, is_live: bool) -> GateAnswer:
    """What the gate would answer now for one version, without a question being asked: nothing is recorded. `approval`: that
    for this environment, where the caller has it."""
    given, _approval = _decided(version, environment, is_live=is_live, approval=approval)
    return replace(given, attestation=Attestation.objects.latest_of(version.pk, environment))


def status(digest: str, environment: str, *, asked_by: Person, model: UUID | None = None) -> Attestation | None:
    """The latest attestation about these bytes there; None where there is none that `asked_by` may see.

    Of bytes that several models share, the asker says which one they mean: one's PASSED must not hide another's FAILED.
    """
    seen = Attestation.objects.visible_to(asked_by).filter(checkpoint=digest, environment=environment)
    seen = seen.filter(version__model=model) if model else seen
    if seen.order_by().values("version__model").distinct()[:2].count() > 1:
        raise InvalidInput(_("Several models have these bytes. Name with `model` the one that you mean."), code="several_models")
    return seen.select_related("version__model").order_by("-number").first()


def _decided(
    version: Version, environment: str, *, is_live: bool, approval: Approval | None = None
) -> tuple[GateAnswer, Approval]:
    approval = approval or approval_of(version, environment)
    emergency = emergency_of(version, environment, approval)
    reasons = [] if emergency else list(approval.reasons)
    if is_live and emergency is None:
        reasons += [one for one in ended(version, environment, approval) if one not in reasons]
    if not is_live:
        reasons.append(_("It is not released to %(environment)s.") % {"environment": label_of(environment).lower()})
    policy = str(approval.policy or "")
    given = GateAnswer(not reasons, reasons, version.checkpoint_digest, environment, version, policy, emergency=emergency)
    return given, approval


def _refused_elsewhere(version: Version, found: Sequence[Version]) -> list[str]:
    """For each version of another model with the same bytes that was suspended, or rejected by a person: that it was."""
    others = [one for one in found if one.model_id != version.model_id]
    if not others:
        return []
    against = SignOff.objects.filter(review__version__in=others, verdict=SignOff.Verdict.REJECT)
    rejected = set(against.values_list("review__version", flat=True))
    return [
        _("The same bytes are %(version)s, which is %(state)s. Name the model that you mean to ask about it alone.")
        % {"version": one, "state": one.get_state_display().lower()}
        for one in others
        if one.state == Version.State.SUSPENDED or one.pk in rejected
    ]


def _recorded(given: GateAnswer, approval: Approval, asked_by: Person) -> GateAnswer:
    """The answer with what certifies it. It is an event when it is given first or differs from the last one; what certified
    it before is given again until half of its life is over, so that a question costs no signature."""
    assert given.version is not None  # noqa: S101 - only answers about a version are recorded
    held = attestations.usable(given.version, given.environment, approval, given.emergency) if given.allowed else None
    if _is_as_before(given) and (held is not None or not given.allowed):
        return replace(given, attestation=held)
    with act(asked_by) as this:
        # Decided again under the lock: a suspension since the question was read must not be followed by a PASSED.
        is_live = attestations.lock(given.version, given.environment)
        version = Version.objects.with_parts().get(pk=given.version.pk)
        given, approval = _decided(version, given.environment, is_live=is_live)
        _note(given, within=this)
        if given.allowed:
            made = attestations.issue(version, given.environment, approval, emergency=given.emergency, within=this)
            return replace(given, attestation=made)
        attestations.take_back(version, given.environment, reasons=given.reasons, within=this)
        return given


def _is_as_before(given: GateAnswer) -> bool:
    last = GateRecord.objects.filter(version=given.version, environment=given.environment).first()
    return last is not None and (last.allowed, last.reasons) == (given.allowed, given.reasons)


def _note(given: GateAnswer, *, within: Act) -> None:
    if _is_as_before(given):
        return
    GateRecord.objects.update_or_create(
        version=given.version,
        environment=given.environment,
        defaults={"allowed": given.allowed, "reasons": given.reasons, "answered_at": clock.now()},
    )
    fact = events.GateAnswered(
        environment=given.environment,
        checkpoint=given.digest,
        allowed=given.allowed,
        reasons=[reason[:MOST_SAID] for reason in given.reasons],
    )
    within.record(fact, on=given.version)


def _count_unknown(asked_by: Person) -> None:
    """Questions about unknown bytes are counted for each person and minute, so that nobody can flood the log with them."""
    count = worth_an_event("gate.unknown", str(asked_by.pk))
    if count is not None:
        with act(asked_by) as this:
            this.record(events.GateAskedUnknown(in_this_minute=count))
