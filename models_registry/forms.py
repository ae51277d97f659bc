"""The shape of what people fill in: what they state of a model, and how a training run becomes a version."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.components import formatting
from models_registry.models import RegisteredModel, RiskTier, Task
from tracking.models import Artifact, TrainingRun


class RegisterForm(forms.Form):
    """The model that a run becomes a version of, and which of its files is the checkpoint."""

    model = forms.ModelChoiceField(label=_("Model"), queryset=RegisteredModel.objects.none(), empty_label=_("Choose a model"))
    artifact = forms.ChoiceField(label=_("Checkpoint"), required=False)
    note = forms.CharField(label=_("What changed"), required=False, max_length=500)

    def __init__(self, *args: Any, run: TrainingRun, checkpoints: list[Artifact], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["model"].queryset = RegisteredModel.objects.filter(team=run.team_id).order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        if checkpoints:
            named = [(one.path, f"{one.path} · {formatting.size(one.size)}") for one in checkpoints]
            choose = [("", _("Choose a file"))] if len(named) > 1 else []
            self.fields["artifact"].required = len(named) > 1
            self.fields["artifact"].choices = choose + named  # type: ignore[attr-defined]  # a ChoiceField
        else:  # nothing begins as a checkpoint does; whoever knows better names it
            help_text = _("No file of the run begins as a checkpoint does. Write the path of the one that is it.")
            self.fields["artifact"] = forms.CharField(label=_("Checkpoint"), max_length=500, help_text=help_text)


class StateForm(forms.Form):
    """Task and risk tier, each where it is open; classes for the tasks that have some."""

    task = forms.ChoiceField(label=_("Task"), choices=[("", _("Choose …")), *Task.choices])
    risk_tier = forms.ChoiceField(label=_("Risk tier"), choices=[("", _("Choose …")), *RiskTier.choices])
    classes = forms.CharField(
        label=_("Classes"),
        required=False,
        max_length=20_000,
        help_text=_("Their names in the order of the model's outputs, with commas between them."),
    )

    def __init__(self, *args: object, model: RegisteredModel, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type] # Django's own
        for name in ("task", "risk_tier", "classes"):
            if getattr(model, name):
                del self.fields[name]

    def clean_classes(self) -> list[str]:
        return [name.strip()[:100] for name in self.cleaned_data["classes"].split(",") if name.strip()]
