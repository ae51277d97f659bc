"""The shape of what people fill in: what they state of a model, and how a training run becomes a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from core.components import formatting
from models_registry.models import RegisteredModel, RiskTier, Task, Version
from models_registry.permissions import scientist_teams
from tracking.models import Artifact, TrainingRun

if TYPE_CHECKING:
    from accounts.models import Person


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


class CloneForm(forms.Form):
    """Where a clone goes: to a model that exists, or to a new one of a team."""

    model = forms.ModelChoiceField(
        label=_("Model"),
        queryset=RegisteredModel.objects.none(),
        required=False,
        empty_label=_("A new model"),
        help_text=_("A new one, which needs a team and a name, or another of the same task and classes, which needs neither."),
    )
    team = forms.ModelChoiceField(
        label=_("Team of the new model"), queryset=Team.objects.none(), required=False, empty_label=_("Choose a team")
    )
    name = forms.CharField(
        label=_("Name of the new model"),
        required=False,
        max_length=64,
        help_text=_("Lower-case letters, digits and hyphens. You own the model."),
    )
    description = forms.CharField(
        label=_("What the new model is for"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    note = forms.CharField(label=_("Why it is cloned"), required=False, max_length=500)

    def __init__(self, *args: Any, person: Person, original: Version, **options: Any) -> None:
        super().__init__(*args, **options)
        teams = scientist_teams(person)
        models = RegisteredModel.objects.filter(team__in=teams).exclude(pk=original.model_id).select_related("team")
        fitting = models.filter(Q(task="") | Q(task=original.model.task, classes=original.model.classes))
        self.fields["model"].queryset = fitting.order_by("name", "pk")  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["model"].label_from_instance = lambda one: f"{one.name} · {one.team.name}"  # type: ignore[attr-defined]  # as above
        self.fields["team"].queryset = teams.order_by("name")  # type: ignore[attr-defined]  # as above
        for name in ("team", "name"):  # what the label says instead of "optional"
            self.fields[name].needed = _("required for a new model")  # type: ignore[attr-defined]  # components/field.html

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("model"):
            for name, asked in (("team", _("Choose the team that gets the model.")), ("name", _("Name the new model."))):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, asked)
        elif given.get("team") or given.get("name"):
            self.add_error("model", _("Choose a model that exists, or name a new one with its team: one of the two."))
        return given


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
