"""Webhooks in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.models import Delivery, Webhook
from governance.webhooks.addresses import MOST_CHARACTERS


class WebhookInput(serializers.Serializer):
    url = serializers.CharField(max_length=MOST_CHARACTERS)
    team = serializers.UUIDField(allow_null=True, required=False, default=None, help_text="Whose events; null: every team's.")
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=Webhook.Kind.choices), min_length=1)


class WebhookOutput(serializers.ModelSerializer):
    class Meta:
        model = Webhook
        fields = ["id", "url", "team", "kinds", "state", "made_at", "failing_since"]


class WebhookMadeOutput(WebhookOutput):
    signing_key = serializers.CharField(help_text="By which deliveries are signed; shown this once.")

    class Meta(WebhookOutput.Meta):
        fields = [*WebhookOutput.Meta.fields, "signing_key"]


class DeliveryOutput(serializers.ModelSerializer):
    class Meta:
        model = Delivery
        fields = ["id", "event", "kind", "attempt", "outcome", "status", "milliseconds", "error", "at"]
