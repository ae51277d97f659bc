"""The shape of a deed that needs a reason and fresh proof of identity."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

CREDENTIALS = {"password", "code"}


class ReasonForm(forms.Form):
    """Why something is done; it becomes part of the record."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record."),
    )

    @property
    def told(self) -> list[forms.BoundField]:
        """Every field but the credentials, which stand together below; the reason last, and behind it what one accepts."""
        place = {"reason": 1, "accept": 2}
        return [self[name] for name in sorted(self.fields, key=lambda name: place.get(name, 0)) if name not in CREDENTIALS]


class ProvenForm(ReasonForm):
    """A reason, and fresh credentials: the code only where the person has a second factor."""

    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label=_("Code of your second factor"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, second_factor: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not second_factor:
            del self.fields["code"]
