"""What is asked of the history of releases."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.models import Environment


def _all_environments() -> list[tuple[str, str]]:
    """Retired ones too: the past was there."""
    return [("", str(_("All environments"))), *((one.slug, str(one)) for one in Environment.objects.all())]


class EnvironmentFilter(forms.Form):
    environment = forms.ChoiceField(label=_("Environment"), choices=_all_environments, required=False)


class AsOfForm(EnvironmentFilter):
    at = forms.CharField(label=_("On which day"), max_length=40, widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ("at", "environment")
