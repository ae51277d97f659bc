"""The shape of an exception, and of the decision on it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.requirements import Answer

TEXT = 4000


def _texts(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=TEXT, widget=forms.Textarea(attrs={"rows": 4}), **more)


class ExceptionForm(forms.Form):
    """`answers` are those that stand against approval and that an exception may stand in for."""

    answer = forms.ChoiceField(label=_("Requirement that cannot be met"), widget=forms.RadioSelect)
    whole_model = forms.BooleanField(label=_("For every version of the model, not only for this one"), required=False)
    reason = _texts(_("Why it cannot be met"))
    control = _texts(_("Compensating control: what makes up for it meanwhile"))
    expires_on = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, answers: list[Answer], **options: Any) -> None:
        super().__init__(*args, **options)
        self.answers = answers
        choices = [(str(place), one.sentence) for place, one in enumerate(answers)]
        self.fields["answer"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def said(self) -> dict[str, Any]:
        """The arguments of the service."""
        said = dict(self.cleaned_data)
        chosen = self.answers[int(said.pop("answer"))]
        return said | {"kind": chosen.kind, "subject": chosen.subject}


class ApproveForm(forms.Form):
    decision = _texts(_("What the decision rests on"), required=False)
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


class RefuseForm(forms.Form):
    decision = _texts(_("Why it is refused"))


class RevokeForm(forms.Form):
    reason = _texts(_("Why it is taken back"))
