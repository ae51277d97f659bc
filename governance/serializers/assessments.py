"""Risk assessments in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import RiskAssessment


class RiskMethodOutput(serializers.Serializer):
    version = serializers.IntegerField()
    digest = serializers.CharField()
    method = serializers.DictField(
        help_text="Factors with weights, laws with their listed uses, thresholds: what the digest is over."
    )
    questions = serializers.DictField(help_text="What each factor and law asks, with its answers in words.")


class RiskAssessmentInput(serializers.Serializer):
    levels = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=3), help_text="{factor: 0 to 3}")
    uses = serializers.DictField(
        child=serializers.CharField(max_length=40, allow_blank=True),
        required=False,
        help_text="{law: a use that it lists, or empty}",
    )
    reasons = serializers.DictField(child=serializers.CharField(max_length=2000), help_text="One for each factor and each law.")


class RiskActivationInput(serializers.Serializer):
    tier = serializers.CharField(
        max_length=8, required=False, help_text="low, medium or high: overrides what the answers come to."
    )
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True, help_text="Needed with another tier.")


class RiskAssessmentOutput(serializers.ModelSerializer):
    author = serializers.CharField(source="author.name")
    assessed_tier = serializers.CharField(help_text="By the method alone: low, medium or high.")
    minimum_tier = serializers.CharField(help_text="The least that the law sets; empty where it sets none.")
    tier = serializers.CharField(help_text="What results, an override included.")

    class Meta:
        model = RiskAssessment
        fields = [
            *("id", "model", "number", "state", "method_version", "method_digest", "levels", "uses", "categories", "score"),
            *("assessed_tier", "minimum_tier", "tier", "overridden", "author", "created_at", "activated_at", "archived_at"),
        ]
