"""Delegations in the API."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import SIGNING_ROLES
from governance.models import Delegation
from governance.models.delegation import MOST_DAYS
from governance.serializers.signatures import CredentialsInput


class DelegationOffer(CredentialsInput):
    delegate = serializers.UUIDField(help_text="Who signs on your behalf.")
    role = serializers.ChoiceField(choices=sorted(SIGNING_ROLES), help_text="A role that you hold and that signs.")
    team = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="Where you hold it; null: everywhere, where you hold it so."
    )
    starts_on = serializers.DateField(help_text="First day, in UTC.")
    ends_on = serializers.DateField(help_text=f"Last day, in UTC; at most {MOST_DAYS} days in all.")
    reason = serializers.CharField(max_length=4000)


class DelegationAcceptance(CredentialsInput):
    accept = serializers.BooleanField(
        required=False, help_text="Once, before your first signature: that it binds you as one by hand."
    )


class DelegationRow(serializers.ModelSerializer):
    state = serializers.CharField(
        source="shown_state", help_text="offered, to_come, in_force, declined, ended or expired, as of this moment."
    )

    class Meta:
        model = Delegation
        fields = [
            *("id", "delegator", "delegate", "role", "team", "reason", "starts_on", "ends_on", "state", "offered_at"),
            *("answered_at", "ended_at", "ended_by"),
        ]
