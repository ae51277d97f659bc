"""The shape of a release and of a roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.models import Environment


class ReleaseForm(forms.Form):
    environment = forms.ChoiceField(label=_("Environment"), choices=Environment.choices, initial=Environment.PRODUCTION)


class RollbackForm(forms.Form):
    environment = forms.ChoiceField(label=_("Environment"), choices=Environment.choices, initial=Environment.PRODUCTION)
    reason = forms.CharField(label=_("Why you roll back"), max_length=500)

    def __init__(self, *args: Any, environments: Sequence[str] = Environment.values, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(value, label) for value, label in Environment.choices if value in environments]
        self.fields["environment"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
