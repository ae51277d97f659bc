"""Conditions in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Condition


class ConditionInput(serializers.Serializer):
    """One condition of a signature that approves with conditions."""

    text = serializers.CharField(max_length=1000)
    owner = serializers.UUIDField(help_text="Id of the person who sees to it.")
    due = serializers.DateField()
    evidence = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class ConditionOutput(serializers.ModelSerializer):
    owner_name = serializers.CharField(source="owner.__str__")
    version = serializers.UUIDField(source="review.version_id")
    overdue = serializers.BooleanField(source="is_overdue")

    class Meta:
        model = Condition
        fields = [
            *("id", "review", "version", "sign_off", "number", "role", "text", "evidence_asked", "owner", "owner_name", "due"),
            *("state", "overdue", "report", "reported_at", "evidence_digest", "evidence_name", "evidence_size", "refusal"),
            "settled_at",
        ]


class ConditionReportInput(serializers.Serializer):
    report = serializers.CharField(max_length=4000, help_text="What was done, and where it can be seen.")


class ConditionAnswerInput(serializers.Serializer):
    met = serializers.BooleanField()
    reason = serializers.CharField(max_length=4000, required=False, allow_blank=True, help_text="Needed when it is not met.")
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    code = serializers.CharField(max_length=32, required=False, allow_blank=True, write_only=True)
    accept = serializers.BooleanField(required=False, help_text="As for sign-offs.")
