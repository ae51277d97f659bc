"""The shape of what people answer to an alert."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class CloseForm(forms.Form):
    why = forms.CharField(
        label=_("Why it is over"),
        max_length=2000,
        help_text=_("Becomes part of the record. A new breach opens a new alert."),
        error_messages={"required": _("Say why the alert is over: it becomes part of the record.")},
    )
