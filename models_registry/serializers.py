"""The shapes of models, versions, cards and inspections in the API."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_registry import services
from models_registry.descent import not_taken_over, original_of
from models_registry.models import Inspection, ModelCard, RegisteredModel, RiskTier, Task, Version, VersionData
from models_registry.registering_runs import not_linked


class ModelInput(serializers.Serializer):
    team = serializers.UUIDField(help_text="The team that owns the model.")
    name = serializers.CharField(max_length=64, help_text="Lower-case letters, digits and hyphens.")
    task = serializers.ChoiceField(choices=Task.choices)
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices)
    classes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        max_length=10_000,
        help_text="Class names in the order of the outputs.",
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)


class StateInput(serializers.Serializer):
    task = serializers.ChoiceField(choices=Task.choices, required=False)
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices, required=False)
    classes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        max_length=10_000,
        help_text="Class names in the order of the outputs.",
    )


class ModelOutput(serializers.ModelSerializer):
    team_name = serializers.CharField(source="team.name")
    owner = serializers.CharField(source="owner.name")

    class Meta:
        model = RegisteredModel
        fields = ["id", "name", "team", "team_name", "task", "risk_tier", "classes", "description", "owner", "created_at"]


class DataInput(serializers.Serializer):
    dataset_version = serializers.UUIDField()
    use = serializers.ChoiceField(choices=VersionData.Use.choices)


class ArchitectureInput(serializers.Serializer):
    name = serializers.CharField(max_length=64)
    config = serializers.DictField(required=False)


class VersionInput(serializers.Serializer):
    card = serializers.DictField(
        child=serializers.CharField(max_length=20_000, allow_blank=True), help_text="One text for each field of the card."
    )
    data = DataInput(many=True, required=False)  # type: ignore[assignment]  # a field with the name of DRF's property
    run = serializers.UUIDField(required=False, allow_null=True, help_text="The training run that this checkpoint came from.")
    architecture = ArchitectureInput(required=False, allow_null=True, help_text="For weight-only checkpoints.")
    reading = serializers.DictField(
        required=False, allow_null=True, help_text="How tables and images are read: features in their order, target, slices."
    )
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="What changed since the version before."
    )


class RegistrationInput(serializers.Serializer):
    model = serializers.UUIDField(help_text="The model of which it becomes the next version.")
    artifact = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Path of the artifact that is the checkpoint; not needed where the run keeps only one.",
    )
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="What changed since the version before."
    )
    architecture = ArchitectureInput(
        required=False, allow_null=True, help_text="For weight-only checkpoints; else that of the version before."
    )
    reading = serializers.DictField(required=False, allow_null=True, help_text="Else that of the version before.")


class CloneInput(serializers.Serializer):
    """Either `team` and `name` (a new model), or `model` (one that exists)."""

    team = serializers.UUIDField(required=False, help_text="The team that gets a new model; you are its data scientist.")
    name = serializers.CharField(required=False, max_length=64, help_text="The new model's: lower-case letters, digits, hyphens.")
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=4000, help_text="Of the new model: what it is for there."
    )
    model = serializers.UUIDField(required=False, help_text="Instead: the model, of the same task, that gets a new draft.")
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text="Why it was cloned.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("model" in attrs) == ("team" in attrs) or ("team" in attrs) != ("name" in attrs):
            raise serializers.ValidationError(_("Say where to: team and name for a new model, or the model that exists."))
        return attrs


class CardInput(serializers.Serializer):
    content = serializers.DictField(child=serializers.CharField(max_length=20_000, allow_blank=True))


class CardOutput(serializers.ModelSerializer):
    author = serializers.CharField(source="author.name")

    class Meta:
        model = ModelCard
        fields = ["id", "revision", "content", "digest", "author", "created_at"]


class CardFieldOutput(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field with the name of DRF's property
    asks = serializers.CharField(help_text="What belongs there.")
    required = serializers.BooleanField()  # type: ignore[assignment]  # as above


class CardFieldsOutput(serializers.Serializer):
    sections = CardFieldOutput(many=True)
    missing = serializers.CharField(help_text="The text that templates leave behind; it counts as saying nothing.")


class DataOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="dataset_version.__str__")
    digest = serializers.CharField(source="dataset_version.digest")

    class Meta:
        model = VersionData
        fields = ["dataset_version", "name", "digest", "use"]


class InspectionOutput(serializers.ModelSerializer):
    class Meta:
        model = Inspection
        fields = ["state", "verdict", "format", "reasons", "facts", "sandbox", "error", "queued_at", "finished_at"]


class OriginalOutput(serializers.Serializer):
    id = serializers.UUIDField(source="pk")
    name = serializers.CharField(source="__str__")


class ModelVersionOutput(serializers.ModelSerializer):
    """A version with everything that is said of it; whether its approval holds is asked at `approval/`."""

    name = serializers.CharField(source="__str__")
    model_name = serializers.CharField(source="model.name")
    card = serializers.SerializerMethodField()
    data = DataOutput(many=True)  # type: ignore[assignment]  # a field with the name of DRF's property
    inspection = serializers.SerializerMethodField()
    architecture = serializers.DictField(allow_null=True)
    reading = serializers.DictField(allow_null=True)
    submitted_by = serializers.CharField(source="submitted_by.name", default=None, allow_null=True)
    cloned_from = serializers.SerializerMethodField(help_text="The version whose bytes it has, which you may not see.")

    class Meta:
        model = Version
        fields = [
            "id",
            "name",
            "model",
            "model_name",
            "number",
            "state",
            "note",
            "checkpoint_digest",
            "checkpoint_size",
            "checkpoint_name",
            "architecture",
            "reading",
            "training_run",
            "cloned_from",
            "card",
            "data",
            "inspection",
            "created_at",
            "submitted_by",
            "submitted_at",
        ]

    def get_card(self, version: Version) -> dict[str, Any] | None:
        card = version.card
        return CardOutput(card).data if card else None

    def get_inspection(self, version: Version) -> dict[str, Any] | None:
        inspection = getattr(version, "inspection", None)
        return InspectionOutput(inspection).data if inspection else None

    @extend_schema_field(OriginalOutput(allow_null=True))
    def get_cloned_from(self, version: Version) -> Any:
        original = original_of(version)
        return OriginalOutput(original).data if original else None


class NotLinkedOutput(serializers.Serializer):
    name = serializers.CharField(source="data.name")
    context = serializers.CharField(source="data.context")  # type: ignore[assignment]  # a field with the name of DRF's property
    digest = serializers.CharField(source="data.digest")
    why = serializers.CharField()


class DraftOutput(ModelVersionOutput):
    """A draft, and what is still to be done before it can be submitted."""

    gaps = serializers.SerializerMethodField(help_text="One sentence each; empty: it can be submitted.")
    not_linked = serializers.SerializerMethodField(help_text="Data that its run names and the version does not.")

    class Meta(ModelVersionOutput.Meta):
        fields = [*ModelVersionOutput.Meta.fields, "gaps", "not_linked"]

    def get_gaps(self, version: Version) -> list[str]:
        return services.submission_gaps(version)

    @extend_schema_field(NotLinkedOutput(many=True))
    def get_not_linked(self, version: Version) -> Any:
        return NotLinkedOutput(not_linked(version), many=True).data


class CloneOutput(DraftOutput):
    """The draft that was begun, and what of the original it does not have."""

    not_taken_over = serializers.SerializerMethodField(help_text="One sentence; empty: nothing is missing.")

    class Meta(DraftOutput.Meta):
        fields = [*DraftOutput.Meta.fields, "not_taken_over"]

    def get_not_taken_over(self, version: Version) -> str:
        return not_taken_over(version)


class ModelVersionRow(serializers.ModelSerializer):
    """A version in a list."""

    name = serializers.CharField(source="__str__")

    class Meta:
        model = Version
        fields = ["id", "name", "number", "state", "checkpoint_digest", "created_at", "submitted_at"]
