"""Files that people bring as evidence, in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Evidence


class EvidenceQuery(serializers.Serializer):
    """What stands beside the bytes, in the query."""

    title = serializers.CharField(required=False, max_length=200, allow_blank=True)
    version = serializers.UUIDField(required=False)
    owner = serializers.UUIDField(required=False)
    valid_from = serializers.DateField(required=False)
    valid_until = serializers.DateField(required=False)


class EvidenceWithdrawalInput(serializers.Serializer):
    reason = serializers.CharField(max_length=500)


class EvidenceOutput(serializers.ModelSerializer):
    kind_title = serializers.CharField(source="kind_words")
    owner = serializers.CharField(source="owner.name")
    standing = serializers.ChoiceField(
        choices=["valid", "expiring", "expired", "upcoming", "superseded", "withdrawn"], help_text="How it stands today."
    )

    class Meta:
        model = Evidence
        fields = [
            *("id", "model", "version", "kind", "kind_title", "title", "file_name", "digest", "size", "owner"),
            *("valid_from", "valid_until", "state", "standing", "uploaded_at", "ended_at", "reason"),
        ]
