"""The shape of a submission, of a draft that is finished, and of a card."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from data_registry.models import DatasetVersion
from governance.environments import choices
from governance.models import PRODUCTION
from models_registry.cards import FIELDS, LONGEST
from models_registry.descent import keeps_bytes
from models_registry.models import RegisteredModel, Version
from models_registry.permissions import scientist_teams
from tracking.models import TrainingRun

USES = ("training", "validation", "stopping", "testing")


READING = {"features": [{"name": "age", "kind": "number", "mean": 41.2, "scale": 12.9}], "target": "ill"}


MOST_CHOICES = 200  # of the newest dataset versions and runs; older ones are named from a shell


PROGRAM = "-"  # the choice of an architecture for a file that needs none, because it is a program


# The built-in architectures with an example of their settings. Named here, because the web imports nothing that could import
# torch; a test holds this beside models_registry.inspection.architectures.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "small-cnn": {"input": [1, 8, 8], "channels": [16, 32], "classes": 10},
    "mlp": {"input": [64], "hidden": [32], "classes": 10},
    "residual-cnn": {"input": [3, 32, 32], "stages": [16, 32, 64], "blocks": 3, "classes": 10},
    "recurrent": {"cell": "lstm", "features": 8, "hidden": 32, "layers": 1, "bidirectional": False, "classes": 10},
    "transformer-encoder": {
        "features": 8,
        "length": 8,
        "width": 32,
        "heads": 4,
        "layers": 2,
        "feedforward": 64,
        "classes": 10,
    },
}


OPTIONAL = {"mlp": {"hidden"}, "small-cnn": {"hidden"}, "recurrent": {"layers", "bidirectional"}}


class SettingsField(forms.JSONField):
    """JSON that is empty, not "null", while nobody has written any."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class RunField(forms.ModelChoiceField):
    """Training runs, each with what tells it from others of its name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.experiment.name} · {date_format(obj.created_at, 'j M Y H:i')}"


class DataField(forms.ModelMultipleChoiceField):
    """Dataset versions to tick, each with what tells it from others of its name."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        known = [str(obj), obj.get_format_display()]
        if obj.rows is not None:
            known.append(_("%(n)s rows") % {"n": f"{obj.rows:,}"})
        return " · ".join([*known, date_format(obj.created_at, "j M Y")])


class SubmitForm(forms.Form):
    """A version to hand in: the model, its checkpoint, its data and its card."""

    model = forms.ModelChoiceField(label=_("Model"), queryset=RegisteredModel.objects.none(), empty_label=_("Choose a model"))
    environment = forms.ChoiceField(label=_("Where it is to run"), choices=choices, initial=PRODUCTION)
    checkpoint = forms.FileField(
        label=_("Checkpoint"),
        help_text=_(
            "The weights (safetensors, or torch.save(model.state_dict(), …)) or a program (.pt2, TorchScript). A file that would "
            "run code when it is loaded is refused unopened. Files of many gigabytes are sent with “countersign submit”."
        ),
    )
    architecture = forms.ChoiceField(label=_("Architecture"), help_text=_("What the weights are put into to measure them."))
    settings = SettingsField(
        label=_("Its settings"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=format_lazy(_("As JSON, such as {example}"), example=json.dumps(ARCHITECTURES["small-cnn"])),
        error_messages={"invalid": _("This is not JSON. Write it as in the example, with double quotes.")},
    )
    reading = SettingsField(
        label=_("How its data are read"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=format_lazy(
            _("For tables and images only, as JSON, such as {example}. Tensors need none."), example=json.dumps(READING)
        ),
        error_messages={"invalid": _("This is not JSON. Write it as in the example, with double quotes.")},
    )
    run = RunField(
        label=_("Training run"),
        required=False,
        queryset=TrainingRun.objects.none(),
        empty_label=_("None"),
        help_text=_("Brings code, settings, curves and packages. It is recorded from the notebook or script that trained."),
    )
    note = forms.CharField(label=_("What changed since the version before"), required=False, max_length=500)
    training = DataField(
        label=_("Trained on"),
        queryset=DatasetVersion.objects.none(),
        error_messages={"required": _("Tick at least one dataset version.")},
    )
    testing = DataField(
        label=_("Test it on"),
        queryset=DatasetVersion.objects.none(),
        help_text=_("Held-out data in safetensors with “inputs” and “targets”; never what it was trained on."),
        error_messages={"required": _("Tick at least one dataset version.")},
    )

    validation = DataField(
        label=_("Tuned on"),
        required=False,
        queryset=DatasetVersion.objects.none(),
        help_text=_("Data by which its settings were chosen."),
    )
    stopping = DataField(
        label=_("Stopped on"),
        required=False,
        queryset=DatasetVersion.objects.none(),
        help_text=_("Data whose results ended the training. Numbers measured on them are not called verified."),
    )

    def __init__(self, *args: Any, person: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        models = RegisteredModel.objects.filter(team__in=scientist_teams(person)).order_by("name").select_related("team")
        data = _newest(DatasetVersion.objects.visible_to(person).registered()).named().order_by("dataset__name", "-number")
        runs = _newest(TrainingRun.objects.visible_to(person).shown()).select_related("experiment").order_by("-created_at")
        for name, rows in (("model", models), ("run", runs), *((use, data) for use in USES)):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]  # each a choice among rows
        installed = sorted({entry.name for entry in importlib.metadata.entry_points(group="countersign.architectures")})
        self.fields["architecture"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", _("Choose an architecture")),
            *((name, name) for name in dict.fromkeys([*ARCHITECTURES, *installed])),
            (PROGRAM, _("None: the file is a program (.pt2 or TorchScript)")),
        ]
        for field in FIELDS:
            self.fields[f"card_{field.key}"] = forms.CharField(
                label=str(field.label),
                help_text=str(field.asks),
                required=field.required,
                max_length=LONGEST,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def clean(self) -> dict[str, Any]:
        """With the architecture as versions keep it: its name and its settings."""
        given = super().clean() or self.cleaned_data
        settings = given.pop("settings", None)
        if given.get("reading") is not None and not isinstance(given["reading"], dict):
            self.add_error("reading", _("It is a table, in curly brackets."))
        if settings is not None and not isinstance(settings, dict):
            self.add_error("settings", _("Settings are a table, in curly brackets."))
        elif given.get("architecture") == PROGRAM:
            given["architecture"] = None
        elif given.get("architecture"):
            if strange := _misfit(given["architecture"], settings or {}):
                self.add_error("settings", strange)
            given["architecture"] = {"name": given["architecture"], "config": settings or {}}
        return given

    @property
    def card(self) -> dict[str, str]:
        """The card's texts by their keys."""
        return {
            field.key: self.cleaned_data[f"card_{field.key}"] for field in FIELDS if self.cleaned_data.get(f"card_{field.key}")
        }

    @property
    def submission(self) -> dict[str, Any]:
        """What `services.submit_at_once` takes, from a form that is valid."""
        given, upload = self.cleaned_data, self.cleaned_data.get("checkpoint")
        return {
            **{name: given[name] for name in ("model", "environment", "run", "architecture", "reading", "note") if name in given},
            "card": self.card,
            "data": [(use, one) for use in USES for one in given[use]],
            "checkpoint": upload.chunks(1 << 20) if upload else None,
            "checkpoint_name": upload.name if upload else "",
        }

    @property
    def card_fields(self) -> list[forms.BoundField]:
        return [self[f"card_{field.key}"] for field in FIELDS]


class DraftForm(SubmitForm):
    """What a draft still lacks, with what it says already filled in."""

    def __init__(self, *args: Any, version: Version, **options: Any) -> None:
        links = list(version.data.all())
        content = version.card.content if version.card else {}
        said = {
            **{use: [link.dataset_version_id for link in links if link.use == use] for use in USES},
            **{f"card_{key}": text for key, text in content.items()},
            **construction_of(version),
            "run": version.training_run_id,
            "note": version.note,
        }
        super().__init__(*args, initial=said, **options)
        del self.fields["model"]
        if keeps_bytes(version):
            del self.fields["checkpoint"]
        elif version.checkpoint_digest:
            self.fields["checkpoint"].required = False
            self.fields["checkpoint"].label = _("Another checkpoint")
            self.fields["checkpoint"].help_text = _("Only if the file that it has is not the right one.")
        if version.training_run_id:  # whatever its age
            runs: Any = self.fields["run"]
            offered = Q(pk=version.training_run_id) | Q(pk__in=runs.queryset.values("pk"))
            runs.queryset = TrainingRun.objects.filter(offered).select_related("experiment").order_by("-created_at")
        for use in USES:  # what it names already, whoever sees it: what a clone's weights were made with stays named
            data: Any = self.fields[use]
            offered = Q(pk__in=said[use]) | Q(pk__in=data.queryset.values("pk"))
            data.queryset = DatasetVersion.objects.filter(offered).named().order_by("dataset__name", "-number")


def construction_of(version: Version) -> dict[str, Any]:
    """How the version is built and fed, as the fields of the form take it."""
    built = version.architecture
    return {
        "architecture": built.get("name") if built else PROGRAM,
        "settings": built.get("config") if built else None,
        "reading": version.reading,
    }


class CardForm(forms.Form):
    """The card's texts, to write a new revision."""

    def __init__(self, *args: Any, content: dict[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        for field in FIELDS:
            self.fields[field.key] = forms.CharField(
                label=str(field.label),
                help_text=str(field.asks),
                required=field.required,
                max_length=LONGEST,
                initial=content.get(field.key, ""),
                widget=forms.Textarea(attrs={"rows": 3}),
            )


def _misfit(architecture: str, settings: dict[str, Any]) -> str:
    """What is wrong with the names of the settings of a built-in architecture: said now, because a refusal of the inspection
    would be the version's end. Of a plug-in's only the sandbox knows."""
    if (example := ARCHITECTURES.get(architecture)) is None:
        return ""
    optional = OPTIONAL.get(architecture, set())
    unknown, missing = set(settings) - set(example) - optional, set(example) - optional - set(settings)
    if not unknown and not missing:
        return ""
    said = _("%(name)s has no setting “%(setting)s”.") if unknown else _("%(name)s needs the setting “%(setting)s”.")
    such_as = _("Its settings are such as %(example)s") % {"example": json.dumps(example)}
    return f"{said % {'name': architecture, 'setting': min(unknown or missing)[:60]}} {such_as}"


def _newest(rows: Any) -> Any:
    """The newest rows by their keys: a field filters what it offers, which a cut list does not allow."""
    return rows.filter(pk__in=list(rows.order_by("-created_at").values_list("pk", flat=True)[:MOST_CHOICES]))
