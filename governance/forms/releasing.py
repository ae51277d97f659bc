"""The shape of a release and of a roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.environments import choices
from governance.forms.proving import ProvenForm
from governance.models import PRODUCTION, label_of
from governance.signed_words import accountability_text
from models_registry.models import RegisteredModel, Version


class ReleaseForm(forms.Form):
    """Where it is to be live; `environments` narrows the choice."""

    environment = forms.ChoiceField(label=_("Environment"), choices=choices, initial=PRODUCTION)

    def __init__(self, *args: Any, environments: Sequence[str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if environments is not None:
            offered = [(slug, label_of(slug)) for slug in environments]
            self.fields["environment"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField


class NewReviewForm(ReleaseForm):
    """For which environment a version is reviewed again."""

    @property
    def told(self) -> list[forms.BoundField]:
        return list(self)


class RollbackForm(ReleaseForm):
    to = forms.ModelChoiceField(
        label=_("To which version"),
        queryset=Version.objects.none(),
        required=False,
        empty_label=_("The latest earlier one whose approval holds"),
    )
    reason = forms.CharField(label=_("Why you roll back"), max_length=500)

    def __init__(self, *args: Any, model: RegisteredModel, **options: Any) -> None:
        super().__init__(*args, **options)
        was_live = Version.objects.filter(releases__model=model).distinct().select_related("model").order_by("-number")
        self.fields["to"].queryset = was_live  # type: ignore[attr-defined]  # a ModelChoiceField


class EmergencyForm(ProvenForm):
    """Why it cannot wait; it stands with the release, as long as the reason of a roll-back may be."""

    reason = forms.CharField(
        label=_("Why it cannot wait"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record."),
    )
    accept = forms.BooleanField(required=False)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=71)

    def __init__(self, *args: Any, accepted: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if accepted:
            del self.fields["accept"]
        else:
            self.fields["accept"].label = accountability_text()
