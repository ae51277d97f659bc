"""The shape of what people state of a model that was registered without it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from models_registry.models import RegisteredModel, RiskTier, Task


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
