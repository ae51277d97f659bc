"""The shape of a choice of mails."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.models.mail import MailKind


class MailForm(forms.Form):
    kinds = forms.MultipleChoiceField(
        label=_("Send me a mail when"), choices=MailKind.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
