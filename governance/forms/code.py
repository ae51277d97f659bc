"""The shape of a comment on code and of an outcome."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.components.forms import ChoiceCards
from governance.models import CodeComment, CodeOutcome

LONGEST = 4000


class CodeCommentForm(forms.Form):
    """`place` says about which line: hidden, and taken from the link that opened the form."""

    text = forms.CharField(label=_("Comment"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}))
    part = forms.ChoiceField(choices=[("", ""), *CodeComment.Part.choices], required=False, widget=forms.HiddenInput)
    path = forms.CharField(max_length=1000, required=False, strip=False, widget=forms.HiddenInput)
    side = forms.ChoiceField(choices=[("", ""), *CodeComment.Side.choices], required=False, widget=forms.HiddenInput)
    line = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, widget=forms.HiddenInput)
    code = forms.UUIDField(widget=forms.HiddenInput)


class CodeOutcomeForm(forms.Form):
    explained: dict[str, dict[str, Any]] = {
        "verdict": {
            "approved": _("You read these changes, and they may stand."),
            "changes_requested": _("Something should change first; say what."),
        }
    }
    code = forms.UUIDField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(label=_("Outcome"), choices=CodeOutcome.Verdict.choices, widget=ChoiceCards)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you looked at, and why you come to this. It becomes part of the record."),
    )
    url = forms.URLField(
        label=_("Address of a review at the repository's host"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=_("Only where the code was reviewed there. It is claimed, and you vouch for it."),
    )
    reviewer = forms.CharField(label=_("Who reviewed it there"), required=False, max_length=200)
    hosted_on = forms.DateField(
        label=_("On which day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
