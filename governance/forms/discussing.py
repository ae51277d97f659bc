"""The shape of what is said on a review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST = 4000


class AnswerForm(forms.Form):
    text = forms.CharField(label=_("Your answer"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 2}))


class MessageForm(forms.Form):
    """A comment; put to somebody, a question."""

    text = forms.CharField(label=_("Your words"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}))
    to = forms.ChoiceField(
        label=_("Ask"),
        required=False,
        help_text=_("A question waits in the inbox of whom you ask until it is answered. It does not hold up the decision."),
    )

    def __init__(self, *args: Any, addressees: list[tuple[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        if addressees:
            self.fields["to"].choices = [("", _("Nobody: it is a comment")), *addressees]  # type: ignore[attr-defined]  # a ChoiceField
        else:
            del self.fields["to"]

    @property
    def asked(self) -> tuple[str, UUID | None]:
        """The role, or the person's id, of whom it is put to; neither of a comment."""
        kind, _colon, which = self.cleaned_data.get("to", "").partition(":")
        return (which if kind == "role" else "", UUID(which) if kind == "person" else None)
