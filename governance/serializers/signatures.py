"""Signatures in the API: what is sent to sign, what is told of a signature, its record."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from accounts.models import Person, Role
from core.errors import InvalidInput
from governance.models import Delegation, Review, SignOff
from governance.permissions import capacities
from governance.serializers.conditions import ConditionInput
from governance.services.accountability import has_accepted
from governance.services.conditions import MOST, Wanted
from governance.signed_words import ACCOUNTABILITY_VERSION, accountability_text, texts_of


class CredentialsInput(serializers.Serializer):
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    code = serializers.CharField(
        max_length=32, required=False, allow_blank=True, write_only=True, help_text="Of your second factor, where you have one."
    )


class SignOffInput(CredentialsInput):
    role = serializers.ChoiceField(choices=Role.choices)
    verdict = serializers.ChoiceField(choices=SignOff.Verdict.choices)
    comment = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    seen = serializers.CharField(
        max_length=71,
        help_text="Digest that you read (`approval.digest`); refused if it changed since.",
        error_messages={"required": gettext_lazy("Say which digest you read: approval.digest of the review.")},
    )
    accept = serializers.BooleanField(
        required=False, help_text="Once, before your first signature: that it binds you as one by hand."
    )
    conditions = serializers.ListField(child=ConditionInput(), required=False, max_length=MOST)
    delegation = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="The delegation by which you sign on behalf of another; left out: for yourself.",
    )


def signature_of(given: dict[str, Any], person: Person) -> dict[str, Any]:
    """What the service takes of the `SignOffInput` of this person."""
    if key := given.pop("delegation", None):
        given["delegation"] = Delegation.objects.visible_to(person).with_parts().filter(pk=key).first()
        if given["delegation"] is None:
            raise InvalidInput(_("There is no delegation %(id)s of yours.") % {"id": key}, code="delegation", field="delegation")
    wanted = given.pop("conditions", [])
    owners = Person.objects.in_bulk([one["owner"] for one in wanted])
    missing = [one["owner"] for one in wanted if one["owner"] not in owners]
    if missing:
        raise InvalidInput(_("Nobody has the id %(id)s.") % {"id": missing[0]}, code="condition_owner")
    return given | {"conditions": [Wanted(one["text"], owners[one["owner"]], one["due"], one["evidence"]) for one in wanted]}


class SignOffOutput(serializers.ModelSerializer):
    class Meta:
        model = SignOff
        fields = ["id", "role", "verdict", "meaning", "digest", "proof", "signed_at", "on_behalf_of", "delegation"]


class WithdrawalInput(CredentialsInput):
    reason = serializers.CharField(max_length=4000, required=False, allow_blank=True)


class RecordOutput(serializers.Serializer):
    format = serializers.CharField(help_text="countersign-signature/1")
    envelope = serializers.DictField(help_text="DSSE envelope over an in-toto Statement")
    disclosed = serializers.ListField(child=serializers.DictField(), help_text="Personal values: place, salt, value.")
    withdrawal = serializers.DictField(required=False, help_text="The record by which the signer took it back.")


class YourSignature(serializers.Serializer):
    role = serializers.CharField()
    delegation = serializers.UUIDField(allow_null=True, help_text="By which you would sign; null: for yourself.")
    on_behalf_of = serializers.UUIDField(allow_null=True, help_text="The delegator.")
    texts = serializers.DictField(child=serializers.CharField(), help_text="What you sign, for each verdict.")


class AccountabilityOutput(serializers.Serializer):
    version = serializers.IntegerField()
    text = serializers.CharField()
    accepted = serializers.BooleanField()


def your_signatures(row: Review, person: Person, digest: str) -> list[dict[str, Any]]:
    """What `person` would sign in each role in which they may, word for word."""
    steps = {step.role: step for step in row.steps.all()}
    return [
        {
            "role": one.role,
            "delegation": one.delegation.pk if one.delegation else None,
            "on_behalf_of": one.delegation.delegator_id if one.delegation else None,
            "texts": texts_of(row.version, row.environment, step=steps[one.role], digest=digest, delegation=one.delegation),
        }
        for one in capacities(person, row)
    ]


def accountability_of(person: Person) -> dict[str, Any]:
    return {"version": ACCOUNTABILITY_VERSION, "text": accountability_text(), "accepted": has_accepted(person)}
