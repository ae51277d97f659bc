"""The shapes in which a condition is reported met, and answered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.signing import SigningForm


class ReportConditionForm(forms.Form):
    """What the owner says was done, and a file that shows it."""

    report = forms.CharField(
        label=_("What was done, and where it can be seen"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    file = forms.FileField(label=_("Evidence"), required=False, max_length=200, help_text=_("Any file, at most 50 MB."))

    @property
    def reported(self) -> dict[str, Any]:
        """What the service takes."""
        file = self.cleaned_data["file"]
        return {
            "report": self.cleaned_data["report"],
            "evidence": file.chunks() if file else (),
            "evidence_name": file.name if file else "",
        }


class AnswerConditionForm(SigningForm):
    """Whether the condition is met, signed."""

    met = forms.ChoiceField(
        label=_("Is it met?"), choices=[("yes", _("It is met")), ("no", _("Not yet"))], widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed when it is not met yet: say what is missing."),
    )

    @property
    def answer(self) -> dict[str, Any]:
        """What the service takes."""
        given = dict(self.cleaned_data)
        return given | {"met": given["met"] == "yes"}
