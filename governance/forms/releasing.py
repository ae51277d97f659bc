"""The shape of a release and of a roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.environments import choices
from governance.models import PRODUCTION, label_of


class ReleaseForm(forms.Form):
    """Where it is to be live; `environments` narrows the choice."""

    environment = forms.ChoiceField(label=_("Environment"), choices=choices, initial=PRODUCTION)

    def __init__(self, *args: Any, environments: Sequence[str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if environments is not None:
            offered = [(slug, label_of(slug)) for slug in environments]
            self.fields["environment"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField


class RollbackForm(ReleaseForm):
    reason = forms.CharField(label=_("Why you roll back"), max_length=500)
