"""The shape of a change envelope and of a signature on one."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.change_envelopes.body import MOST_DAYS, MOST_RELEASES
from governance.forms.proving import ReasonForm
from governance.forms.signing import SigningForm


class ChangeEnvelopeForm(ReasonForm):
    """The limits that people choose; the rest follows from the version that is live."""

    environment = forms.ChoiceField(label=_("Environment"), help_text=_("The version that is live there is the baseline."))
    metric = forms.ChoiceField(label=_("Measure"), help_text=_("Compared row by row with the baseline, on its own test sets."))
    margin = forms.FloatField(
        label=_("How much worse it may be"),
        min_value=0,
        initial=0.01,
        help_text=_(
            "At the unfavourable bound of the difference: 0.01 is one point. A difference that is not settled by enough rows "
            "passes the limit."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    churn = forms.FloatField(
        label=_("Share of changed predictions"),
        min_value=0,
        max_value=1,
        initial=0.05,
        help_text=_("At the upper bound: 0.05 is 5 of 100 rows. It limits how much users notice, even where nothing is worse."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    releases = forms.IntegerField(
        label=_("Releases"), min_value=1, max_value=MOST_RELEASES, initial=4, help_text=_("At most so many in the period below.")
    )
    days = forms.IntegerField(
        label=_("Period in days"), min_value=1, max_value=MOST_DAYS, initial=90, help_text=_("It ends at each release anew.")
    )
    expires_at = forms.DateField(
        label=_("Expires on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("From this day on nothing is released under it; at most a year from now."),
    )

    def __init__(self, *args: Any, environments: list[tuple[str, str]], metrics: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["reason"]
        self.fields["environment"].choices = environments  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["metric"].choices = metrics  # type: ignore[attr-defined]  # a ChoiceField

    def clean_expires_at(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.cleaned_data["expires_at"], time()))


class EnvelopeSigningForm(SigningForm):
    """A signature on exactly the body whose digest the page showed (`seen`)."""

    role = forms.CharField(widget=forms.HiddenInput, max_length=32)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=71)
