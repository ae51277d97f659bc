"""Policies in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Policy


class PolicyOutput(serializers.ModelSerializer):
    class Meta:
        model = Policy
        fields = ["id", "name", "number", "risk_tier", "body", "digest", "published_at"]
