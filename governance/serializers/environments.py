"""Environments in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Environment


class ProofInput(serializers.Serializer):
    """A reason, and fresh credentials: what a key alone may not decide."""

    reason = serializers.CharField(max_length=2000)
    password = serializers.CharField(write_only=True, trim_whitespace=False)
    code = serializers.CharField(write_only=True, required=False, allow_blank=True, default="", max_length=32)


class EnvironmentInput(ProofInput):
    slug = serializers.CharField(max_length=32, help_text="lower-case letters, digits and hyphens; it never changes")
    name = serializers.CharField(max_length=64)
    mode = serializers.ChoiceField(choices=Environment.Mode.choices)


class ModeInput(ProofInput):
    mode = serializers.ChoiceField(choices=Environment.Mode.choices)


class EnvironmentOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = Environment
        fields = ["slug", "name", "mode", "retired_at"]
