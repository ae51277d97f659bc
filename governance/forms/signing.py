"""The shape of a signature."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.components.forms import ChoiceCards
from governance.models import SignOff
from governance.services.conditions import Wanted

ROWS = 3  # conditions on the page; the API takes more
UNDER_CONDITIONS = SignOff.Verdict.APPROVE_WITH_CONDITIONS


def password_field() -> forms.CharField:
    return forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def code_field() -> forms.CharField:
    return forms.CharField(
        label=_("Code of your second factor"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )


class SigningForm(forms.Form):
    """What every signature asks for: fresh credentials, and once the sentence that it binds as one by hand."""

    accept = forms.BooleanField(label=_("I accept this."), required=False)
    password = password_field()
    code = code_field()

    def __init__(self, *args: Any, second_factor: bool, accepted: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not second_factor:
            del self.fields["code"]
        if accepted:
            del self.fields["accept"]


class SignOffForm(SigningForm):
    """A verdict. `seen` carries the digest that the page showed; `texts` says for each verdict what is signed with it, and
    `blocked` why nobody approves."""

    role = forms.CharField(widget=forms.HiddenInput, max_length=32)
    delegation = forms.CharField(widget=forms.HiddenInput, max_length=36, required=False)
    verdict = forms.ChoiceField(label=_("Verdict"), choices=SignOff.Verdict.choices, widget=ChoiceCards)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record. Needed when you request changes or reject."),
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=71)

    def __init__(
        self, *args: Any, texts: dict[str, str], owners: Any, blocked: str = "", conditional: str = "", **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.explained = {"verdict": dict(texts)}
        impossible = {"approve": blocked, UNDER_CONDITIONS: blocked or conditional}
        stopped = {verdict: why for verdict, why in impossible.items() if why}
        self.fields["verdict"].widget.blocked = frozenset(stopped)  # type: ignore[attr-defined]  # its own widget
        self.explained["verdict"] |= stopped
        self.rows = [] if UNDER_CONDITIONS in stopped else [f"condition_{number}" for number in range(1, ROWS + 1)]
        for row in self.rows:
            self.fields |= _condition_fields(row, owners)

    @property
    def condition_rows(self) -> list[dict[str, Any]]:
        """The fields of each condition, for the page."""
        parts = ("text", "owner", "due", "evidence")
        return [{part: self[f"{row}_{part}"] for part in parts} for row in self.rows]

    @property
    def conditions_open(self) -> bool:
        """Whether somebody has written conditions, or chosen the verdict that needs some."""
        written = any(self[f"{row}_text"].value() for row in self.rows)
        return written or self["verdict"].value() == UNDER_CONDITIONS

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for row in self.rows:
            if given.get(f"{row}_text") or given.get(f"{row}_owner") or given.get(f"{row}_due"):
                for part, said in (("text", _("Say what is to be done.")), ("owner", _("Say who sees to it."))):
                    if not given.get(f"{row}_{part}"):
                        self.add_error(f"{row}_{part}", said)
                if not given.get(f"{row}_due") and f"{row}_due" not in self.errors:
                    self.add_error(f"{row}_due", _("Say until when."))
        return given

    @property
    def signature(self) -> dict[str, Any]:
        """What the service takes."""
        given = self.cleaned_data
        kept = {
            name: given[name] for name in ("role", "verdict", "comment", "seen", "password", "code", "accept") if name in given
        }
        return kept | {
            "conditions": [
                Wanted(given[f"{row}_text"], given[f"{row}_owner"], given[f"{row}_due"], given[f"{row}_evidence"])
                for row in self.rows
                if given[f"{row}_text"]
            ]
        }


def _condition_fields(row: str, owners: Any) -> dict[str, forms.Field]:
    return {
        f"{row}_text": forms.CharField(
            label=_("What is to be done"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
        ),
        f"{row}_owner": forms.ModelChoiceField(
            owners, label=_("Who sees to it"), required=False, empty_label=_("Choose a person")
        ),
        f"{row}_due": forms.DateField(
            label=_("Until when"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        ),
        f"{row}_evidence": forms.CharField(label=_("Evidence that is asked for"), required=False, max_length=1000),
    }


class WithdrawSignatureForm(SigningForm):
    """A signature taken back by whoever gave it."""

    reason = forms.CharField(label=_("Why"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}))
