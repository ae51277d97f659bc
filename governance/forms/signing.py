"""The shape of a signature."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Role
from core.components.forms import ChoiceCards
from governance.models import SignOff


class SignOffForm(forms.Form):
    """A verdict with fresh credentials. `seen` carries the digest that the page showed; `blocked` says why nobody approves."""

    explained: dict[str, dict[str, Any]] = {
        "verdict": {
            "approve": _("It may be used under the policy."),
            "request_changes": _("Back to the submitter; say what should change."),
            "reject": _("Final for this version; say why."),
        }
    }
    role = forms.ChoiceField(label=_("You sign as"))
    verdict = forms.ChoiceField(label=_("Verdict"), choices=SignOff.Verdict.choices, widget=ChoiceCards)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record. Needed when you request changes or reject."),
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=71)
    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label=_("Code of your second factor"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, roles: list[str], second_factor: bool, blocked: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        if blocked:
            self.fields["verdict"].widget.blocked = frozenset({"approve"})  # type: ignore[attr-defined]  # its own widget
            self.explained = {"verdict": {**self.explained["verdict"], "approve": blocked}}
        self.fields["role"].choices = [(role, Role(role).label) for role in roles]  # type: ignore[attr-defined]  # a ChoiceField
        if len(roles) == 1:
            self.fields["role"].widget = forms.HiddenInput()
            self.fields["role"].initial = roles[0]
        if not second_factor:
            del self.fields["code"]
