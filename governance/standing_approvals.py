"""What an approval may rest on in place of signatures on the version itself: signatures on a change envelope, and a decision."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from core.canonical import sha256_of
from governance.models import EnvelopeDecision, EnvelopeSignature, Review


@dataclass(frozen=True)
class StandingApproval:
    """A decision that the version lay within every limit, and the signatures on these; `reasons` say why it does not count."""

    decision: EnvelopeDecision
    signatures: list[EnvelopeSignature]
    reasons: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        return not self.reasons


def standing_approval_of(review: Review, digest: str) -> StandingApproval | None:
    """The standing approval of the version under review, held against what is pinned today (`digest`); None where none was given.

    What was released under an envelope stays so when the envelope expires or is revoked, as what was signed before a policy
    changed stays signed: to take such a version back, suspend it.
    """
    rows = EnvelopeDecision.objects.inside().filter(review=review).select_related("envelope__model", "envelope__policy")
    decision = rows.first()
    if decision is None:
        return None
    envelope = decision.envelope
    signatures = list(envelope.signatures.filter(digest=envelope.digest))
    people = {step.role: {one.person for one in signatures if one.role == step.role} for step in envelope.steps.all()}
    reasons = []
    if sha256_of(envelope.body) != envelope.digest or sha256_of(decision.body) != decision.digest:
        reasons.append(_("%(envelope)s is not what was signed any more.") % {"envelope": envelope})
    if decision.body["envelope"] != envelope.digest or decision.body["pinned"] != decision.pinned:
        reasons.append(_("The decision under %(envelope)s is about something else.") % {"envelope": envelope})
    if any(step.applies and len(people[step.role]) < step.quorum for step in envelope.steps.all()):
        reasons.append(_("%(envelope)s was not signed by everybody whose signature it needs.") % {"envelope": envelope})
    if decision.pinned != digest:
        said = _("The version changed after it was found within %(envelope)s, so people sign it now.")
        reasons.append(said % {"envelope": envelope})
    return StandingApproval(decision, signatures, reasons)
