"""What the API says of data."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from data_registry import coverage, lineage
from data_registry.models import Dataset, DatasetVersion, Link, PiiFinding, Profile


class DatasetOutput(serializers.ModelSerializer):
    class Meta:
        model = Dataset
        fields = ["id", "team", "name", "description", "created_by", "created_at"]


class ProfileOutput(serializers.ModelSerializer):
    facts = serializers.DictField(help_text="format, rows, columns with types and nulls, patterns that were looked for")
    not_checked = serializers.SerializerMethodField(help_text="Sentences: what the scan did not look at.")
    level = serializers.SerializerMethodField(help_text="The level that the sandbox reached.")

    class Meta:
        model = Profile
        fields = ["state", "error", "facts", "not_checked", "level", "queued_at", "started_at", "finished_at"]

    def get_not_checked(self, profile: Profile) -> list[str]:
        return [coverage.sentence(entry) for entry in profile.not_checked]

    def get_level(self, profile: Profile) -> str:
        return str(profile.sandbox.get("level", ""))


class VersionOutput(serializers.ModelSerializer):
    hold_out_since = serializers.DateTimeField(
        source="hold_out.registered_at",
        default=None,
        allow_null=True,
        help_text="Since when it is kept apart to test on; null where it is not.",
    )
    name = serializers.CharField(source="__str__", help_text="Such as “digits v2”.")
    columns = serializers.ListField(child=serializers.DictField(), help_text="As declared: name, dtype, category, present.")
    location = serializers.DictField(help_text="Where the content stays; empty where it is held here.")
    provenance = serializers.DictField(help_text="Elements of the D&TA Data Provenance Standards 1.0.0.")

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "dataset", "name", "number", "state", "digest", "size", "format", "media_type", "rows", "columns",
            "location", "hold_out_since", "provenance", "created_by", "created_at",
        ]  # fmt: skip


class LinkOutput(serializers.ModelSerializer):
    class Meta:
        model = Link
        fields = ["id", "from_version", "kind", "to_version", "created_by", "created_at"]


class FindingOutput(serializers.ModelSerializer):
    note = serializers.CharField()

    class Meta:
        model = PiiFinding
        fields = [
            "id", "column", "category", "kind", "present", "basis", "evaluated_by", "matched", "scanned", "note",
            "created_by", "created_at",
        ]  # fmt: skip


class FlagOutput(serializers.Serializer):
    category = serializers.ChoiceField(choices=PiiFinding.Category.choices)
    column = serializers.CharField()
    dataset_version = serializers.UUIDField(source="dataset_version.pk")
    present = serializers.ChoiceField(choices=["yes", "unknown"])
    bases = serializers.ListField(child=serializers.CharField())
    kinds = serializers.ListField(child=serializers.CharField())
    matched = serializers.IntegerField(allow_null=True)
    scanned = serializers.IntegerField(allow_null=True)
    path = serializers.CharField(help_text="Such as “annotators v1 (email) ← labelled_by ← digits v2”.")


class PiiOutput(serializers.Serializer):
    present = FlagOutput(many=True)
    unknown = FlagOutput(many=True)
    not_assessed = serializers.SerializerMethodField(help_text="Versions about which nobody said anything and no scan ended.")

    def get_not_assessed(self, assessment: lineage.Assessment) -> list[str]:
        return [str(name) for name in assessment.not_assessed]


class VersionDetail(VersionOutput):
    profile = serializers.SerializerMethodField(help_text="Null until the version is registered, or where nothing can read it.")
    pii = serializers.SerializerMethodField(help_text="Personal data here and in everything that this version came from.")

    class Meta(VersionOutput.Meta):
        fields = [*VersionOutput.Meta.fields, "profile", "pii"]

    @extend_schema_field(ProfileOutput(allow_null=True))
    def get_profile(self, version: DatasetVersion) -> dict[str, Any] | None:
        profile = getattr(version, "profile", None)
        return ProfileOutput(profile).data if profile else None

    @extend_schema_field(PiiOutput)
    def get_pii(self, version: DatasetVersion) -> dict[str, Any]:
        return PiiOutput(lineage.assess([version])).data
