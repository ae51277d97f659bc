"""Policies in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.dry_run import DryRun
from governance.models import Policy

MOST_STANDINGS = 500


class PolicyOutput(serializers.ModelSerializer):
    title = serializers.CharField(source="document.title", read_only=True)
    tiers = serializers.ListField(child=serializers.CharField(), source="document.covers.tiers", read_only=True)
    environments = serializers.ListField(child=serializers.CharField(), source="document.covers.environments", read_only=True)
    document = serializers.SerializerMethodField(help_text="All that it says, whatever format it was published in.")
    body = serializers.JSONField(read_only=True, help_text="What was published, byte for byte what `digest` stands for.")

    class Meta:
        model = Policy
        fields = ["id", "name", "number", "state", "title", "tiers", "environments", "document", "body", "digest", "published_at"]

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_document(self, policy: Policy) -> dict[str, Any]:
        return policy.document.body()


class PolicyInput(serializers.Serializer):
    document = serializers.JSONField(required=False, help_text="The document (docs/reference/policy-format.md); or send `yaml`.")
    yaml = serializers.CharField(required=False, max_length=262_144, trim_whitespace=False, help_text="The same as YAML.")


class PolicyChange(PolicyInput):
    seen = serializers.CharField(
        max_length=71, required=False, allow_blank=True, help_text="Digest you edited; refused if it changed since."
    )


class PublicationInput(serializers.Serializer):
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    code = serializers.CharField(
        max_length=32, required=False, allow_blank=True, write_only=True, help_text="Of your second factor, where you have one."
    )
    reason = serializers.CharField(max_length=2000, help_text="Why the policy changes; becomes part of the record.")
    seen = serializers.CharField(
        max_length=71, required=False, allow_blank=True, help_text="Digest you read; refused if it changed since."
    )


class StandingOutput(serializers.Serializer):
    version = serializers.UUIDField()
    name = serializers.CharField()
    environment = serializers.CharField()
    live = serializers.BooleanField()
    policy = serializers.CharField(help_text="Under which it was approved.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it would fall out.")
    open = serializers.ListField(child=serializers.CharField(), help_text="What is not known before a review under the policy.")


class DryRunOutput(serializers.Serializer):
    looked_at = serializers.IntegerField(help_text="Approvals that the policy covers.")
    staying = serializers.IntegerField()
    falling = serializers.IntegerField()
    live_falling = serializers.IntegerField(help_text="Of those that would fall out, the live releases.")
    unclear = serializers.IntegerField()
    rows = StandingOutput(many=True, help_text="Those that would fall out or are unclear, live ones first; at most 500.")


def shortened(found: DryRun) -> dict[str, Any]:
    return {
        "looked_at": found.looked_at,
        "staying": found.staying,
        "falling": len(found.falling),
        "live_falling": found.live_falling,
        "unclear": len(found.unclear),
        "rows": [*found.falling, *found.unclear][:MOST_STANDINGS],
    }
