"""The shape of an environment, of another mode for it, and of its retirement."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.components.forms import ChoiceCards
from governance.forms.proving import ProvenForm
from governance.models import Environment

MODES: dict[str, Any] = {
    "prevent": _("A version without a valid approval is not released. For everything that people are affected by."),
    "warn": _("A version without an approval is released, and every reason against it stays with the release."),
    "record": _("Releases are written down and nobody asks for an approval. For places where nothing can go wrong."),
}


class EnvironmentForm(ProvenForm):
    explained = {"mode": MODES}
    name = forms.CharField(label=_("Name"), max_length=64)
    slug = forms.CharField(
        label=_("Short name"),
        max_length=32,
        help_text=_("Lower-case letters, digits and hyphens; what programs and aliases call it. It never changes."),
    )
    mode = forms.ChoiceField(
        label=_("A release without approval"), choices=Environment.Mode.choices, initial="prevent", widget=ChoiceCards
    )


class ModeForm(ProvenForm):
    explained = {"mode": MODES}
    mode = forms.ChoiceField(label=_("A release without approval"), choices=Environment.Mode.choices, widget=ChoiceCards)
