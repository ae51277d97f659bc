"""Exceptions in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import RequirementException

TEXT = 4000


class ExceptionAsking(serializers.Serializer):
    """`kind` and `subject` name an answer of the version's approval that stands against it."""

    version = serializers.UUIDField()
    environment = serializers.CharField(max_length=64, default="production")
    kind = serializers.CharField(max_length=40)
    subject = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    reason = serializers.CharField(max_length=TEXT)
    control = serializers.CharField(max_length=TEXT)
    expires_on = serializers.DateField()
    whole_model = serializers.BooleanField(default=False)


class ExceptionApproval(serializers.Serializer):
    decision = serializers.CharField(max_length=TEXT, required=False, allow_blank=True)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    code = serializers.CharField(max_length=32, required=False, allow_blank=True, write_only=True)


class ExceptionRefusal(serializers.Serializer):
    decision = serializers.CharField(max_length=TEXT)


class ExceptionRevocation(serializers.Serializer):
    reason = serializers.CharField(max_length=TEXT)


class ExceptionRow(serializers.ModelSerializer):
    about = serializers.CharField(source="scope.__str__")
    stands = serializers.BooleanField()

    class Meta:
        model = RequirementException
        fields = [
            *("id", "model", "version", "about", "policy", "kind", "subject", "reason", "control", "expires_on", "state"),
            *("stands", "requested_by", "requested_at", "decided_by", "decided_as", "decided_at", "decision"),
        ]
