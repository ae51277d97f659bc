"""Reviews, signatures and approvals in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Person
from governance.approvals import Approval, approval_sought
from governance.looking_anew import notice_of
from governance.models import PRODUCTION, Review
from governance.requirements import Outcome
from governance.requirements.gravest import gravest_first, title_of
from governance.serializers.common import EnvironmentNamed
from governance.serializers.conditions import ConditionOutput
from governance.serializers.signatures import (
    AccountabilityOutput,
    SignOffOutput,
    YourSignature,
    accountability_of,
    your_signatures,
)
from models_registry.models import Version


class SubmissionInput(serializers.Serializer):
    environment = EnvironmentNamed(default=PRODUCTION)


class ApprovalStep(serializers.Serializer):
    role = serializers.CharField()
    meaning = serializers.CharField()
    quorum = serializers.IntegerField()
    applies = serializers.BooleanField()
    because = serializers.CharField()
    met = serializers.BooleanField()
    counted = SignOffOutput(many=True)
    stale = serializers.ListField(child=serializers.DictField())


class ApprovalEvaluation(serializers.Serializer):
    id = serializers.UUIDField()
    data = serializers.CharField()  # type: ignore[assignment]  # a field with the name of DRF's property
    state = serializers.CharField()
    outcome = serializers.CharField()
    checks = serializers.ListField(child=serializers.DictField())


class ApprovalRequirement(serializers.Serializer):
    kind = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    sentence = serializers.CharField()
    subject = serializers.CharField(help_text="What of the kind it is about, as an exception would name it; may be empty.")
    page = serializers.CharField(help_text="Address of the evidence on this site; may be empty.")


class ApprovalOutput(serializers.Serializer):
    holds = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField()
    digest = serializers.CharField(help_text="What a signature given now would stand for.")
    policy = serializers.CharField()
    review = serializers.UUIDField(allow_null=True)
    under_way = serializers.UUIDField(allow_null=True, help_text="The review that looks at it anew while it holds.")
    notice = serializers.CharField(allow_blank=True, help_text="Why it is looked at anew, and what follows.")
    steps = ApprovalStep(many=True)
    evaluations = ApprovalEvaluation(many=True)
    requirements = ApprovalRequirement(many=True, help_text="What the policy asks, the gravest answers first.")
    conditions = ConditionOutput(many=True)


class ReviewRow(serializers.ModelSerializer):
    name = serializers.CharField(source="version.__str__")
    policy = serializers.CharField(source="policy.__str__")
    overdue = serializers.BooleanField(source="is_overdue", help_text="Open, and past the day by which it was to be decided.")

    class Meta:
        model = Review
        fields = [
            *("id", "version", "name", "policy", "environment", "state", "outcome", "opened_at", "concluded_at"),
            *("due_at", "overdue", "valid_until", "renews", "cause", "earlier_holds_until"),
        ]


class ReviewOutput(ReviewRow):
    approval = ApprovalOutput()
    you_may_sign_as = serializers.ListField(child=serializers.CharField())
    you_would_sign = YourSignature(many=True)
    accountability = AccountabilityOutput()

    class Meta(ReviewRow.Meta):
        fields = [*ReviewRow.Meta.fields, "approval", "you_may_sign_as", "you_would_sign", "accountability"]


def approval(version: Version, found: Approval) -> dict[str, Any]:
    """`ApprovalOutput` of a computed approval."""
    return {
        "holds": found.holds,
        "reasons": found.reasons,
        "state": version.state,
        "digest": found.digest,
        "policy": str(found.policy or ""),
        "review": str(found.review.pk) if found.review else None,
        "under_way": str(found.under_way.pk) if found.under_way else None,
        "notice": notice_of(found.under_way) if found.under_way else "",
        "steps": [
            {
                "role": standing.step.role,
                "meaning": standing.step.meaning,
                "quorum": standing.step.quorum,
                "applies": standing.step.applies,
                "because": standing.step.because,
                "met": standing.met,
                "counted": SignOffOutput(standing.counted, many=True).data,
                "stale": [{**SignOffOutput(signed).data, "changed": changed} for signed, changed in standing.stale],
            }
            for standing in found.steps
        ],
        "evaluations": [
            {
                "id": str(run.pk),
                "data": str(run.dataset_version),
                "state": run.state,
                "outcome": verdict.outcome,
                "checks": [{"outcome": check.outcome, "sentence": check.sentence} for check in verdict.checks],
            }
            for run, verdict in found.verdicts
        ],
        "requirements": [
            {
                "kind": one.kind,
                "title": title_of(one),
                "outcome": one.outcome.value,
                "sentence": one.sentence,
                "subject": one.subject,
                "page": one.href,
            }
            for one in gravest_first(found.answers)
        ],
        "conditions": ConditionOutput(found.conditions, many=True).data,
    }


def read(row: Review, person: Person) -> dict[str, Any]:
    """`ReviewOutput` of a review as it stands for the person who asks."""
    row = Review.objects.with_parts().get(pk=row.pk)
    found = approval_sought(row)
    yours = your_signatures(row, person, found.digest) if row.state == Review.State.OPEN else []
    return {
        **ReviewRow(row).data,
        "approval": approval(row.version, found),
        "you_may_sign_as": [one["role"] for one in yours if one["delegation"] is None],
        "you_would_sign": yours,
        "accountability": accountability_of(person),
    }
