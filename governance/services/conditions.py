"""Conditions of an approval: set with a signature, reported met by their owner, acknowledged or refused, or missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.services import prove
from core import blobs, clock
from core.errors import InvalidInput, WrongState
from core.ids import uuid7
from governance import events, lifecycle
from governance.approvals import approval_of
from governance.models import UNMET, Condition, ConditionAnswer, Review, SignOff
from governance.permissions import can_answer_condition, can_report_condition
from governance.services.accountability import keep_acceptance, require_acceptance
from governance.services.locking import holding_roles
from governance.services.suspending import suspend_within
from governance.signature_records import Signing, committed, envelope_of, hidden, payload_digest
from ledger.actors import CLOCK
from ledger.acts import Act, act
from ledger.events import Private
from models_registry import lifecycle as versions
from models_registry.models import Version

MOST = 20  # conditions of one signature
EVIDENCE_BYTES = 50 << 20


@dataclass(frozen=True)
class Wanted:
    """A condition as somebody asks for it."""

    text: str
    owner: Person
    due: date
    evidence: str = ""
    id: UUID = field(default_factory=uuid7)
    private: dict[str, Private] = field(default_factory=dict)  # filled from the texts: the record and the event share them

    def __post_init__(self) -> None:
        self.private.update(text=hidden(self.text), evidence=hidden(self.evidence))

    def as_signed(self) -> dict[str, Any]:
        """How the signature's record names it."""
        return {
            "id": str(self.id),
            "owner": str(self.owner.pk),
            "due": self.due.isoformat(),
            **{path: committed(path, value) for path, value in self.private.items()},
        }


def checked_conditions(wanted: Sequence[Wanted], *, verdict: str, review: Review, signers: Sequence[Person]) -> Sequence[Wanted]:
    """`wanted`, or one sentence for the first thing that is wrong with it. `signers` are whoever signs, and on whose behalf."""
    if verdict != SignOff.Verdict.APPROVE_WITH_CONDITIONS:
        if wanted:
            raise InvalidInput(
                _("Conditions belong to the verdict “approve with conditions”; choose it, or leave them out."),
                code="conditions_without_verdict",
            )
        return ()
    allowed = review.policy.document.conditions
    if not allowed.allowed:
        raise WrongState(
            _("The policy allows no approval under conditions: approve, request changes or reject."),
            code="conditions_not_allowed",
        )
    most_days = allowed.most_days
    if not wanted:
        raise InvalidInput(_("Write at least one condition: what, by whom, until when."), code="conditions_missing")
    if len(wanted) > MOST:
        raise InvalidInput(_("One signature sets at most %(most)s conditions.") % {"most": MOST}, code="conditions_too_many")
    latest = clock.today() + timedelta(days=most_days)
    for one in wanted:
        if not one.text.strip():
            raise InvalidInput(_("Say in each condition what is to be done."), code="condition_text")
        if not clock.today() < one.due <= latest:
            raise InvalidInput(
                _("A condition is due after today and until %(latest)s: the policy gives it %(days)s days at most.")
                % {"latest": latest.isoformat(), "days": most_days},
                code="condition_due",
            )
        if one.owner.pk in {signer.pk for signer in signers}:
            raise InvalidInput(
                _("Give each condition to somebody else: its owner does not say whether it is met."), code="condition_owner"
            )
        if not Version.objects.visible_to(one.owner).filter(pk=review.version_id).exists() or not one.owner.is_active:
            raise InvalidInput(
                _("Whoever owns a condition must be active and see the model: choose somebody of its team."),
                code="condition_owner",
            )
    return wanted


def set_conditions(signed: SignOff, wanted: Sequence[Wanted], *, within: Act) -> None:
    """The conditions of this signature are on the register."""
    review = signed.review
    begun = Condition.objects.filter(review=review).count()
    for number, one in enumerate(wanted, start=begun + 1):
        fact = events.ConditionSet(
            version_id=str(review.version_id),
            review=str(review.pk),
            signature=str(signed.pk),
            number=number,
            role=signed.role,
            owner=str(one.owner.pk),
            due=one.due.isoformat(),
            text=one.private["text"],
            evidence=one.private["evidence"],
        )
        condition = Condition(
            id=one.id,
            review=review,
            sign_off=signed,
            number=number,
            role=signed.role,
            text=one.text,
            evidence_asked=one.evidence,
            owner=one.owner,
            due=one.due,
        )
        condition.event = within.record(fact, on=condition)
        condition.save(force_insert=True)


def report_condition(
    condition: Condition, *, by: Person, report: str, evidence: Iterable[bytes] = (), evidence_name: str = ""
) -> Condition:
    """The owner has said that the condition is met, and with what; it waits for the role that set it."""
    condition = Condition.objects.with_parts().get(pk=condition.pk)
    can_report_condition(by, condition).enforce()  # before bytes are received
    if not report.strip():
        raise InvalidInput(_("Say what was done and where it can be seen."), code="report_missing", field="report")
    kept = blobs.receive(evidence, limit=EVIDENCE_BYTES) if evidence_name else None
    with act(by, attempt="report_condition", on=condition) as this:
        condition = _locked(condition)
        can_report_condition(by, condition).enforce()
        _must_be_in_time(condition)
        fact = events.ConditionReported(
            version_id=str(condition.review.version_id),
            number=condition.number,
            evidence_digest=kept.digest if kept else "",
            report=Private(report),
        )
        lifecycle.report_condition(
            condition,
            fact,
            within=this,
            report=report,
            reported_at=clock.now(),
            evidence_digest=kept.digest if kept else "",
            evidence_name=evidence_name[:200] if kept else "",
            evidence_size=kept.size if kept else 0,
        )
    return condition


def answer_condition(
    condition: Condition,
    *,
    by: Person,
    met: bool,
    password: str,
    code: str = "",
    reason: str = "",
    accept: bool = False,
    session: str = "",
) -> Condition:
    """Somebody with the role that set it has signed that the condition is met, or said why not. The last one that is met
    makes the version approved."""
    condition = Condition.objects.with_parts().get(pk=condition.pk)
    if can_answer_condition(by, condition):
        require_acceptance(by, accept=accept)
        if not met and not reason.strip():
            raise InvalidInput(_("Say what is still missing."), code="reason_missing", field="reason")
    proof = prove(by, password=password, code=code)
    with act(by, attempt="answer_condition", on=condition) as this:
        by = holding_roles(by)
        condition = _locked(condition)
        can_answer_condition(by, condition).enforce()
        keep_acceptance(by, accept=accept, within=this)
        _must_be_in_time(condition)
        review, key, at = condition.review, uuid7(), clock.now()
        name, words = hidden(by.name), hidden(reason)
        meaning = SignOff.Meaning.CONDITION_MET if met else SignOff.Meaning.CHANGES_REQUESTED
        envelope = envelope_of(
            Signing(
                kind="condition_answer",
                id=key,
                signer=by,
                role=condition.role,
                verdict="met" if met else "not_met",
                meaning=meaning,
                text=answer_text(condition, met=met),
                at=at,
                proof=proof,
                version=review.version,
                review=review,
                digest=condition.sign_off.digest,
                session=session,
                statement=condition.sign_off.statement,
                private={"name": name, "reason": words},
                about={"condition": str(condition.pk), "evidence": condition.evidence_digest},
            )
        )
        told: dict[str, Any] = {
            "version_id": str(review.version_id),
            "number": condition.number,
            "signature": str(key),
            "payload": payload_digest(envelope),
            "role": condition.role,
            "proof": list(proof.methods),
            "reason": words,
            "name": name,
        }
        if met:
            recorded = lifecycle.meet_condition(condition, events.ConditionMet(**told), within=this, settled_at=at)
        else:
            refused = events.ConditionReportRefused(**told)
            recorded = lifecycle.refuse_report(condition, refused, within=this, refusal=reason, refused_by=by.pk)
        ConditionAnswer.objects.create(
            id=key, condition=condition, person=by.pk, accepted=met, answered_at=at, event=recorded, envelope=envelope
        )
        if met:
            _fulfil(condition, within=this)
    return condition


def answer_text(condition: Condition, *, met: bool) -> str:
    """What a signature about a condition puts its name to."""
    said = (
        _("I acknowledge that %(condition)s of the approval of %(version)s is met.")
        if met
        else _("I do not acknowledge that %(condition)s of the approval of %(version)s is met.")
    )
    return said % {"condition": condition, "version": condition.review.version}


def _locked(condition: Condition) -> Condition:
    """The condition, behind the lock of its version: a suspension at its date waits for an answer, or the other way round."""
    version = Version.objects.select_for_update(of=("self",)).select_related("model__team").get(pk=condition.review.version_id)
    found = Condition.objects.with_parts().select_for_update(of=("self",)).get(pk=condition.pk)
    found.review.version = version
    return found


def _must_be_in_time(condition: Condition) -> None:
    if condition.is_overdue:
        raise WrongState(
            _("This condition was due %(due)s and was not met: the approval no longer holds. It needs a new review.")
            % {"due": condition.due.isoformat()},
            code="condition_overdue",
        )


def _fulfil(condition: Condition, *, within: Act) -> None:
    version = condition.review.version
    approval = approval_of(version, condition.review.environment)
    waits = any(one.state in UNMET for one in approval.conditions) or waits_elsewhere(version, condition.review.environment)
    if version.state == Version.State.APPROVED_WITH_CONDITIONS and approval.holds and not waits:
        versions.fulfil(version, review=str(condition.review_id), digest=approval.digest, within=within)


def waits_elsewhere(version: Version, environment: str) -> bool:
    """Whether the approval of the version for another environment still stands under a condition that is not met: as long as one
    does, the version is approved with conditions, so that it can be reported, and is missed at its date."""
    unmet = Condition.objects.filter(review__version=version, state__in=UNMET).exclude(review__environment=environment)
    names = sorted(set(unmet.order_by().values_list("review__environment", flat=True)))
    return any(one.state in UNMET for name in names for one in approval_of(version, name).conditions)


def suspend_missed() -> None:
    """Every approval of which a condition is unmet after its date is suspended; called by the clock, again and again."""
    for key in list(Condition.objects.overdue().filter(review__version__state=WITH_CONDITIONS).values_list("pk", flat=True)):
        miss(key)


def miss(key: UUID) -> None:
    """The condition is missed and its approval suspended, unless somebody was faster."""
    with act(CLOCK) as this:
        condition = _locked(Condition.objects.with_parts().get(pk=key))
        version = condition.review.version
        if not condition.is_overdue or condition.state not in UNMET or version.state != WITH_CONDITIONS:
            return
        fact = events.ConditionMissed(version_id=str(version.pk), number=condition.number, due=condition.due.isoformat())
        lifecycle.miss_condition(condition, fact, within=this, settled_at=clock.now())
        if condition in approval_of(version, condition.review.environment).conditions:
            suspend_within(version, reason="condition", within=this)


WITH_CONDITIONS = Version.State.APPROVED_WITH_CONDITIONS
