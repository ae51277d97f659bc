"""The shape of a new webhook."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, Role, Team
from governance.models import Webhook
from governance.webhooks.addresses import MOST_CHARACTERS


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=MOST_CHARACTERS,
        help_text=_("Where deliveries are sent, such as https://deploy.example.org/hooks. It must be public."),
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=None, help_text=_("Whose events are sent.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("What it is told of"), choices=Webhook.Kind.choices, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, person: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        administers = person.holds_anywhere(Role.ADMINISTRATOR) or person.holds(Role.RISK_MANAGER)
        held = Team.objects.filter(memberships__person=person, memberships__role=Role.RISK_MANAGER).distinct()
        team: Any = self.fields["team"]
        team.queryset = (Team.objects.all() if administers else held).order_by("name")
        if administers:
            team.empty_label = _("Every team")
        else:
            team.required = True
