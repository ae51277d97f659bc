"""The shape of what people fill in: which part of the trail, which report, which file. Who may is asked elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person
from audit.subjects import KINDS
from audit.wording import system_word
from governance.environments import choices
from governance.models import PRODUCTION
from ledger.actors import CLOCK, INSTALLER, WORKER
from ledger.events import registered
from models_registry.models import RegisteredModel, Version

MOST_CHOICES = 200  # in one list; beyond, people come by links


class TrailForm(forms.Form):
    """Filters of the trail, all from the address; what cannot be read is left out."""

    actor = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    model = forms.ModelChoiceField(
        label=gettext_lazy("Model"), queryset=RegisteredModel.objects.none(), required=False, empty_label=gettext_lazy("Any")
    )
    type = forms.ChoiceField(label=gettext_lazy("What happened"), required=False)
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    about = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)

    def __init__(self, *args: Any, reader: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        people = Person.objects.visible_to(reader).order_by("name", "pk")[:MOST_CHOICES]
        systems = [(one.actor_id, system_word(one.actor_id)) for one in (WORKER, CLOCK, INSTALLER)]
        actors = [("", _("Anybody")), *((str(one.pk), str(one)) for one in people), *systems]
        self.fields["actor"].choices = actors  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["model"].queryset = RegisteredModel.objects.visible_to(reader)  # type: ignore[attr-defined]  # a choice among rows
        self.fields["type"].choices = [("", _("Anything")), *_types()]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_about(self) -> tuple[str, str] | None:
        kind, _colon, key = self.cleaned_data["about"].partition(":")
        if not key:
            return None
        try:
            return (kind, str(UUID(key))) if kind in KINDS else None
        except ValueError:
            return None


def _types() -> list[tuple[str, list[tuple[str, str]]]]:
    """The types of events by what they are about, each group beginning with all of it."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, _version, _shape in registered():
        family, _dot, past = name.partition(".")
        group = groups.setdefault(family, [(f"{family}.", _("%(what)s: everything") % {"what": _words(family)})])
        if (name, f"{_words(family)}: {past.replace('_', ' ')}") not in group:
            group.append((name, f"{_words(family)}: {past.replace('_', ' ')}"))
    return [(_words(family), options) for family, options in groups.items()]


def _words(family: str) -> str:
    return family.replace("_", " ").capitalize()


class ReportForm(forms.Form):
    """Which version, and where it is to be judged for."""

    version = forms.ModelChoiceField(label=gettext_lazy("Version"), queryset=Version.objects.none())
    environment = forms.ChoiceField(label=gettext_lazy("Environment"), choices=choices, initial=PRODUCTION)

    def __init__(self, *args: Any, versions: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["version"].queryset = versions  # type: ignore[attr-defined]  # a ModelChoiceField


class VerifyForm(forms.Form):
    """A file to be verified; its size is looked at before it is read."""

    file = forms.FileField(
        label=gettext_lazy("The report"),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,application/pdf"}),
        help_text=gettext_lazy("The PDF as you received it, at most 50 MB. It is deleted as soon as it has been verified."),
    )


class LookupForm(forms.Form):
    """A digest, or the number of an entry."""

    q = forms.CharField(
        label=gettext_lazy("Digest or number of an entry"),
        max_length=80,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "placeholder": "sha256:…"}),
    )
