"""What follows when a retrained version was measured: within every limit it is approved and released, else people decide."""

from __future__ import annotations

import logging

from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.errors import DomainError, WrongState
from evaluations.models import EvaluationRun
from governance import events, lifecycle
from governance.approvals import approval_of
from governance.change_envelopes.limits import Limit, limits_of, used
from governance.change_envelopes.measuring import UNDER_WAY, ask_for_comparisons
from governance.environments import known
from governance.models import ChangeEnvelope, EnvelopeDecision, Release, Review
from governance.reviewing import refresh
from governance.services.releasing import make_release
from ledger.actors import ENVELOPE
from ledger.acts import Act, act
from models_registry import lifecycle as versions
from models_registry.models import RegisteredModel, Version

log = logging.getLogger(__name__)


def decide_by_envelopes() -> None:
    """Every open review that an envelope in force covers, and whose version is measured, is decided by it, once."""
    for envelope in ChangeEnvelope.objects.standing().order_by("pk"):
        rows = Review.objects.open().filter(
            version__model=envelope.model_id, environment=envelope.environment, version__state=Version.State.IN_REVIEW
        )
        rows = rows.exclude(envelope_decisions__envelope=envelope).exclude(version__envelope_decisions__inside=True)
        for key in rows.order_by("opened_at").values_list("pk", flat=True):
            try:
                decide(Review.objects.get(pk=key), envelope)
            except DomainError:  # somebody was faster: what stands now is asked again at the next turn
                log.warning("A change envelope could not decide.", extra={"facts": {"review": str(key)}})


def decide(review: Review, envelope: ChangeEnvelope) -> EnvelopeDecision | None:
    """The decision on this review, recorded with every figure; None while something is still being measured, or where people or
    another decision came first. Of two at once the model's row lets one pass at a time, so that the count is exact."""
    with act(ENVELOPE) as this:
        RegisteredModel.objects.select_for_update().get(pk=envelope.model_id)
        # The baseline with the version, in the order of suspensions: neither is suspended while this is decided.
        rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run")
        both = {one.pk: one for one in rows.filter(pk__in=[review.version_id, envelope.baseline_id]).order_by("pk")}
        review = Review.objects.locked().select_related("policy").get(pk=review.pk)
        envelope = ChangeEnvelope.objects.with_parts().select_for_update(of=("self",)).get(pk=envelope.pk)
        review.version, envelope.baseline = both[review.version_id], both[envelope.baseline_id]
        version = review.version
        if not _is_to_be_decided(review, envelope) or ask_for_comparisons(version, envelope, within=this):
            return None
        if EvaluationRun.objects.filter(version=version, state__in=UNDER_WAY, repeats=None).exists():
            return None
        refresh(review, within=this)
        approval = approval_of(version, review.environment)
        limits = limits_of(version, envelope, approval)
        decision = _record(review, envelope, limits, pinned=approval.digest, within=this)
        if decision.inside:
            _approve_and_release(review, within=this)
    return decision


def _is_to_be_decided(review: Review, envelope: ChangeEnvelope) -> bool:
    """Whether nobody has decided meanwhile. An envelope that ended just now decides nothing."""
    if review.state != Review.State.OPEN or review.version.state != Version.State.IN_REVIEW:
        return False
    if envelope.state != ChangeEnvelope.State.ACTIVE or review.version_id == envelope.baseline_id:
        return False
    return not review.envelope_decisions.filter(envelope=envelope).exists()


def _record(review: Review, envelope: ChangeEnvelope, limits: list[Limit], *, pinned: str, within: Act) -> EnvelopeDecision:
    inside = all(limit.outcome == "met" for limit in limits)
    body = {
        "format": "countersign-change-envelope-decision/1",
        "envelope": envelope.digest,
        "review": str(review.pk),
        "version": str(review.version_id),
        "pinned": pinned,
        "inside": inside,
        "limits": [limit.as_json() for limit in limits],
    }
    nth = used(envelope) + 1
    made = EnvelopeDecision.objects.create(
        envelope=envelope,
        review=review,
        version=review.version,
        inside=inside,
        pinned=pinned,
        body=body,
        digest=sha256_of(body),
        decided_at=within.at,
    )
    named = {"envelope": envelope.digest, "decision": made.digest, "pinned": pinned}
    if inside:
        within.record(events.ChangeEnvelopeKept(**named, nth=nth, most=envelope.limits["releases"]), on=review.version)
    else:
        broken = list(dict.fromkeys(limit.name for limit in limits if limit.outcome != "met"))
        within.record(events.ChangeEnvelopePassed(**named, limits=broken), on=review.version)
    return made


def _approve_and_release(review: Review, *, within: Act) -> None:
    """The standing approval counts, so the version is approved and live; anything that speaks against it takes all of it back."""
    version, environment = review.version, review.environment
    approval = approval_of(version, environment)
    if not approval.holds:
        raise WrongState(_("Not approved: %(reasons)s") % {"reasons": " ".join(approval.reasons)}, code="blocked")
    lifecycle.conclude(review, outcome="approved", digest=approval.digest, within=within)
    versions.approve(version, review=str(review.pk), digest=approval.digest, within=within)
    live = Release.objects.live().filter(model=version.model_id, environment=environment).select_related("version__model").first()
    if live is not None:
        lifecycle.supersede(live, by=str(version.pk), within=within)
    mode = known(environment, locked=True).mode
    approval = approval_of(version, environment)
    make_release(version, environment, by=None, approval=approval, mode=mode, instead_of=live, within=within)
