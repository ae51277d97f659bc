"""Policies in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import Policy


class PolicyOutput(serializers.ModelSerializer):
    title = serializers.CharField(source="document.title", read_only=True)
    tiers = serializers.ListField(child=serializers.CharField(), source="document.covers.tiers", read_only=True)
    environments = serializers.ListField(child=serializers.CharField(), source="document.covers.environments", read_only=True)
    document = serializers.SerializerMethodField(help_text="All that it says, whatever format it was published in.")
    body = serializers.JSONField(read_only=True, help_text="What was published, byte for byte what `digest` stands for.")

    class Meta:
        model = Policy
        fields = ["id", "name", "number", "title", "tiers", "environments", "document", "body", "digest", "published_at"]

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_document(self, policy: Policy) -> dict[str, Any]:
        return policy.document.body()
