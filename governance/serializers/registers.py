"""Registers that come in, in the API."""

from __future__ import annotations

from rest_framework import serializers

from governance.registers.planning import ORDER


class ImportQuery(serializers.Serializer):
    dry_run = serializers.ChoiceField(choices=["yes", "no"], default="no")
    plan = serializers.RegexField(r"^sha256:[0-9a-f]{64}$", required=False)


class ImportedRow(serializers.Serializer):
    row = serializers.IntegerField(help_text="As a spreadsheet counts it: the header is 1.")
    outcome = serializers.ChoiceField(choices=ORDER)
    finding = serializers.UUIDField(allow_null=True, help_text="Null for a new one and where none was found.")
    title = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True, help_text="What is done, or what is wrong and what to do about it.")


class ImportOutput(serializers.Serializer):
    """What each row does, or did."""

    file = serializers.CharField(help_text="The digest of the file.")
    plan = serializers.CharField(help_text="The digest of what the rows do as everything stands now.")
    written = serializers.BooleanField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    unread = serializers.ListField(child=serializers.CharField(), help_text="Columns that the register does not know.")
    rows = ImportedRow(many=True)
