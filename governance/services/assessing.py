"""Assessing the risk of a model, and putting an assessment into force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import Max
from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.assessing import METHOD, METHODS, rank, require_reasons, result_of
from governance.models import RiskAssessment
from governance.permissions import can_activate_assessment, can_assess
from governance.tiers import outgrown_by, special_categories_of
from ledger.acts import act
from ledger.events import Private
from models_registry.editing import assess_tier
from models_registry.models import RegisteredModel, RiskTier

if TYPE_CHECKING:
    from accounts.models import Person


def assess_risk(
    model: RegisteredModel,
    *,
    by: Person,
    levels: Mapping[str, int],
    reasons: Mapping[str, str],
    uses: Mapping[str, str] | None = None,
) -> RiskAssessment:
    """A draft of an assessment stands beside the earlier ones; it says the tier once somebody else activates it."""
    said = {law.key: (uses or {}).get(law.key, "") for law in METHOD.regulations} | dict(uses or {})
    with act(by, attempt="assess_risk", on=model) as this:
        model = RegisteredModel.objects.select_for_update(of=("self",)).select_related("team").get(pk=model.pk)
        can_assess(by, model).enforce()
        categories = special_categories_of(model)
        result = result_of(levels, said, categories)
        require_reasons(reasons)
        number = (RiskAssessment.objects.filter(model=model).aggregate(Max("number"))["number__max"] or 0) + 1
        made = RiskAssessment(
            model=model,
            number=number,
            method_version=METHOD.version,
            method_digest=METHOD.digest,
            levels=dict(levels),
            uses=said,
            categories=categories,
            score=result.score,
            assessed_tier=result.assessed,
            minimum_tier=result.minimum,
            tier=result.tier,
            author=by,
            created_at=this.at,
        )
        for earlier in RiskAssessment.objects.filter(model=model, state=RiskAssessment.State.DRAFT):
            lifecycle.archive_assessment(earlier, by=made, within=this)
        made.made_event = this.record(
            events.RiskAssessmentMade(
                model=str(model.pk),
                number=number,
                method_version=METHOD.version,
                method=METHOD.digest,
                levels=dict(levels),
                uses=said,
                categories=categories,
                score=result.score,
                assessed_tier=result.assessed,
                minimum_tier=result.minimum,
                tier=result.tier,
                reasons=Private(json.dumps({key: text.strip() for key, text in reasons.items()}, ensure_ascii=False)),
            ),
            on=made,
        )
        made.save(force_insert=True)
    return made


def activate_assessment(assessment: RiskAssessment, *, by: Person, tier: str = "", reason: str = "") -> RiskAssessment:
    """The assessment says its model's tier; the one before is archived. `tier` overrides the result, with a reason, upwards or
    downwards, never below what the law demands. Versions that were approved under a policy for a lower tier are named."""
    with act(by, attempt="activate_assessment", on=assessment) as this:
        RegisteredModel.objects.select_for_update(of=("self",)).get(pk=assessment.model_id)
        assessment = RiskAssessment.objects.with_parts().get(pk=assessment.pk)
        can_activate_assessment(by, assessment).enforce()
        if assessment.state != RiskAssessment.State.DRAFT:
            raise WrongState(
                _("This assessment is %(state)s.") % {"state": assessment.get_state_display().lower()}, code="not_a_draft"
            )
        result = result_of(
            assessment.levels, assessment.uses, special_categories_of(assessment.model), METHODS[assessment.method_version]
        )
        if rank(result.minimum) > rank(assessment.minimum_tier):
            raise WrongState(
                _("Since it was filled in, specially protected personal data have come to reach the model: fill it in anew."),
                code="outdated",
            )
        tier = tier or assessment.tier
        overridden = tier != assessment.tier
        _require_override(assessment, tier, reason, overridden=overridden)
        for earlier in RiskAssessment.objects.active().filter(model=assessment.model_id):
            lifecycle.archive_assessment(earlier, by=assessment, within=this)
        lifecycle.activate_assessment(assessment, by=by, tier=tier, reason=reason.strip(), overridden=overridden, within=this)
        assess_tier(assessment.model, tier, assessment=str(assessment.pk), within=this)
        for version, policy in outgrown_by(assessment.model, tier):
            this.record(
                events.TierOutgrown(policy=str(policy), policy_digest=policy.digest, tier=tier, assessment=str(assessment.pk)),
                on=version,
            )
    return assessment


def _require_override(assessment: RiskAssessment, tier: str, reason: str, *, overridden: bool) -> None:
    if tier not in RiskTier.values:
        raise InvalidInput(_("The tier is one of %(known)s.") % {"known": ", ".join(RiskTier.values)}, code="unknown_tier")
    if overridden and not reason.strip():
        raise InvalidInput(_("Say why the tier is another than the answers come to."), code="reason_missing")
    if len(reason) > 2000 or "\x00" in reason:
        raise InvalidInput(_("A reason has at most 2,000 characters."), code="reason")
    if rank(tier) < rank(assessment.minimum_tier):
        least = RiskTier(assessment.minimum_tier).label.lower()
        raise InvalidInput(
            _("The law demands at least %(least)s here, and nobody overrides that.") % {"least": least}, code="below_minimum"
        )
