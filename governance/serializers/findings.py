"""Findings in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Finding

TEXT = 4000


class FindingRaising(serializers.Serializer):
    """Names what it is about by exactly one of `version`, `model` and `dataset_version`."""

    version = serializers.UUIDField(required=False)
    model = serializers.UUIDField(required=False)
    dataset_version = serializers.UUIDField(required=False)
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    severity = serializers.ChoiceField(choices=Finding.Severity.choices)
    source = serializers.ChoiceField(choices=Finding.Source.choices)  # type: ignore[assignment]  # a field with the name of DRF's property
    due_on = serializers.DateField()
    owner = serializers.UUIDField(required=False, help_text="Who mends it; without it, whoever answers for the thing.")
    reference = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="Its name in another system; once in a team."
    )


class FindingRevision(serializers.Serializer):
    severity = serializers.ChoiceField(choices=Finding.Severity.choices, required=False)
    due_on = serializers.DateField(required=False)
    owner = serializers.UUIDField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class FindingPlan(serializers.Serializer):
    plan = serializers.CharField(max_length=TEXT)


class FindingDone(serializers.Serializer):
    done = serializers.CharField(max_length=TEXT)


class FindingRetest(serializers.Serializer):
    passed = serializers.BooleanField()
    reason = serializers.CharField(max_length=TEXT)


class FindingRow(serializers.ModelSerializer):
    about = serializers.CharField(source="subject.__str__")
    overdue = serializers.BooleanField(source="is_overdue")
    owner_name = serializers.CharField(source="owner.__str__")

    class Meta:
        model = Finding
        fields = [
            *("id", "reference", "title", "description", "severity", "source", "state", "overdue", "due_on"),
            *("team", "model", "version", "dataset_version", "about", "owner", "owner_name", "plan", "done"),
            *("retest_reason", "retested_by", "retested_at", "raised_by", "raised_at"),
        ]
