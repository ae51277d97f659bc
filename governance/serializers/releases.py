"""Releases and the gate in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.gate import GateAnswer
from governance.models import Attestation, Release
from governance.serializers.common import EnvironmentNamed


class ReleaseInput(serializers.Serializer):
    version = serializers.UUIDField()
    environment = EnvironmentNamed()


class RollbackInput(serializers.Serializer):
    environment = EnvironmentNamed()
    reason = serializers.CharField(max_length=500)
    to = serializers.UUIDField(required=False, help_text="an earlier version; without it the latest whose approval holds")


class ReleaseOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="version.__str__")
    checkpoint = serializers.CharField(source="version.checkpoint_digest")
    released_by = serializers.CharField(source="releaser.actor_id", help_text="pseudonym of the person, or “envelope”")

    emergency_until = serializers.DateTimeField(
        source="emergency.ends_at",
        allow_null=True,
        default=None,
        read_only=True,
        help_text="of a release in an emergency: until when it may run",
    )

    class Meta:
        model = Release
        fields = [
            *("id", "model", "version", "name", "checkpoint", "environment", "state", "released_at", "released_by", "ended_at"),
            *("ended_why", "reason", "mode", "against", "review", "approval", "under", "emergency_until"),
        ]


class GateOutput(serializers.Serializer):
    allowed = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
    digest = serializers.CharField()
    environment = serializers.CharField()
    version = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    policy = serializers.CharField()
    notice = serializers.CharField(
        help_text="what must be known of an allowed answer: that it rests on a release in an emergency"
    )
    attestation = serializers.DictField(
        allow_null=True,
        help_text="The signed statement of an allowed answer, a DSSE envelope; see docs/reference/attestations.md.",
    )


class GateStatusOutput(serializers.Serializer):
    digest = serializers.CharField()
    environment = serializers.CharField()
    version = serializers.UUIDField()
    name = serializers.CharField()
    result = serializers.ChoiceField(choices=Attestation.Result.choices)
    current = serializers.BooleanField(help_text="Whether it allows now: PASSED and not expired.")
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    attestation = serializers.JSONField()


def gate(given: GateAnswer) -> dict[str, Any]:
    """`GateOutput` of an answer."""
    return {
        "allowed": given.allowed,
        "reasons": given.reasons,
        "digest": given.digest,
        "environment": given.environment,
        "version": str(given.version.pk) if given.version else None,
        "name": str(given.version or ""),
        "policy": given.policy,
        "notice": given.notice,
        "attestation": given.attestation.envelope if given.attestation else None,
    }


def gate_status(found: Attestation) -> dict[str, Any]:
    """`GateStatusOutput` of the latest attestation."""
    shown = {
        "digest": found.checkpoint,
        "environment": found.environment,
        "version": found.version_id,
        "name": str(found.version),
        "result": found.result,
        "current": found.is_current,
        "made_at": found.made_at,
        "expires_at": found.expires_at,
        "attestation": found.envelope,
    }
    return dict(GateStatusOutput(shown).data)
