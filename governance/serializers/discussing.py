"""A review's discussion in the API."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import Role
from governance.models import Message


class MessageInput(serializers.Serializer):
    text = serializers.CharField(max_length=4000)
    role = serializers.ChoiceField(
        choices=Role.choices, required=False, allow_blank=True, help_text="Put the question to everybody who holds this role."
    )
    person = serializers.UUIDField(required=False, allow_null=True, help_text="Put the question to this person.")
    corrects = serializers.UUIDField(required=False, allow_null=True, help_text="An own entry that this one stands in place of.")


class AnswerInput(serializers.Serializer):
    text = serializers.CharField(max_length=4000)


class MessageOutput(serializers.ModelSerializer):
    text = serializers.CharField(allow_null=True, help_text="null once its writer is erased.")

    class Meta:
        model = Message
        fields = [
            *("id", "review", "kind", "text", "author", "asked_role", "asked_person"),
            *("answers", "corrects", "posted_at", "answered_at"),
        ]
