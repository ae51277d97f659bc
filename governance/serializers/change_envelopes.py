"""Change envelopes in the API."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import Role
from governance.change_envelopes.limits import used
from governance.change_envelopes.words import limits_in_words
from governance.models import ChangeEnvelope, EnvelopeDecision, EnvelopeSignature
from governance.serializers.common import EnvironmentNamed
from governance.serializers.signatures import CredentialsInput


class ChangeEnvelopeInput(serializers.Serializer):
    environment = EnvironmentNamed()
    metric = serializers.CharField(max_length=64, help_text="Compared row by row, such as accuracy.")
    margin = serializers.FloatField(help_text="How much worse it may be at the unfavourable bound; 0.01 is one point.")
    churn = serializers.FloatField(help_text="Largest share of changed predictions at the upper bound.")
    releases = serializers.IntegerField(help_text="Most releases in the period.")
    days = serializers.IntegerField(help_text="Length of the period.")
    expires_at = serializers.DateTimeField()


class ChangeEnvelopeSigningInput(CredentialsInput):
    role = serializers.ChoiceField(choices=Role.choices)
    seen = serializers.CharField(max_length=71, help_text="Digest of the envelope that you read.")
    accept = serializers.BooleanField(
        required=False, help_text="Once, before your first signature: that it binds you as one by hand."
    )


class ChangeEnvelopeReason(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class ChangeEnvelopeRevocationInput(CredentialsInput):
    reason = serializers.CharField(max_length=2000)


class ChangeEnvelopeSignatureOutput(serializers.ModelSerializer):
    record = serializers.DictField(help_text="DSSE envelope over an in-toto Statement with the whole body.")

    class Meta:
        model = EnvelopeSignature
        fields = ["id", "role", "meaning", "digest", "proof", "signed_at", "record"]


class ChangeEnvelopeOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="__str__")

    class Meta:
        model = ChangeEnvelope
        fields = [
            *("id", "name", "model", "number", "environment", "baseline", "state", "digest", "body"),
            *("drafted_at", "activated_at", "expires_at", "ended_at"),
        ]


class ChangeEnvelopeWhole(ChangeEnvelopeOutput):
    words = serializers.SerializerMethodField(help_text="Every limit in a sentence.")
    used = serializers.SerializerMethodField(help_text="Releases under it in the period that ends now.")
    signatures = ChangeEnvelopeSignatureOutput(many=True)

    class Meta(ChangeEnvelopeOutput.Meta):
        fields = [*ChangeEnvelopeOutput.Meta.fields, "words", "used", "signatures"]

    def get_words(self, row: ChangeEnvelope) -> list[str]:
        return limits_in_words(row)

    def get_used(self, row: ChangeEnvelope) -> int:
        return used(row)


class EnvelopeDecisionOutput(serializers.ModelSerializer):
    limits = serializers.ListField(child=serializers.DictField(), help_text="Each limit with its figures and a sentence.")
    name = serializers.CharField(source="version.__str__")

    class Meta:
        model = EnvelopeDecision
        fields = ["id", "envelope", "version", "name", "review", "inside", "pinned", "digest", "limits", "decided_at"]
